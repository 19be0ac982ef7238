"""Deletion of all resources of a kind: order, progress and what remains."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from novaflow.errors import StepFailed
from novaflow.model.context import Context
from novaflow.model.step import Skipped
from tests.support.contexts import open_context
from workflows.services.cloud.bulk_delete import Kind, delete_all

STUCK_S = 0.2


@dataclass
class Cloud:
    """Volumes, each with the number of requests after which it disappears; requests for those in ``rejected`` fail."""

    volumes: dict[str, int]
    rejected: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)

    async def find(self) -> Mapping[str, str]:
        """Return the volumes that exist."""
        return {one: "in-use" for one, times in self.volumes.items() if self.requests.count(one) < times}

    async def delete(self, one: str) -> None:
        """Record the request, and reject it if the volume needs more of them."""
        self.requests.append(one)
        if one in self.rejected or self.requests.count(one) < self.volumes[one]:
            raise StepFailed(f"DELETE {one} returned 409")

    @property
    def kind(self) -> Kind:
        """Return the volumes as a kind."""
        return Kind("volume", self.find, self.delete)


@dataclass
class Step:
    """The context of a step, and the progress that the step reported."""

    ctx: Context
    progress: list[str]


@pytest.fixture
async def step(tmp_path: Path) -> AsyncIterator[Step]:
    """Return the context of a step in an empty stack."""
    progress: list[str] = []
    async with open_context(tmp_path, report=lambda _, text, __: progress.append(text)) as ctx:
        yield Step(ctx, progress)


async def test_without_resources_the_step_is_skipped(step: Step) -> None:
    """No deletion is requested."""
    cloud = Cloud({})
    assert await delete_all(step.ctx, cloud.kind) == Skipped("no volumes")
    assert cloud.requests == []


async def test_all_resources_are_deleted_with_progress(step: Step) -> None:
    """Each deletion is requested once, and again if it was rejected: a volume can be deleted after its server."""
    cloud = Cloud({"a": 1, "b": 1, "c": 3})
    assert await delete_all(step.ctx, cloud.kind, stuck_s=STUCK_S) == "deleted 3 volumes"
    assert sorted(cloud.requests) == ["a", "b", "c", "c", "c"]
    assert step.progress[0] == "2 of 3 volumes deleted"
    assert step.progress[-1] == "3 of 3 volumes deleted"


async def test_one_resource_is_deleted(step: Step) -> None:
    """The answer is singular."""
    assert await delete_all(step.ctx, Cloud({"a": 1}).kind, stuck_s=STUCK_S) == "deleted 1 volume"


async def test_resources_that_remain_are_listed(step: Step) -> None:
    """The error names the id, the state and the reason; all others are deleted."""
    cloud = Cloud({"a": 1, "stuck": 2**30, "slow": 2, "b": 1}, rejected={"stuck"})
    with pytest.raises(StepFailed) as failed:
        await delete_all(step.ctx, cloud.kind, stuck_s=STUCK_S)
    assert str(failed.value).endswith("not deleted:\nvolume stuck is in-use: DELETE stuck returned 409")
    assert [*await cloud.find()] == ["stuck"]
