"""What stands between ec2-api and the services of today."""

from typing import Any

import pytest

from workflows.services.ec2_api.ec2_filters import AuthSession, NoVolumes, Translated, code_of, known_rules, move_address


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


class Forbidden(Exception):
    """Named like novaclient's."""


class OverLimit(Exception):
    """Named like cinderclient's."""


class IpAddressGenerationFailureClient(Exception):
    """Named like neutronclient's."""


class Refused(Exception):
    """EC2's error: a code and a message."""


class Request:
    """A request of ec2-api's that ends as it is told."""

    action = "RunInstances"

    def __init__(self, end: object) -> None:
        self._end = end

    def invoke(self, context: object) -> object:
        """Do what is asked for."""
        if isinstance(self._end, Exception):
            raise self._end
        return (context, self._end)


def test_a_question_says_who_asks() -> None:
    """All of the question is passed on, and a token goes with it."""
    arguments: list[tuple[str, str, dict[str, Any]]] = []
    asker = AuthSession(lambda method, url, **rest: arguments.append((method, url, rest)), Service)
    asker.request("POST", "http://keystone", headers={"Content-Type": "application/json"}, data="{}")
    assert arguments == [
        ("POST", "http://keystone", {"headers": {"Content-Type": "application/json", "X-Auth-Token": "token"}, "data": "{}"})
    ]


def test_an_address_is_moved_as_nova_knows_it() -> None:
    """The action goes to the server with the address."""
    servers = Servers()
    move_address("addFloatingIp")(servers, "server", "10.6.0.5", None)
    assert servers.done == [("addFloatingIp", "server", {"address": "10.6.0.5"})]


def test_a_rule_is_what_ec2_api_knows_of_it() -> None:
    """What neutron has learnt since is left out, so that a rule is found by what was asked for."""
    rules = known_rules(lambda group: [{"id": group, "protocol": "tcp", "belongs_to_default_sg": False, "normalized_cidr": None}])
    assert rules("1") == [{"id": "1", "protocol": "tcp"}]


def test_a_cloud_without_volumes_has_none_and_makes_none() -> None:
    """To list them is no mistake; to make one is refused with the reason."""
    cinder = NoVolumes(Refused)
    assert (cinder.volumes.list(search_opts=None), cinder.volume_snapshots.list()) == ([], [])
    with pytest.raises(Refused, match="no volumes"):
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
def test_other_services_refusals_have_ec2s_codes(error: Exception, code: str | None) -> None:
    """Whatever refuses, a client of EC2 is told in EC2's words; what is no refusal keeps its name."""
    assert code_of(error) == code


def test_a_request_ends_in_ec2s_words() -> None:
    """What was asked for comes back; a refusal is EC2's; what nobody knows is left as it is."""
    assert Translated(Request("done"), Refused).invoke("me") == ("me", "done")
    assert Translated(Request("done"), Refused).action == "RunInstances"
    with pytest.raises(Refused) as refused:
        Translated(Request(Forbidden("Quota exceeded for ram")), Refused).invoke("me")
    assert refused.value.args == ("InstanceLimitExceeded", "Quota exceeded for ram")
    with pytest.raises(ZeroDivisionError):
        Translated(Request(ZeroDivisionError()), Refused).invoke("me")
