"""The examples of the documentation do what they say."""

# ruff: noqa: ASYNC220, S603, TID251 - the programs tests start are their own, and nothing else runs meanwhile

import ast
import inspect
import os
import re
import select
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from novaflow.adapters.amqp import Publisher
from novaflow.adapters.storage import Journal
from novaflow.events.subscribe import subscribe
from novaflow.events.types import ServiceChanged, ServiceState
from tests.support.brokers import Broker

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
READY = ServiceChanged(name="nova-api", state=ServiceState.READY, workflow="run", component="nova-api", reason="answered")


@pytest.fixture
def anyio_backend() -> str:
    """Use one backend: what is tested here happens in programs."""
    return "asyncio"


@pytest.fixture
async def publisher(broker: Broker, tmp_path: Path) -> AsyncIterator[Publisher]:
    """Lend a publisher that is at work."""
    publisher = Publisher(tmp_path / "journal.jsonl", tmp_path / "cursor", broker.url)
    publisher.start()
    yield publisher
    publisher.stop(2)


@pytest.mark.parametrize(
    ("example", "says"),
    [
        ("with_pika.py", "nova-api novaflow.service.ready answered"),
        ("replay_with_pika.py", "nova-api novaflow.service.ready answered"),
        ("with_kombu.py", "nova-api is ready"),
        ("with_novaflow.py", "nova-api ready"),
    ],
)
async def test_an_example_shows_events(example: str, says: str, publisher: Publisher, broker: Broker, tmp_path: Path) -> None:
    """Started with the subscriber's address, it prints what happens."""
    journal = Journal(tmp_path / "journal.jsonl", source="/novaflow/host/nova")
    command: list[str | Path] = [sys.executable, EXAMPLES / example, broker.subscriber_url]
    environment = {"PYTHONPATH": str(EXAMPLES.parents[1]), "PATH": os.defpath}
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path, env=environment) as program:
        assert program.stdout is not None
        for _ in range(200):
            # What a queue of its own gets is what happens after it was made: go on until it is.
            journal.append(READY, "run-1")
            publisher.wake()
            if select.select([program.stdout], [], [], 0.1)[0]:
                break
        line = program.stdout.readline().decode()
        program.kill()
    journal.close()
    assert says in line


def test_the_excerpt_calls_subscribe_correctly() -> None:
    """The page about subscriptions passes parameters that `subscribe` has."""
    block = re.search(r"```python\n(.*?)```", (EXAMPLES.parent / "how-to/subscribe.md").read_text(), re.DOTALL)
    assert block
    calls = [each for each in ast.walk(ast.parse(block[1])) if isinstance(each, ast.Call) and ast.unparse(each.func) == "subscribe"]
    assert calls
    for call in calls:
        inspect.signature(subscribe).bind(*call.args, **{keyword.arg or "": keyword.value for keyword in call.keywords})
