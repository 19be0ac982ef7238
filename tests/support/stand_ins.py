"""Programs of a test that the steps of a stack run instead of those of the machine."""

from novaflow.adapters.local import NodeContext

_PROGRAM = """#!/bin/sh
echo "{name} $*" >>'{calls}'
{script}
"""


class StandIns:
    """Programs in the environment of a stack, with which the PATH of its steps begins; each call is recorded with its arguments."""

    def __init__(self, ctx: NodeContext) -> None:
        self._folder, self._calls = ctx.paths.venv / "bin", ctx.paths.root / "calls"
        self._folder.mkdir(parents=True, exist_ok=True)
        ctx.paths.run.mkdir(parents=True, exist_ok=True)  # where programs are started

    def add(self, *names: str, script: str = "exit 0") -> None:
        """Add programs that run the script of a shell; one that exists is replaced."""
        for name in names:
            (self._folder / name).write_text(_PROGRAM.format(name=name, calls=self._calls, script=script))
            (self._folder / name).chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """Return the name and arguments of each call so far."""
        return self._calls.read_text().splitlines() if self._calls.exists() else []
