"""Compatibility of the contract of events with the last release."""

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
    """Return the schema of the messages of a kind."""
    found: Document = document["components"]["messages"][kind]["payload"]
    return found


def data(document: Document, kind: str) -> Document:
    """Return the schema of the data of a kind."""
    found: Document = payload(document, kind)["properties"]["data"]
    return found


def test_the_contract_is_compatible_with_the_last_release() -> None:
    """Nothing that the last release described was removed."""
    assert [*find_breaks(json.loads((ROOT / RELEASED).read_text()), asyncapi())] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda new: data(new, "service")["properties"].pop("pid"), "service.payload.data.pid was removed"),
        (lambda new: data(new, "service")["properties"]["pid"].update(type="string"), "pid: type was integer, is string"),
        (
            lambda new: data(new, "workflow")["properties"]["failed"]["items"].update(type="integer"),
            "failed[]: type was string, is integer",
        ),
        (lambda new: data(new, "step")["required"].remove("component"), "step.payload.data.component may be missing"),
        (lambda new: payload(new, "step")["properties"]["type"]["enum"].pop(), "step.payload.type: novaflow.step.retried was removed"),
        (lambda new: payload(new, "stack")["properties"].pop("sequence"), "stack.payload.sequence was removed"),
        (lambda new: new["components"]["messages"].pop("instance"), "kind instance was removed"),
        (lambda new: new["channels"]["events"].update(address="{name}"), "the address of the channel has changed"),
        (lambda new: new["channels"]["events"]["bindings"]["amqp"]["exchange"].update(type="fanout"), "the bindings of the channel"),
    ],
)
def test_an_incompatible_change_is_found(change: Callable[[Document], object], message: str) -> None:
    """Each removal and each change of a type is reported with its place."""
    new = copy.deepcopy(asyncapi())
    change(new)
    assert message in "\n".join(find_breaks(asyncapi(), new))


@pytest.mark.parametrize(
    "change",
    [
        lambda new: data(new, "service")["properties"].update(added={"type": "string"}),
        lambda new: data(new, "service")["required"].append("pid"),
        lambda new: payload(new, "step")["properties"]["type"]["enum"].append("novaflow.step.paused"),
        lambda new: new["components"]["messages"].update(volume=new["components"]["messages"]["stack"]),
        lambda new: new["info"].update(version="1.1.0"),
    ],
)
def test_additions_are_compatible(change: Callable[[Document], object]) -> None:
    """Kinds, states and fields may be added."""
    new = copy.deepcopy(asyncapi())
    change(new)
    assert [*find_breaks(asyncapi(), new)] == []


def test_the_command_reports_incompatible_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After `--release` the exit code is 0; a removed field makes it 1."""
    monkeypatch.chdir(tmp_path)
    RELEASED.parent.parent.mkdir(parents=True)
    assert (main(["--release"]), main([])) == (0, 0)
    promised = json.loads(RELEASED.read_text())
    data(promised, "step")["properties"]["added"] = {"type": "string"}
    RELEASED.write_text(json.dumps(promised))
    assert main([]) == 1
    assert capsys.readouterr().err == "step.payload.data.added was removed\n"
