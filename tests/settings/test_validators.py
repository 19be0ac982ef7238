"""Values that are not allowed, and their messages."""

from pathlib import Path

import pytest

from novaflow.settings import CoreSettings
from tests.support.settings import load, reject


def test_names_are_split_at_commas(tmp_path: Path) -> None:
    """NOVAFLOW_SERVICES contains each name once."""
    assert load(tmp_path, {"NOVAFLOW_SERVICES": "api, compute,,api"}).settings.of(CoreSettings).novaflow_services == ("api", "compute")


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("USE_MYSQL", "maybe", "allowed: 0, 1"),
        ("NET_MAN", "Foo", "allowed: VlanManager, FlatManager, FlatDHCPManager"),
        ("LIBVIRT_TYPE", "uml", "User Mode Linux was removed from Nova; allowed: auto, kvm, qemu, lxc, fake"),
        ("LIBVIRT_TYPE", "xen", "allowed: auto, kvm, qemu, lxc, fake"),
        ("NOVAFLOW_JOBS", "0", "allowed: a whole number from 1 up"),
        ("NOVAFLOW_JOBS", "many", "allowed: a whole number from 1 up"),
        ("SCREEN_NAME", "a:b", "allowed: letters, digits, - and _"),
        ("HOST_IP", "localhost", "not an IPv4 address; "),
        ("HOST_IP", "0.0.0.0", "clients cannot connect to this address; "),
        ("INTERFACE", "a/b", "not a valid name of a network interface; "),
        ("FLAT_INTERFACE", "longer-than-fits", "not a valid name of a network interface; "),
        ("NOVAFLOW_SERVICES", "api,no way", "'no way' is not a valid component name; "),
        ("INSTANCES_PATH", "~/instances", "~ is not expanded; write the whole path; "),
        ("INSTANCES_PATH", "/srv/\x1b[31m", "contains a line break or another character that is not printable; "),
        ("LOCK_PATH", "/srv/a\n[DEFAULT]", "contains a line break or another character that is not printable; "),
        ("NOVAFLOW_WORKFLOWS", "/srv/a\tb", "contains a line break or another character that is not printable; "),
        ("NOVAFLOW_COMPONENTS_PATH", "/srv/a:/srv/\x07", "contains a line break or another character that is not printable; "),
        ("NOVAFLOW_LDAP_USER", "cn=a\npassword=b", "contains a line break or another character that is not printable; "),
        ("NOVAFLOW_LDAP_URL", "ldap://a/dc=b\nc", "contains a line break or another character that is not printable; "),
        ("INTERFACE", "eth\x07", "not a valid name of a network interface; "),
        ("SCREEN_NAME", "nova\n", "allowed: letters, digits, - and _"),
        ("NOVAFLOW_SERVICES", "api\x07", "'api\\x07' is not a valid component name; "),
        ("MYSQL_PASS", "two\nlines", ""),
        ("FIXED_RANGE", "10.0.0.0/33", "the prefix has 33 bits, an address has 32; "),
        ("FIXED_RANGE", "10.0.0.0/x", "not a network; "),
        ("FIXED_RANGE", "ten", "not a network; "),
        ("FIXED_RANGE", "10.0.0.5/24", "host bits are set; the network is 10.0.0.0/24; "),
        ("FLOATING_RANGE", "10.6.0.0/30", "too small: 4 addresses, at least 8 are needed; "),
        ("FIXED_RANGE", "127.0.0.0/24", "servers cannot have loopback, "),
        (
            "NOVAFLOW_LDAP_URL",
            "ldap://opendj:1389",
            "not the address of an LDAP server followed by the name of the entry above its users; ",
        ),
        ("NOVAFLOW_LDAP_URL", "http://opendj/ou=people", "not the address of an LDAP server "),
        ("NOVAFLOW_LDAP_URL", "ldap://opendj:many/ou=people", "not the address of an LDAP server "),
    ],
)
def test_an_invalid_value_is_rejected(tmp_path: Path, name: str, value: str, why: str) -> None:
    """The error names setting, value, origin, problem and allowed values."""
    (line,) = reject(tmp_path, {name: value})
    shown = "********" if name == "MYSQL_PASS" else value if value.isprintable() else repr(value)
    assert line.startswith(f"{name}={shown} (environment): {why}")


@pytest.mark.parametrize(
    "value",
    [
        "http://user:secret@broker/",
        "amqp://",
        "amqp://user:secret/@broker/",
        "amqp://user:secret@first/;",
        "amqp://user:secret@first/;second",
        "amqp://user:not;secret@broker/",
        "amqp://user:secret@bro\nker/",
    ],
)
def test_an_invalid_secret_is_not_shown(tmp_path: Path, value: str) -> None:
    """The error about the address of a broker does not contain its password."""
    (line,) = reject(tmp_path, {"NOVAFLOW_EVENTS_URL": value})
    assert line.startswith("NOVAFLOW_EVENTS_URL=******** (environment): ")
    assert "secret" not in line


def test_ranges_must_not_overlap(tmp_path: Path) -> None:
    """Ranges that share addresses are rejected, including a default one."""
    assert reject(tmp_path, {"FIXED_RANGE": "10.6.0.0/16"}) == [
        "FIXED_RANGE=10.6.0.0/16 (environment) and FLOATING_RANGE=10.6.0.0/27 (default): the ranges overlap"
    ]


def test_an_interface_is_in_one_bridge(tmp_path: Path) -> None:
    """INTERFACE and FLAT_INTERFACE must differ."""
    assert reject(tmp_path, {"INTERFACE": "eth1", "FLAT_INTERFACE": "eth1"}) == [
        "INTERFACE=eth1 (environment) and FLAT_INTERFACE=eth1 (environment): one interface cannot be in two bridges"
    ]


def test_an_opendj_needs_its_address(tmp_path: Path) -> None:
    """USE_OPENDJ=1 needs USE_LDAP=1 and the address of the server."""
    assert reject(tmp_path, {"USE_OPENDJ": "1"}) == [
        "USE_OPENDJ=1 (environment) and USE_LDAP=0 (default): OpenDJ is used only with USE_LDAP=1",
        "USE_OPENDJ=1 (environment) and NOVAFLOW_LDAP_URL= (default): the address of the server is missing",
    ]


def test_a_range_must_not_contain_the_hosts_address(tmp_path: Path) -> None:
    """The address would be given to a server."""
    assert reject(tmp_path, {"HOST_IP": "10.0.0.7"}) == [
        "HOST_IP=10.0.0.7 (environment) and FIXED_RANGE=10.0.0.0/24 (default): the range contains the address of this machine"
    ]
