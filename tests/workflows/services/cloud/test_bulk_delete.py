"""Deleting all of a kind: what goes, what will not, and what is said of it."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from novaflow.adapters.http.client import HttpClient
from novaflow.adapters.process.context import NodeContext, StackResources
from novaflow.adapters.storage.secrets import Secrets
from novaflow.errors import StepFailed
from novaflow.model.paths import Paths
from novaflow.model.probe import Backoff
from novaflow.model.step import Skipped
from tests.support.settings import make_settings
from workflows.services.cloud.bulk_delete import Kind, delete_all

STUCK_S = 0.2


@pytest.fixture
def anyio_backend() -> str:
    """Adapters run where aiofiles does."""
    return "asyncio"


@dataclass
class Cloud:
    """Volumes: each goes once its end was asked for so many times; ``refused`` are not even taken."""

    volumes: dict[str, int]
    refused: set[str] = field(default_factory=set)
    arguments: list[str] = field(default_factory=list)

    async def find(self) -> Mapping[str, str]:
        """Return those that are left."""
        return {one: "in-use" for one, times in self.volumes.items() if self.arguments.count(one) < times}

    async def delete(self, one: str) -> None:
        """Take note, and refuse the first time what waits for something else."""
        self.arguments.append(one)
        if one in self.refused or self.arguments.count(one) < self.volumes[one]:
            raise StepFailed(f"DELETE {one} was answered with 409")

    @property
    def kind(self) -> Kind:
        """Return what is to be deleted."""
        return Kind("volume", self.find, self.delete)


@dataclass
class Ground:
    """A step's context, and what the step reported."""

    ctx: NodeContext
    told: list[str]


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    """Return a step's context on a stack with nothing in it, in a hurry."""
    paths, told, client = Paths(tmp_path), list[str](), HttpClient()

    async def drain(_: float) -> bool:
        return False

    machine = StackResources(
        make_settings(),
        paths,
        (),
        Secrets(tmp_path / "secrets"),
        client,
        lambda _, text, __: told.append(text),
        drain,
        Backoff(0.001, 0.01),
    )
    yield Ground(NodeContext(machine, "terminate.volumes"), told)
    await client.aclose()


async def test_nothing_is_said_to_be_nothing(ground: Ground) -> None:
    """There is nothing to do, and nothing is asked."""
    cloud = Cloud({})
    assert await delete_all(ground.ctx, cloud.kind) == Skipped("there is no volume")
    assert cloud.arguments == []


async def test_all_of_a_kind_go_with_progress(ground: Ground) -> None:
    """Each is asked once, and again where it was refused: a volume goes after its server."""
    cloud = Cloud({"a": 1, "b": 1, "c": 3})
    assert await delete_all(ground.ctx, cloud.kind, stuck_s=STUCK_S) == "3 volumes are gone"
    assert json.dumps(sorted(cloud.arguments)) == '["a", "b", "c", "c", "c"]'
    assert ground.told[0] == "2 of 3 volumes are gone"
    assert ground.told[-1] == "3 of 3 volumes are gone"


async def test_what_will_not_go_is_named_and_the_rest_is_gone(ground: Ground) -> None:
    """With its id, how it is, and why, if somebody said so."""
    cloud = Cloud({"a": 1, "deaf": 2**30, "b": 1}, refused={"deaf"})
    with pytest.raises(StepFailed) as failed:
        await delete_all(ground.ctx, cloud.kind, stuck_s=STUCK_S)
    assert str(failed.value).endswith("still there:\nvolume deaf is in-use: DELETE deaf was answered with 409")
    assert [*await cloud.find()] == ["deaf"]
