"""Paste filters that let ec2-api's last release work with the services of today.

This file is copied into the stack and read in ec2-api's environment, where nothing else of novaflow is.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

Application = Callable[[dict[str, Any], Callable[..., object]], Iterable[bytes]]


class Session(Protocol):
    """A keystoneauth session: who asks."""

    def get_token(self) -> str:
        """Return a token that is still good."""
        ...


class AuthSession:
    """What stands in for the ``requests`` that ec2-api asks keystone with about a signature: each question goes with a token.

    ec2-api does not say who it is; since its release of 2026.2 keystone answers only those who do.
    Source: keystone's security notes of OSSA-2025-002; ec2api.api.EC2KeystoneAuth.
    """

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


RULE = {"id", "security_group_id", "direction", "ethertype", "protocol", "port_range_min", "port_range_max"}
RULE |= {"remote_group_id", "remote_ip_prefix"}


def known_rules(list_rules: Callable[..., list[dict[str, Any]]]) -> Callable[..., list[dict[str, Any]]]:
    """Return a way to list a security group's rules that leaves out what ec2-api does not know of.

    It compares whole rules to find the one to revoke; of two that differ in what neutron has learnt since, none is found,
    and nothing is revoked.
    """

    def list_known(*arguments: Any) -> list[dict[str, Any]]:
        return [{name: value for name, value in rule.items() if name in RULE} for rule in list_rules(*arguments)]

    return list_known


class NoVolumes:
    """What stands in for cinder's client in a cloud without volumes: there are none, and none can be made.

    ec2-api asks for a server's volumes whenever it describes one.
    """

    def __init__(self, refuse: Callable[[str], Exception]) -> None:
        self._refuse = refuse

    @property
    def volumes(self) -> "NoVolumes":
        """Return what makes and lists volumes."""
        return self

    volume_snapshots = volumes

    def list(self, **_: Any) -> list[Any]:
        """Return all there are."""
        return []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Refuse everything else.

        Raises: what ``refuse`` makes of the reason.
        """
        raise self._refuse("This cloud has no volumes.")


@dataclass(frozen=True, slots=True)
class Refusal:
    """How another service's refusal is known: by the name of its client's exception, and words of its message."""

    kind: str
    words: str
    code: str  # EC2's. Source: Amazon EC2's API reference, "Error codes"


REFUSALS = (
    Refusal("Forbidden", "Quota exceeded for", "InstanceLimitExceeded"),  # of servers, processors or memory
    Refusal("Forbidden", "Quota exceeded,", "ResourceLimitExceeded"),  # of key pairs
    Refusal("OverLimit", "", "VolumeLimitExceeded"),
    Refusal("BadRequest", "Invalid key_name", "InvalidKeyPair.NotFound"),
    Refusal("IpAddressGenerationFailureClient", "", "InsufficientAddressCapacity"),
)


def code_of(error: Exception) -> str | None:
    """Return what EC2 calls the error, ``None`` if it is none of another service's."""
    return next((known.code for known in REFUSALS if type(error).__name__ == known.kind and known.words in str(error)), None)


@dataclass(frozen=True, slots=True)
class Translated:
    """A request of ec2-api's whose errors are EC2's, also where another service made them."""

    request: Any  # an ec2api.api.apirequest.APIRequest
    refuse: Callable[[str, str], Exception]  # of a code and a message

    @property
    def action(self) -> str:
        """Return what is asked for."""
        return str(self.request.action)

    def invoke(self, context: object) -> object:
        """Do what is asked for.

        Raises: what ``refuse`` makes, if another service refuses in a way that EC2 has a name for.
        """
        try:
            return self.request.invoke(context)
        except Exception as error:
            if code := code_of(error):
                raise self.refuse(code, str(error)) from error
            raise


def authentication(_: Mapping[str, str], **__: str) -> Callable[[Application], Application]:
    """Return paste's maker of ec2-api's own filter, which asks as a user of the services."""
    import requests  # noqa: PLC0415 - these are there only where paste calls this
    from ec2api import api, clients  # noqa: PLC0415

    # Its class builds and sends the question in one method: the name it sends with is the one place to stand in for.
    api.requests = AuthSession(requests.request, clients.get_os_admin_session)
    maker: Callable[[Application], Application] = api.EC2KeystoneAuth
    return maker


def today(_: Mapping[str, str], **__: str) -> Callable[[Application], Application]:
    """Return paste's maker of the filter before the one that does what is asked for."""
    from ec2api import clients, exception  # noqa: PLC0415
    from ec2api.api.security_group import SecurityGroupEngineNeutron  # noqa: PLC0415
    from keystoneauth1.exceptions import EndpointNotFound  # noqa: PLC0415
    from novaclient.v2.servers import ServerManager  # noqa: PLC0415

    ServerManager.add_floating_ip = move_address("addFloatingIp")
    ServerManager.remove_floating_ip = move_address("removeFloatingIp")
    SecurityGroupEngineNeutron.get_os_group_rules = known_rules(SecurityGroupEngineNeutron.get_os_group_rules)
    cinder = clients.cinder

    def cinder_or_none(context: Any) -> Any:  # noqa: ANN401 - ec2-api's, and cinderclient's
        with suppress(EndpointNotFound):
            if context.session.get_endpoint(service_type=clients.CONF.cinder_service_type):
                return cinder(context)
        return NoVolumes(lambda reason: exception.Unsupported(reason=reason))

    def refuse(code: str, message: str) -> Exception:
        kind: type[Exception] = type(code, (exception.EC2Exception,), {"ec2_code": code})
        return kind(message)

    clients.cinder = cinder_or_none

    def make(application: Application) -> Application:
        def answer(environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
            environ["ec2.request"] = Translated(environ["ec2.request"], refuse)
            return application(environ, start)

        return answer

    return make
