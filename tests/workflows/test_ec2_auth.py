"""What stands between ec2-api and the keystone and nova of today."""

from typing import Any

from workflows.shared.ec2_auth import KnownAsker, move_address


class Service:
    """Somebody who is known to keystone."""

    def get_token(self) -> str:
        """Return the token."""
        return "token"


class Servers:
    """novaclient's servers, which remember what was done to them."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str, dict[str, str]]] = []

    def _action(self, action: str, server: str, body: dict[str, str]) -> None:
        self.done.append((action, server, body))


def test_a_question_says_who_asks() -> None:
    """All of the question is passed on, and a token goes with it."""
    asked: list[tuple[str, str, dict[str, Any]]] = []
    asker = KnownAsker(lambda method, url, **rest: asked.append((method, url, rest)), Service)
    asker.request("POST", "http://keystone", headers={"Content-Type": "application/json"}, data="{}")
    assert asked == [("POST", "http://keystone", {"headers": {"Content-Type": "application/json", "X-Auth-Token": "token"}, "data": "{}"})]


def test_an_address_is_moved_as_nova_knows_it() -> None:
    """The action goes to the server with the address."""
    servers = Servers()
    move_address("addFloatingIp")(servers, "server", "10.6.0.5", None)
    assert servers.done == [("addFloatingIp", "server", {"address": "10.6.0.5"})]
