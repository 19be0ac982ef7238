"""Values that are not allowed, and their messages."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from novaflow.settings import CoreSettings
from novaflow.settings.validators import read_address, read_broker, read_line, read_names, read_path, read_text
from tests.support.settings import load, reject
from workflows.infra.certificates.settings import TlsSettings


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
        ("NOVAFLOW_TIMEOUT_FACTOR", "0.5", "allowed: a number from 1 to 100"),
        ("NOVAFLOW_TIMEOUT_FACTOR", "inf", "allowed: a number from 1 to 100"),
        ("NOVAFLOW_TIMEOUT_FACTOR", "nan", "allowed: a number from 1 to 100"),
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


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    """And it is used only with TLS; a relative path begins at the folder of the file that sets it."""
    found = f"NOVAFLOW_TLS_CERT={tmp_path}/crt (environment)".replace(f"{tmp_path}/", "")
    assert reject(tmp_path, {"NOVAFLOW_TLS": "1", "NOVAFLOW_TLS_CERT": "crt"}) == [
        f"{found} and NOVAFLOW_TLS_KEY= (default): both are needed, or none"
    ]
    assert reject(tmp_path, {"NOVAFLOW_TLS_CERT": "crt", "NOVAFLOW_TLS_KEY": "key"}) == [
        f"NOVAFLOW_TLS= (default) and {found}: without TLS, the certificate is not used"
    ]
    chosen = load(tmp_path, {"NOVAFLOW_TLS": "1", "NOVAFLOW_TLS_CERT": "crt", "NOVAFLOW_TLS_KEY": "key"}).settings.of(TlsSettings)
    assert (chosen.novaflow_tls_cert, chosen.novaflow_tls_key) == (tmp_path / "crt", tmp_path / "key")


def test_a_range_must_not_contain_the_hosts_address(tmp_path: Path) -> None:
    """The address would be given to a server."""
    assert reject(tmp_path, {"HOST_IP": "10.0.0.7"}) == [
        "HOST_IP=10.0.0.7 (environment) and FIXED_RANGE=10.0.0.0/24 (default): the range contains the address of this machine"
    ]


def why(error: Callable[[], object]) -> str:
    """Return the message of the ValueError."""
    with pytest.raises(ValueError, match=r".") as refused:
        error()
    return str(refused.value)


@pytest.mark.parametrize("text", ["127.0.0.1", "10.0.0.7", "192.0.2.1", "203.0.113.255", "169.254.1.1"])
def test_an_address_of_a_machine_is_accepted(text: str) -> None:
    """Loopback, private, public and link-local ones."""
    assert read_address(text) == text


@pytest.mark.parametrize("text", ["0.0.0.0", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"])
def test_an_address_that_no_client_reaches_is_refused(text: str) -> None:
    """Unspecified, multicast, reserved and broadcast ones."""
    assert why(lambda: read_address(text)) == "clients cannot connect to this address"


@pytest.mark.parametrize("text", ["", "::1", "10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1/32", " 10.0.0.1", "10.0.0.1\n", "AUTO"])
def test_other_text_is_not_an_address(text: str) -> None:
    """Forms that some programs read differently are refused, too."""
    assert why(lambda: read_address(text)) == "not an IPv4 address"


@pytest.mark.parametrize(
    ("path", "is_accepted"),
    [
        (Path("/" + "x" * 255), True),
        (Path("/" + "x" * 256), False),
        (Path("/" + "é" * 127), True),
        (Path("/" + "é" * 128), False),
        (Path("/" + "/".join(["x" * 254] * 16) + "/" + "x" * 14), True),
        (Path("/" + "/".join(["x" * 254] * 16) + "/" + "x" * 15), False),
    ],
    ids=["name of 255", "name of 256", "name of 254 bytes", "name of 256 bytes", "path of 4095", "path of 4096"],
)
def test_the_length_of_a_path_is_limited_in_bytes(path: Path, is_accepted: bool) -> None:  # noqa: FBT001 - a column of the table
    """The limits are those of Linux."""
    if is_accepted:
        assert read_path(path) == path
    else:
        assert why(lambda: read_path(path)) == "a path has at most 4095 bytes, and a name in it 255"


@pytest.mark.parametrize("text", ["~", "~/x", "~root/x"])
def test_a_home_folder_is_not_expanded(text: str) -> None:
    """A shell would; a setting in a file would be something else."""
    assert why(lambda: read_path(Path(text))) == "~ is not expanded; write the whole path"
    assert read_path(Path("/srv/~backup")) == Path("/srv/~backup")


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("", ()),
        (" , ,", ()),
        ("nova", ("nova",)),
        ("b,a,b", ("b", "a")),
        (" nova-api , default", ("nova-api", "default")),
        ("nova_api,9", ("nova_api", "9")),
        (("a", "a"), ("a",)),
    ],
)
def test_names_keep_their_order(value: str | tuple[str, ...], names: tuple[str, ...]) -> None:
    """Spaces around a name, empty names and repeated ones are dropped."""
    assert read_names(value) == names


@pytest.mark.parametrize("name", ["nova api", "nova/api", "nova.api", "größe", "*", "a\tb", "a;b"])
def test_a_name_has_letters_digits_and_dashes(name: str) -> None:
    """The message quotes the name, not the whole list."""
    assert why(lambda: read_names(f"nova,{name}")) == f"{name!r} is not a valid component name"


@pytest.mark.parametrize(
    "url",
    [
        "amqp://broker",
        "amqps://broker:5671/vhost",
        "amqp://me:hush@192.0.2.1:5672/%2F",
        "amqp://me:p%40ss%2F@broker/x",
        "amqp://me:a@b@broker/x",
        "amqp://[2001:db8::1]:5672/x",
        "amqp://one/;amqps://two/",
    ],
)
def test_the_address_of_a_broker_is_accepted(url: str) -> None:
    """With and without port, user and virtual host."""
    assert read_broker(SecretStr(url)) == SecretStr(url)


@pytest.mark.parametrize(
    "url",
    [
        "broker:5672",
        "//broker",
        "AMQP//broker",
        "amqp:broker",
        "amqp://:5672/",
        "amqp://me:hush@/x",
        "amqp://broker:0/",
        "amqp://broker:65536/",
        "amqp://broker:-1/",
        "amqp://[2001:db8::1/",
        "amqp://me:123/45@broker/x",
        "amqp://me:123#45@broker/x",
        "amqp://me:123?45@broker/x",
        "amqp://broker;",
    ],
)
def test_other_text_is_not_the_address_of_a_broker(url: str) -> None:
    """A password with /, # or ? must be percent-encoded: its first digits would be the port, and shown."""
    assert why(lambda: read_broker(SecretStr(url))) == "not the address of an AMQP broker"


@pytest.mark.parametrize("text", ["two\nlines", "tab\t", "null\0", "escape\x1b[0m", "line separator\u2028", "no-break\u00a0space"])
def test_a_password_is_one_printable_line(text: str) -> None:
    """A configuration file could not hold it; the message does not quote it."""
    assert why(lambda: read_line(SecretStr(text))) == "contains a line break or another character that is not printable"


def test_nothing_is_valid_where_a_setting_has_no_value() -> None:
    """Settings without a default have none."""
    assert (read_line(None), read_text(None), read_broker(None)) == (None, None, None)
    assert read_text("a text with spaces, ü and 日本") == "a text with spaces, ü and 日本"
