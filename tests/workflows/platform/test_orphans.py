"""Removal of resources that a stack left: every one is tried, and failures are named."""

from collections.abc import Callable, Mapping

import pytest

from novaflow.adapters.local import NodeContext
from novaflow.errors import ProgramFailed, StepFailed
from novaflow.model.context import Context
from novaflow.model.orphan import OrphanedResource
from novaflow.model.step import Skipped
from workflows.platform.orphans import Remove, removal, remove_found

MakeContext = Callable[..., NodeContext]


class Cupboard:
    """Resources of the kinds ``cup`` and ``plate``; plates cannot be removed while they are in use."""

    def __init__(self, *names: str, in_use: tuple[str, ...] = ()) -> None:
        self.names, self.in_use = {*names}, in_use

    @property
    def removers(self) -> Mapping[str, Remove]:
        """Return the functions that remove a resource, by kind."""
        return {"cup": self._remove, "plate": self._remove}

    async def find(self, _: Context) -> list[OrphanedResource]:
        """Return all resources."""
        return [OrphanedResource(name.partition("-")[0], name, "it is here") for name in sorted(self.names)]

    async def _remove(self, _: Context, name: str) -> None:
        if name in self.in_use:
            raise ProgramFailed("remove", 1, "in use")
        self.names.remove(name)


async def test_the_step_removes_what_it_finds(make_context: MakeContext) -> None:
    """It returns the number of resources by kind; a second time nothing is left to remove."""
    cupboard = Cupboard("cup-1", "cup-2", "plate-1")
    step = removal(cupboard.find, cupboard.removers)
    assert await step.body(make_context()) == "removed cup: 2, plate: 1"
    assert await step.body(make_context()) == Skipped("nothing to remove")


async def test_a_failure_does_not_stop_the_removal(make_context: MakeContext) -> None:
    """All other resources are removed, and the error names the one that was not."""
    cupboard = Cupboard("cup-1", "plate-1", "plate-2", in_use=("plate-1",))
    ctx = make_context()
    with pytest.raises(StepFailed, match=r"^plate plate-1: remove "):
        await remove_found(ctx, await cupboard.find(ctx), cupboard.removers)
    assert cupboard.names == {"plate-1"}
