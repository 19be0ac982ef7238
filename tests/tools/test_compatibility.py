"""The contract of events: what a release has promised, the next one keeps."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.compatibility import RELEASED, find_breaks, main
from tools.schemas import asyncapi

ROOT = Path(__file__).parents[2]
Document = dict[str, Any]


def payload(document: Document, kind: str) -> Document:
    """Return what the document says of the messages of a kind."""
    found: Document = document["components"]["messages"][kind]["payload"]
    return found


def data(document: Document, kind: str) -> Document:
    """Return what the document says of the data of a kind."""
    found: Document = payload(document, kind)["properties"]["data"]
    return found


def test_the_last_release_is_kept() -> None:
    """Nothing that was promised is gone; what is new is promised at the next release."""
    assert [*find_breaks(json.loads((ROOT / RELEASED).read_text()), asyncapi())] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda new: data(new, "service")["properties"].pop("pid"), "service.payload.data.pid is gone"),
        (lambda new: data(new, "service")["properties"]["pid"].update(type="string"), "pid: type was integer, is string"),
        (
            lambda new: data(new, "workflow")["properties"]["failed"]["items"].update(type="integer"),
            "failed[]: type was string, is integer",
        ),
        (lambda new: data(new, "step")["required"].remove("component"), "step.payload.data.component may be missing"),
        (lambda new: payload(new, "step")["properties"]["type"]["enum"].pop(), "step.payload.type: novaflow.step.retried is gone"),
        (lambda new: payload(new, "stack")["properties"].pop("sequence"), "stack.payload.sequence is gone"),
        (lambda new: new["components"]["messages"].pop("instance"), "kind instance is gone"),
        (lambda new: new["channels"]["events"].update(address="{name}"), "the address of the channel has changed"),
        (lambda new: new["channels"]["events"]["bindings"]["amqp"]["exchange"].update(type="fanout"), "the bindings of the channel"),
    ],
)
def test_a_break_is_found(change: Callable[[Document], object], said: str) -> None:
    """Whatever a subscriber may rely on, and where."""
    new = copy.deepcopy(asyncapi())
    change(new)
    assert said in "\n".join(find_breaks(asyncapi(), new))


@pytest.mark.parametrize(
    "change",
    [
        lambda new: data(new, "service")["properties"].update(mood={"type": "string"}),
        lambda new: data(new, "service")["required"].append("pid"),
        lambda new: payload(new, "step")["properties"]["type"]["enum"].append("novaflow.step.paused"),
        lambda new: new["components"]["messages"].update(volume=new["components"]["messages"]["stack"]),
        lambda new: new["info"].update(version="1.1.0"),
    ],
)
def test_what_is_added_breaks_nobody(change: Callable[[Document], object]) -> None:
    """Kinds, states and members may come."""
    new = copy.deepcopy(asyncapi())
    change(new)
    assert [*find_breaks(asyncapi(), new)] == []


def test_the_command_says_what_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A release keeps its contract; afterwards exit code 0 means that it holds, 1 that it does not."""
    monkeypatch.chdir(tmp_path)
    RELEASED.parent.parent.mkdir(parents=True)
    assert (main(["--release"]), main([])) == (0, 0)
    promised = json.loads(RELEASED.read_text())
    data(promised, "step")["properties"]["mood"] = {"type": "string"}
    RELEASED.write_text(json.dumps(promised))
    assert main([]) == 1
    assert capsys.readouterr().err == "step.payload.data.mood is gone\n"
