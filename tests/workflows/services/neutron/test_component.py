"""neutron's schema, its worker, its settings and its checks."""

from collections.abc import Callable
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from novaflow.adapters.local import NodeContext
from novaflow.model.check import CheckResult, Severity
from novaflow.model.paths import Paths
from novaflow.model.probe import FunctionProbe, NotYet
from tests.support.properties import EXAMPLES
from tests.support.settings import make_settings
from tests.support.stand_ins import StandIns
from workflows.services.neutron import l3_agent
from workflows.services.neutron.component import PERIODIC, has_free_range, schema
from workflows.services.neutron.config import config_file
from workflows.services.neutron.settings import NetworkSettings

MakeContext = Callable[..., NodeContext]
UNUSABLE = "servers cannot have loopback, link-local, multicast or unspecified addresses"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("10.0.0/24", "not a network"),
        ("fd00::/64", "the prefix has 64 bits, an address has 32"),
        ("169.254.0.0/24", UNUSABLE),
        ("224.0.0.0/24", UNUSABLE),
        ("0.0.0.0/8", UNUSABLE),
    ],
)
def test_an_unusable_range_is_refused(text: str, reason: str) -> None:
    """The message says what is wrong with it."""
    with pytest.raises(ValidationError) as raised:
        NetworkSettings.model_validate({"fixed_range": text})
    assert [error["msg"] for error in raised.value.errors()] == [f"Value error, {reason}"]


@EXAMPLES
@given(st.integers(min_value=16, max_value=29), st.integers(min_value=0, max_value=255))
def test_a_private_range_of_eight_addresses_or_more_is_accepted(prefix: int, second: int) -> None:
    """It is read as it is written."""
    network = IPv4Network((f"10.{second}.0.0", prefix))
    assert NetworkSettings.model_validate({"floating_range": str(network)}).floating_range == network


@pytest.mark.parametrize("name", ["", "a" * 16, "eth 0", "eth:0", ".", ".."])
def test_a_name_that_no_interface_can_have_is_refused(name: str) -> None:
    """The kernel refuses it, too."""
    with pytest.raises(ValidationError, match="not a valid name of a network interface"):
        NetworkSettings.model_validate({"interface": name})


@pytest.mark.parametrize("name", ["a" * 15, "enp0s31f6", "eth0.100", "br-7", "wörk"])
def test_a_name_that_an_interface_may_have_is_accepted(name: str) -> None:
    """Whether this machine has it is checked when a command needs it."""
    assert NetworkSettings.model_validate({"interface": name}).interface == name


@pytest.mark.parametrize(
    ("values", "conflicts"),
    [
        ({"host_ip": "10.6.0.31"}, [(("HOST_IP", "FLOATING_RANGE"), "the range contains the address of this machine")]),
        ({"host_ip": "10.6.0.32"}, []),
    ],
)
def test_the_last_address_of_a_range_belongs_to_it(values: dict[str, object], conflicts: list[tuple[tuple[str, ...], str]]) -> None:
    """This machine may have the next one."""
    settings = make_settings(**values)
    assert [(one.names, one.reason) for one in settings.of(NetworkSettings).find_conflicts(settings)] == conflicts


def test_a_range_without_route_is_good(tmp_path: Path) -> None:
    """TEST-NET-3 is routed nowhere; the result is the range."""
    settings = make_settings(fixed_range="203.0.113.0/25", floating_range="203.0.113.128/25")
    assert has_free_range(settings, Paths(tmp_path)) == CheckResult("servers' addresses", Severity.GOOD, "203.0.113.0/25")
    assert l3_agent.has_free_range(settings, Paths(tmp_path)) == CheckResult("floating addresses", Severity.GOOD, "203.0.113.128/25")


async def test_a_database_of_mariadb_is_migrated(make_context: MakeContext) -> None:
    """The program reads the two files of the servers."""
    ctx = make_context()
    programs = StandIns(ctx)
    programs.add("neutron-db-manage")
    await schema.body(ctx)
    configs = f"--config-file {config_file(ctx)} --config-file {config_file(ctx, 'ml2.ini')}"
    assert programs.calls == [f"neutron-db-manage {configs} upgrade heads"]


async def test_a_database_of_sqlite_is_created_and_marked_as_migrated(make_context: MakeContext) -> None:
    """Neutron's migrations do not support it; the tags of VLANs are inserted once."""
    ctx = make_context(use_mysql=False)
    programs = StandIns(ctx)
    programs.add("neutron-db-manage")
    programs.add("python", script='echo "$PHYSICAL $VLANS $DATABASE" >created')
    await schema.body(ctx)
    physical, vlans, database = (ctx.paths.run / "created").read_text().split()
    assert (physical, vlans) == ("servers", "100:299")
    assert database.startswith(f"sqlite:///{ctx.paths.data}/sqlite/neutron.db?")
    assert programs.calls[-1].endswith("stamp heads")


async def test_a_worker_without_its_processes_is_not_ready(make_context: MakeContext) -> None:
    """The reason has both numbers."""
    assert isinstance(PERIODIC.ready, FunctionProbe)
    with pytest.raises(NotYet, match=r"^0 of its 2 processes are running$"):
        await PERIODIC.ready.check(make_context())
