"""Records which modules a service imports from the stack's source tree; `run --watch` restarts services by these records.

The file is installed into the stack's environment, where Python loads it at every start. Without `--watch` the folder of
records does not exist, and the hook is not installed. An error here must never affect the program that runs it.
"""

import os
import sys

_root, _, _node = os.environ.get("NOVAFLOW_NODE", "").rpartition(":")  # noqa: TID251 - it runs in other programs
_notes = os.path.join(_root, "run", "imports")  # noqa: PTH118 - importing pathlib takes 10 ms


class _Recorder:
    """A meta path finder that records each module's name and finds none."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:  # noqa: ARG004 - Python's protocol
        if os.path.isdir(os.path.join(_root, "source", name.partition(".")[0])):  # noqa: PTH112, PTH118
            try:
                with open(os.path.join(_notes, _node), "a", encoding="utf-8") as notes:  # noqa: PTH118, PTH123
                    notes.write(f"{name}\n")
            except OSError:
                sys.meta_path.remove(_Recorder)


if _root and os.path.isdir(_notes):  # noqa: PTH112
    sys.meta_path.insert(0, _Recorder)
