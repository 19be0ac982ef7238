"""The filters that make ec2-api compatible with current services."""

from typing import Any

import pytest

from workflows.services.ec2_api.ec2_filters import (
    AuthSession,
    EmptyVolumeClient,
    TranslatedRequest,
    find_error_code,
    floating_ip_method,
    keep_known_fields,
)


class Session:
    """A session with a fixed token."""

    def get_token(self) -> str:
        """Return the token."""
        return "token"


class Servers:
    """A stand-in for novaclient's ServerManager that records its actions."""

    def __init__(self) -> None:
        self.actions: list[tuple[str, str, dict[str, str]]] = []

    def _action(self, action: str, server: str, body: dict[str, str]) -> None:
        self.actions.append((action, server, body))


class Forbidden(Exception):
    """An error with the name of novaclient's."""


class OverLimit(Exception):
    """An error with the name of cinderclient's."""


class IpAddressGenerationFailureClient(Exception):
    """An error with the name of neutronclient's."""


class Ec2Error(Exception):
    """EC2's error: a code and a message."""


class Request:
    """A request of ec2-api with a fixed result."""

    action = "RunInstances"

    def __init__(self, result: object) -> None:
        self._result = result

    def invoke(self, context: object) -> object:
        """Return the result, or raise it."""
        if isinstance(self._result, Exception):
            raise self._result
        return (context, self._result)


def test_a_request_carries_a_token() -> None:
    """All arguments are passed on, and the token is added to the headers."""
    calls: list[tuple[str, str, dict[str, Any]]] = []
    session = AuthSession(lambda method, url, **rest: calls.append((method, url, rest)), Session)
    session.request("POST", "http://keystone", headers={"Content-Type": "application/json"}, data="{}")
    assert calls == [("POST", "http://keystone", {"headers": {"Content-Type": "application/json", "X-Auth-Token": "token"}, "data": "{}"})]


def test_a_floating_address_is_added_by_an_action() -> None:
    """The action is sent with the address."""
    servers = Servers()
    floating_ip_method("addFloatingIp")(servers, "server", "10.6.0.5", None)
    assert servers.actions == [("addFloatingIp", "server", {"address": "10.6.0.5"})]


def test_unknown_fields_of_rules_are_removed() -> None:
    """ec2-api compares whole rules, and does not know the fields that neutron has added since."""
    rules = keep_known_fields(lambda group: [{"id": group, "protocol": "tcp", "belongs_to_default_sg": False, "normalized_cidr": None}])
    assert rules("1") == [{"id": "1", "protocol": "tcp"}]


def test_a_cloud_without_cinder_lists_no_volumes() -> None:
    """Lists are empty; every other call raises an error with the reason."""
    cinder = EmptyVolumeClient(Ec2Error)
    assert (cinder.volumes.list(search_opts=None), cinder.volume_snapshots.list()) == ([], [])
    with pytest.raises(Ec2Error, match="no volumes"):
        cinder.volumes.create(1)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Forbidden("Quota exceeded for instances: Requested 1, but already used 10 of 10 instances (HTTP 403)"), "InstanceLimitExceeded"),
        (Forbidden("Quota exceeded, too many key pairs. (HTTP 403)"), "ResourceLimitExceeded"),
        (OverLimit("VolumeSizeExceedsAvailableQuota: Requested volume exceeds allowed gigabytes quota."), "VolumeLimitExceeded"),
        (IpAddressGenerationFailureClient("No more IP addresses available on network 1."), "InsufficientAddressCapacity"),
        (Forbidden("Policy doesn't allow it"), None),
        (ValueError("Quota exceeded for instances"), None),
    ],
)
def test_errors_of_other_services_have_ec2_codes(error: Exception, code: str | None) -> None:
    """A quota error has a code; other errors have none."""
    assert find_error_code(error) == code


def test_a_request_raises_ec2_errors() -> None:
    """A result is returned, a known error is translated, another error is raised unchanged."""
    assert TranslatedRequest(Request("done"), Ec2Error).invoke("me") == ("me", "done")
    assert TranslatedRequest(Request("done"), Ec2Error).action == "RunInstances"
    with pytest.raises(Ec2Error) as raised:
        TranslatedRequest(Request(Forbidden("Quota exceeded for ram")), Ec2Error).invoke("me")
    assert raised.value.args == ("InstanceLimitExceeded", "Quota exceeded for ram")
    with pytest.raises(ZeroDivisionError):
        TranslatedRequest(Request(ZeroDivisionError()), Ec2Error).invoke("me")
