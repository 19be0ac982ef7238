"""A paste filter that lets ec2-api's own ask keystone as a user of the services.

ec2-api has keystone check the signature of every request, and asks without saying who it is; since its release of 2026.2
keystone answers only to those who do. This file is copied into the stack and read in ec2-api's environment, where
nothing else of novaflow is.

Source: keystone's security notes of OSSA-2025-002; ec2api.api.EC2KeystoneAuth.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol


class Session(Protocol):
    """A keystoneauth session: who asks."""

    def get_token(self) -> str:
        """Return a token that is still good."""
        ...


class KnownAsker:
    """What stands in for the ``requests`` that ec2-api sends its questions with: each goes with a token."""

    def __init__(self, ask: Callable[..., Any], session: Callable[[], Session]) -> None:
        self._ask = ask
        self._session = session

    def request(self, method: str, url: str, *, headers: Mapping[str, str], **rest: Any) -> Any:  # noqa: ANN401 - as requests has it
        """Send one question, and say who asks."""
        return self._ask(method, url, headers={**headers, "X-Auth-Token": self._session().get_token()}, **rest)


def move_address(action: str) -> Callable[..., Any]:
    """Return a method for novaclient's servers that moves a floating address, as ``action`` says.

    novaclient has forgotten both; nova's API knows them up to version 2.43, and ec2-api asks with 2.32.
    """

    def move(servers: Any, server: Any, address: str, _: str | None = None) -> Any:  # noqa: ANN401 - novaclient's
        return servers._action(action, server, {"address": address})  # noqa: SLF001 - as novaclient's own methods do

    return move


def filter_factory(_: Mapping[str, str], **__: str) -> Callable[[Any], Any]:
    """Return paste's maker of the filter."""
    import requests  # noqa: PLC0415 - both are there only where paste calls this
    from ec2api import api, clients  # noqa: PLC0415
    from novaclient.v2.servers import ServerManager  # noqa: PLC0415

    ServerManager.add_floating_ip = move_address("addFloatingIp")
    ServerManager.remove_floating_ip = move_address("removeFloatingIp")

    # Its class builds and sends the question in one method: the name it sends with is the one place to stand in for.
    api.requests = KnownAsker(requests.request, clients.get_os_admin_session)
    maker: Callable[[Any], Any] = api.EC2KeystoneAuth
    return maker
