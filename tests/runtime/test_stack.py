"""A stack: its names, its workflows and its services, known before anything runs."""

import os
from pathlib import Path

import pytest

from novaflow.errors import ComponentUnknown, UsageError
from novaflow.runtime.stack import open_stack
from tests.support.toy_stack import SERVICES, ToyStack

URLS = """
from novaflow.model.component import Component

COMPONENT = Component("page", "A page.", urls=lambda settings: {"page": f"http://{settings.host_ip}:9/"})
"""


def test_a_stack_is_named_after_its_folder(toy: ToyStack) -> None:
    """Its events have the name of the machine, too; the folder is not created."""
    stack = toy.open()
    assert (stack.name, stack.source) == ("nova", f"/novaflow/{os.uname().nodename}/nova")
    assert stack.publish_cursor == toy.root / "data/published"
    assert not toy.root.exists()


def test_links_on_the_way_are_resolved(toy: ToyStack, tmp_path: Path) -> None:
    """Two names of a folder are one stack."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    stack = open_stack(tmp_path / "link/../link", {"NOVAFLOW_WORKFLOWS": str(toy.workflows)})
    assert stack.paths.root == tmp_path / "real"


def test_the_home_folder_of_the_user_is_known(toy: ToyStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell does not replace the tilde in `--dir=~/nova`."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert open_stack(Path("~/mine"), {"NOVAFLOW_WORKFLOWS": str(toy.workflows)}).paths.root == tmp_path / "mine"


@pytest.mark.parametrize(("name", "hint"), [("rum", ""), ("/srv/nova", "; DIR is the argument after it")])
def test_an_unknown_workflow_is_refused(toy: ToyStack, name: str, hint: str) -> None:
    """The message lists those that exist; a path is probably the folder of a stack."""
    toy.add_workflow("clean")
    with pytest.raises(UsageError) as raised:
        toy.open().workflow(name)
    assert str(raised.value) == f"there is no workflow {name!r}; there are: clean, run{hint}"


def test_a_service_has_several_names(toy: ToyStack) -> None:
    """They are those of its component, of its aliases and its own; a component without services is none of them."""
    toy.add_services()
    stack = toy.open()
    assert stack.service_names() == {"web", "web-worker", "httpd"}
    assert stack.find_services("httpd") == ("web", "web-worker")
    assert stack.find_services("web-worker") == ("web-worker",)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("htpd", ComponentUnknown, "unknown component 'htpd'; did you mean 'httpd'?"),
        ("zzz", ComponentUnknown, "unknown component 'zzz'"),
        ("toy", UsageError, "component toy has no service; the services are: web, web-worker"),
    ],
)
def test_a_name_without_services_is_refused(toy: ToyStack, name: str, error: type[UsageError], message: str) -> None:
    """The message suggests the nearest name."""
    toy.add_services()
    with pytest.raises(error) as raised:
        toy.open().find_services(name)
    assert str(raised.value) == message


def test_addresses_follow_the_settings(toy: ToyStack) -> None:
    """Each component adds its own."""
    toy.write("components/page.py", URLS)
    assert toy.open().urls() == {"page": "http://127.0.0.1:9/"}
    assert toy.open(HOST_IP="127.0.0.2").urls() == {"page": "http://127.0.0.2:9/"}


def test_a_selected_component_is_alone(toy: ToyStack) -> None:
    """NOVAFLOW_SERVICES leaves out other services; components that have none belong to every stack."""
    toy.add_services()
    toy.write("components/mail.py", SERVICES.replace("PORT", "10").replace("web", "mail").replace("httpd", "smtpd"))
    assert [component.name for component in toy.open(NOVAFLOW_SERVICES="httpd").components] == ["toy", "web"]
    assert toy.open(NOVAFLOW_SERVICES="mail").service_names() == {"mail", "mail-worker", "smtpd"}
    with pytest.raises(ComponentUnknown, match=r"^unknown component 'wbe'; did you mean 'web'\?"):
        toy.open(NOVAFLOW_SERVICES="wbe")
