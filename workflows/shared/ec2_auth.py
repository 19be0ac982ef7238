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


def filter_factory(_: Mapping[str, str], **__: str) -> Callable[[Any], Any]:
    """Return paste's maker of the filter."""
    import requests  # noqa: PLC0415 - both are there only where paste calls this
    from ec2api import api, clients  # noqa: PLC0415

    # Its class builds and sends the question in one method: the name it sends with is the one place to stand in for.
    api.requests = KnownAsker(requests.request, clients.get_os_admin_session)
    maker: Callable[[Any], Any] = api.EC2KeystoneAuth
    return maker
