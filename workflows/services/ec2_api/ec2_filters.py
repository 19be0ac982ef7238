"""Paste filters that make the last release of ec2-api compatible with current services.

The file is copied into the stack and imported in ec2-api's environment, which does not contain novaflow.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

Application = Callable[[dict[str, Any], Callable[..., object]], Iterable[bytes]]


class Session(Protocol):
    """A keystoneauth session."""

    def get_token(self) -> str:
        """Return a valid token."""
        ...


class AuthSession:
    """A replacement for the module ``requests`` in ec2-api's authentication, which adds a token to each request.

    ec2-api sends signatures to keystone for validation without authenticating itself; keystone rejects that since 2026.2.
    Source: keystone's security notes of OSSA-2025-002; ec2api.api.EC2KeystoneAuth.
    """

    def __init__(self, request: Callable[..., Any], session: Callable[[], Session]) -> None:
        self._request = request
        self._session = session

    def request(self, method: str, url: str, *, headers: Mapping[str, str], **rest: Any) -> Any:  # noqa: ANN401 - as in requests
        """Send a request with the token of the session."""
        return self._request(method, url, headers={**headers, "X-Auth-Token": self._session().get_token()}, **rest)


def floating_ip_method(action: str) -> Callable[..., Any]:
    """Return a method for novaclient's ServerManager that calls a floating-address action.

    novaclient has removed both actions; nova's API supports them up to version 2.43, and ec2-api uses 2.32.
    """

    def call(servers: Any, server: Any, address: str, _: str | None = None) -> Any:  # noqa: ANN401 - novaclient's
        return servers._action(action, server, {"address": address})  # noqa: SLF001 - as novaclient's own methods do

    return call


KNOWN_FIELDS = {"id", "security_group_id", "direction", "ethertype", "protocol", "port_range_min", "port_range_max"}
KNOWN_FIELDS |= {"remote_group_id", "remote_ip_prefix"}


def keep_known_fields(list_rules: Callable[..., list[dict[str, Any]]]) -> Callable[..., list[dict[str, Any]]]:
    """Return a function that lists the rules of a security group with only the fields that ec2-api knows.

    To revoke a rule, ec2-api searches for an equal dictionary. It finds none when neutron returns additional fields, and
    revokes nothing.
    """

    def list_known(*arguments: Any) -> list[dict[str, Any]]:
        return [{name: value for name, value in rule.items() if name in KNOWN_FIELDS} for rule in list_rules(*arguments)]

    return list_known


class EmptyVolumeClient:
    """A replacement for cinderclient in a cloud without cinder: lists are empty, every other call raises an error.

    ec2-api lists volumes whenever it describes a server.
    """

    def __init__(self, error: Callable[[str], Exception]) -> None:
        self._error = error

    @property
    def volumes(self) -> "EmptyVolumeClient":
        """Return the manager of volumes."""
        return self

    volume_snapshots = volumes

    def list(self, **_: Any) -> list[Any]:
        """Return an empty list."""
        return []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Raise the error of an unsupported operation.

        Raises: the exception that ``error`` returns.
        """
        raise self._error("This cloud has no volumes.")


@dataclass(frozen=True, slots=True)
class ErrorMapping:
    """Maps an error of another service's client, by the name of its class and a part of its message, to an EC2 error code."""

    exception: str
    message: str
    code: str  # Source: Amazon EC2's API reference, "Error codes"


ERROR_MAPPINGS = (
    ErrorMapping("Forbidden", "Quota exceeded for", "InstanceLimitExceeded"),  # of servers, processors or memory
    ErrorMapping("Forbidden", "Quota exceeded,", "ResourceLimitExceeded"),  # of key pairs
    ErrorMapping("OverLimit", "", "VolumeLimitExceeded"),
    ErrorMapping("BadRequest", "Invalid key_name", "InvalidKeyPair.NotFound"),
    ErrorMapping("IpAddressGenerationFailureClient", "", "InsufficientAddressCapacity"),
)


def find_error_code(error: Exception) -> str | None:
    """Return the EC2 error code of an error; ``None`` if there is no mapping for it."""
    name, message = type(error).__name__, str(error)
    return next((one.code for one in ERROR_MAPPINGS if one.exception == name and one.message in message), None)


@dataclass(frozen=True, slots=True)
class TranslatedRequest:
    """A request of ec2-api that raises EC2's errors for errors of other services."""

    request: Any  # an ec2api.api.apirequest.APIRequest
    make_error: Callable[[str, str], Exception]  # from a code and a message

    @property
    def action(self) -> str:
        """Return the name of the EC2 action."""
        return str(self.request.action)

    def invoke(self, context: object) -> object:
        """Perform the action.

        Raises: the exception that ``make_error`` returns, if the error of another service has an EC2 error code.
        """
        try:
            return self.request.invoke(context)
        except Exception as error:
            if code := find_error_code(error):
                raise self.make_error(code, str(error)) from error
            raise


def authentication(_: Mapping[str, str], **__: str) -> Callable[[Application], Application]:
    """Return the factory of ec2-api's own authentication filter, with authenticated requests to keystone."""
    import requests  # noqa: PLC0415 - installed only in ec2-api's environment
    from ec2api import api, clients  # noqa: PLC0415

    # EC2KeystoneAuth builds and sends its request in one method: only the module that it sends with can be replaced.
    api.requests = AuthSession(requests.request, clients.get_os_admin_session)
    factory: Callable[[Application], Application] = api.EC2KeystoneAuth
    return factory


def compatibility(_: Mapping[str, str], **__: str) -> Callable[[Application], Application]:
    """Return the factory of a filter that adapts ec2-api to current clients and translates errors."""
    from ec2api import clients, exception  # noqa: PLC0415
    from ec2api.api.security_group import SecurityGroupEngineNeutron  # noqa: PLC0415
    from keystoneauth1.exceptions import EndpointNotFound  # noqa: PLC0415
    from novaclient.v2.servers import ServerManager  # noqa: PLC0415

    ServerManager.add_floating_ip = floating_ip_method("addFloatingIp")
    ServerManager.remove_floating_ip = floating_ip_method("removeFloatingIp")
    SecurityGroupEngineNeutron.get_os_group_rules = keep_known_fields(SecurityGroupEngineNeutron.get_os_group_rules)
    cinder = clients.cinder

    def volume_client(context: Any) -> Any:  # noqa: ANN401 - ec2-api's, and cinderclient's
        with suppress(EndpointNotFound):
            if context.session.get_endpoint(service_type=clients.CONF.cinder_service_type):
                return cinder(context)
        return EmptyVolumeClient(lambda reason: exception.Unsupported(reason=reason))

    def make_error(code: str, message: str) -> Exception:
        kind: type[Exception] = type(code, (exception.EC2Exception,), {"ec2_code": code})
        return kind(message)

    clients.cinder = volume_client

    def make_filter(application: Application) -> Application:
        def translate(environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
            environ["ec2.request"] = TranslatedRequest(environ["ec2.request"], make_error)
            return application(environ, start)

        return translate

    return make_filter
