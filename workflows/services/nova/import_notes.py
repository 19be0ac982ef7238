"""Notes which modules a service imports from the stack's source tree, so that `run --watch` knows whom a change concerns.

Lies in the stack's environment, where Python loads it at every start; without `--watch` there is no folder to write to, and it does
nothing. It is ours and runs in others' programs: whatever happens, they must not notice.
"""

import os
import sys

_root, _, _node = os.environ.get("NOVAFLOW_NODE", "").rpartition(":")  # noqa: TID251 - in a program that is none of ours
_notes = os.path.join(_root, "run", "imports")  # noqa: PTH118 - pathlib would cost each of their programs 10 ms


class _Noter:
    """Is asked first for every module that is imported, and finds none."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:  # noqa: ARG004 - Python's protocol
        if os.path.isdir(os.path.join(_root, "source", name.partition(".")[0])):  # noqa: PTH112, PTH118
            try:
                with open(os.path.join(_notes, _node), "a", encoding="utf-8") as notes:  # noqa: PTH118, PTH123
                    notes.write(f"{name}\n")
            except OSError:
                sys.meta_path.remove(_Noter)


if _root and os.path.isdir(_notes):  # noqa: PTH112
    sys.meta_path.insert(0, _Noter)
