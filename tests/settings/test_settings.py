"""Settings: their sources, their validation and their messages."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from pydantic import SecretStr

from novaflow.errors import SettingsInvalid
from novaflow.settings import (
    CoreSettings,
    LoadedSettings,
    combine_settings,
    load_component_folders,
    load_settings,
    registry_environment,
    repository_environment,
)
from novaflow.settings.group import find_allowed, find_fields
from novaflow.settings.load import find_source_address
from novaflow.settings.texts import write_masked_texts
from tests.support.settings import GROUPS as ALL_GROUPS
from tests.support.settings import make_settings
from tools.env_example import write_example
from workflows.infra.database.settings import DatabaseSettings
from workflows.infra.ldap.settings import LdapSettings
from workflows.infra.libvirt.settings import LibvirtSettings, LibvirtType
from workflows.platform.settings import MachineSettings
from workflows.services.neutron.settings import NetMan, NetworkSettings
from workflows.services.nova.settings import NovaSettings

STACK = Path("nova")
GROUPS = ALL_GROUPS[1:]
FIELDS = find_fields(ALL_GROUPS)
NOTHING: Mapping[str, str] = {}


def load(folder: Path, environ: Mapping[str, str] = NOTHING, overrides: Mapping[str, str] = NOTHING) -> LoadedSettings:
    """Load the settings of the stack in ``folder / "nova"`` for a user in ``folder``."""
    return load_settings(STACK, GROUPS, overrides=overrides, environ=environ, cwd=folder)


def reject(folder: Path, environ: Mapping[str, str] = NOTHING, overrides: Mapping[str, str] = NOTHING) -> list[str]:
    """Return the lines of the error."""
    with pytest.raises(SettingsInvalid) as refused:
        load(folder, environ, overrides)
    return str(refused.value).splitlines()


def write_env(folder: Path, text: str) -> Path:
    """Write ``folder / ".env"``."""
    folder.mkdir(exist_ok=True)
    (folder / ".env").write_text(text)
    return folder


def test_every_setting_has_a_default(tmp_path: Path) -> None:
    """Without a source, the defaults of nova.sh apply, and their origin says so."""
    loaded = load(tmp_path)
    assert loaded.settings.of(DatabaseSettings).use_mysql
    assert loaded.settings.of(NetworkSettings).fixed_range == IPv4Network("10.0.0.0/24")
    assert loaded.settings.of(NetworkSettings).floating_range == IPv4Network("10.6.0.0/27")
    assert loaded.settings.of(NetworkSettings).net_man is NetMan.VLAN
    assert loaded.settings.of(LibvirtSettings).libvirt_type is LibvirtType.AUTO
    assert set(loaded.origins.values()) == {"default"}


def test_later_sources_take_precedence(tmp_path: Path) -> None:
    """The folder's .env, the stack's .env, the environment, the command line: the later wins and is the origin."""
    write_env(tmp_path, "SCREEN_NAME=one\nNOVAFLOW_JOBS=1\nTEST=1\nUSE_LDAP=1\n")
    write_env(tmp_path / "nova", "\n# a comment\nSCREEN_NAME=two\nNOVAFLOW_JOBS=2\nTEST=0\n")
    loaded = load(tmp_path, {"SCREEN_NAME": "three", "NOVAFLOW_JOBS": "3"}, overrides={"SCREEN_NAME": "four"})
    assert (loaded.settings.of(CoreSettings).screen_name, loaded.origins["SCREEN_NAME"]) == ("four", "command line")
    assert (loaded.settings.of(CoreSettings).novaflow_jobs, loaded.origins["NOVAFLOW_JOBS"]) == (3, "environment")
    assert (loaded.settings.of(NovaSettings).test, loaded.origins["TEST"]) == (False, "nova/.env line 5")
    assert (loaded.settings.of(LdapSettings).use_ldap, loaded.origins["USE_LDAP"]) == (True, "./.env line 4")


def test_a_stack_in_the_current_folder_has_one_env_file(tmp_path: Path) -> None:
    """A problem in it is reported once."""
    write_env(tmp_path, "TEST=maybe\n")
    with pytest.raises(SettingsInvalid) as refused:
        load_settings(Path(), GROUPS, environ={}, cwd=tmp_path)
    assert str(refused.value) == "TEST=maybe (./.env line 1): allowed: 0, 1"


def test_a_file_elsewhere_has_its_full_path(tmp_path: Path) -> None:
    """Messages name a .env outside the current folder by its absolute path."""
    here, elsewhere = tmp_path / "here", write_env(tmp_path / "elsewhere", "TEST=1\n")
    here.mkdir()
    assert load_settings(elsewhere, GROUPS, environ={}, cwd=here).origins["TEST"] == f"{elsewhere}/.env line 1"


def test_the_process_environment_is_the_default() -> None:
    """Without arguments, the environment and the current folder of the process are used."""
    assert load_settings(STACK, GROUPS).settings.of(NovaSettings).instances_path == Path.cwd() / "nova/data/instances"


def test_settings_classes_read_nothing() -> None:
    """Two instances are equal in any environment."""
    assert CoreSettings(novaflow_jobs=2) == CoreSettings(novaflow_jobs=2)
    assert CoreSettings().novaflow_jobs >= 1


def test_an_empty_value_selects_the_default(tmp_path: Path) -> None:
    """It revokes the value of an earlier source."""
    write_env(tmp_path, "SCREEN_NAME=one\n")
    loaded = load(tmp_path, {"SCREEN_NAME": ""})
    assert (loaded.settings.of(CoreSettings).screen_name, loaded.origins["SCREEN_NAME"]) == ("nova", "default")


def test_relative_paths_have_a_base(tmp_path: Path) -> None:
    """A path in a .env is relative to its folder, one in the environment to the current folder."""
    write_env(tmp_path / "nova", "LOCK_PATH=locks\n")
    settings = load(tmp_path, {"INSTANCES_PATH": "big/disk", "NOVAFLOW_WORKFLOWS": "/toys"}).settings
    assert settings.of(MachineSettings).lock_path == tmp_path / "nova/locks"
    assert settings.of(NovaSettings).instances_path == tmp_path / "big/disk"
    assert settings.of(CoreSettings).novaflow_workflows == Path("/toys")


def test_quoted_values_are_taken_literally(tmp_path: Path) -> None:
    """Nothing in them is expanded."""
    write_env(tmp_path, "MYSQL_PASS='a#b $c ${HOME} \"d'\n")
    secret = load(tmp_path).settings.of(DatabaseSettings).mysql_pass
    assert secret is not None
    assert secret.get_secret_value() == 'a#b $c ${HOME} "d'


def test_names_are_split_at_commas(tmp_path: Path) -> None:
    """NOVAFLOW_SERVICES contains each name once."""
    assert load(tmp_path, {"NOVAFLOW_SERVICES": "api, compute,,api"}).settings.of(CoreSettings).novaflow_services == ("api", "compute")


def test_auto_becomes_an_address(tmp_path: Path) -> None:
    """HOST_IP=auto is the source address of the default route; without a route it is rejected."""
    source = find_source_address()
    if source == "auto":
        assert "this machine has no default route" in reject(tmp_path, {"HOST_IP": "auto"})[0]
    else:
        assert load(tmp_path, {"HOST_IP": "auto", "FIXED_RANGE": "198.51.100.0/24"}).settings.host_ip == source


def test_auto_without_a_route_is_rejected() -> None:
    """The value is unchanged in the error."""
    assert find_source_address(towards=("255.255.255.255", 9)) == "auto"


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


def test_all_problems_are_reported_together(tmp_path: Path) -> None:
    """Problems of several sources have one line each."""
    write_env(tmp_path, "USE_MYSLQ=1\nNET_MAN=Foo\n")
    lines = reject(tmp_path, {"NOVAFLOW_JOB": "1"}, overrides={"FIXED_RANGE": "10.0.0.0/33"})
    assert [line.partition(" (")[0] for line in lines] == [
        "unknown setting USE_MYSLQ",
        "unknown setting NOVAFLOW_JOB",
        "FIXED_RANGE=10.0.0.0/33",
        "NET_MAN=Foo",
    ]


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


@pytest.mark.parametrize(
    ("name", "meant"),
    [("USE_MYSLQ", "USE_MYSQL"), ("MYSQL_PASSWORD", "MYSQL_PASS"), ("use_mysql", "USE_MYSQL"), ("NOVAFLOW_SERVICE", "NOVAFLOW_SERVICES")],
)
def test_a_misspelt_name_in_a_file_is_rejected(tmp_path: Path, name: str, meant: str) -> None:
    """The error suggests the setting."""
    write_env(tmp_path, f"# mine\n\n{name}=1\n")
    assert reject(tmp_path) == [f"unknown setting {name} (./.env line 3); did you mean {meant}?"]


def test_an_unknown_novaflow_name_is_rejected(tmp_path: Path) -> None:
    """Every name that begins with NOVAFLOW_ must be a setting."""
    assert reject(tmp_path, {"NOVAFLOW_COLOUR": "blue"}) == [
        "unknown setting NOVAFLOW_COLOUR (environment); `novaflow config` lists all settings"
    ]


def test_other_names_in_a_file_are_ignored(tmp_path: Path) -> None:
    """Other programs may share a .env."""
    write_env(tmp_path, "DATABASE_URL=x\nMYSQL_USER=y\nUSE_SSL=1\n")
    assert set(load(tmp_path).origins.values()) == {"default"}


@pytest.mark.parametrize("name", ["USE_MYSLQ", "USE_MYSQ", "USE_MMYSQL", "FIXED_RANGW", "HOST_PI", "LIBVRT_TYPE"])
def test_a_misspelt_name_in_the_environment_is_rejected(tmp_path: Path, name: str) -> None:
    """A name that differs from a setting by one typing error is rejected with a suggestion."""
    (line,) = reject(tmp_path, {name: "1"})
    assert line.startswith(f"unknown setting {name} (environment); did you mean ")


@pytest.mark.parametrize(
    "name",
    ["HOST_IPS", "HOST_ID", "NET_MAX", "TESTS", "USE_IPV4", "MYSQL_PASSWORD", "MYSQL_HOST", "SCREEN", "PATH", "interface", "NOVAFLOW_NODE"],
)
def test_other_names_in_the_environment_are_ignored(tmp_path: Path, name: str) -> None:
    """Only an evident typing error is rejected."""
    assert set(load(tmp_path, {name: "1"}).origins.values()) == {"default"}


def test_an_unknown_override_is_rejected(tmp_path: Path) -> None:
    """The command line must contain settings only."""
    assert reject(tmp_path, overrides={"COLOUR": "1"}) == ["unknown setting COLOUR (command line); `novaflow config` lists all settings"]


@pytest.mark.parametrize(
    ("text", "line", "start"),
    [("TEST=1\n\n\nMYSQL_PASS='secret\n", 4, "MYSQL_PASS"), ("INTERFACE\n", 1, "INTERFACE"), ("\n\nnot a setting\n", 3, "not a setting")],
)
def test_a_syntax_error_is_reported_with_its_line(tmp_path: Path, text: str, line: int, start: str) -> None:
    """The text of the line is not shown: it may contain a password."""
    write_env(tmp_path, text)
    assert reject(tmp_path) == [f"./.env line {line} is not NAME=VALUE with closed quotes: {start!r} …"]


def test_a_folder_named_env_is_ignored(tmp_path: Path) -> None:
    """It may be a virtual environment; a note says so."""
    (tmp_path / ".env").mkdir()
    write_env(tmp_path / "nova", "NOVAFLOW_JOBS=3\n")
    loaded = load(tmp_path)
    assert loaded.settings.of(CoreSettings).novaflow_jobs == 3
    assert loaded.notes == ("./.env is a folder, such as a virtual environment, and no file of settings: it is ignored",)


def test_an_unreadable_file_is_rejected(tmp_path: Path) -> None:
    """The error contains the reason of the system."""
    (tmp_path / ".env").symlink_to(".env")
    assert reject(tmp_path) == ["./.env cannot be read: Too many levels of symbolic links"]


def test_a_binary_file_is_rejected(tmp_path: Path) -> None:
    """The error names the position of the first invalid byte."""
    (tmp_path / ".env").write_bytes(b"TEST=\xff")
    assert reject(tmp_path) == ["./.env is not UTF-8 text: byte 5 is 0xff"]


def test_secrets_are_masked() -> None:
    """Shown settings contain no password, and the address of the broker."""
    shown = write_masked_texts(
        make_settings(mysql_pass=SecretStr("hush"), novaflow_events_url=SecretStr("amqp://me:hush@broker:5672/here"))
    )
    assert shown["MYSQL_PASS"] == "********"
    assert shown["NOVAFLOW_EVENTS_URL"] == "amqp://********@broker:5672/here"


def test_the_events_url_may_name_several_brokers(tmp_path: Path) -> None:
    """All of them are kept, and shown without their passwords."""
    url = "amqp://me:hush@first:5672/here;amqps://me:quiet@second/here"
    settings = load(tmp_path, {"NOVAFLOW_EVENTS_URL": url}).settings
    kept = settings.of(CoreSettings).novaflow_events_url
    assert kept is not None
    assert kept.get_secret_value() == url
    assert write_masked_texts(settings)["NOVAFLOW_EVENTS_URL"] == "amqp://********@first:5672/here;amqps://********@second/here"


def test_the_example_lists_every_setting() -> None:
    """`python -m tools` writes .env.example from the classes of settings."""
    example = (Path(__file__).parents[2] / ".env.example").read_text()
    assert example == write_example()
    assert [line[2:].partition("=")[0] for line in example.splitlines() if line[2:].partition("=")[0] in FIELDS] == [*FIELDS]


def test_every_setting_says_what_it_means() -> None:
    """Each has one sentence and its allowed values."""
    for name, group in FIELDS.items():
        assert (group.model_fields[name.lower()].description or "").endswith(".")
        assert find_allowed(group, name).values


def test_a_name_belongs_to_one_group() -> None:
    """Two groups that declare the same name would hide each other."""
    assert sum(len(group.model_fields) for group in ALL_GROUPS) == len(FIELDS)


def test_settings_that_no_component_declares_are_an_error() -> None:
    """Code that reads settings which its component does not declare fails instead of using a default that users cannot change."""
    with pytest.raises(LookupError, match="no component declares the settings NetworkSettings"):
        combine_settings().of(NetworkSettings)


def test_folders_of_components_are_read_first(tmp_path: Path) -> None:
    """The folders are known before the settings that the components in them declare; relative ones start at the file's folder."""
    write_env(tmp_path / "nova", "NOVAFLOW_COMPONENTS_PATH=mine:/srv/theirs\nMY_OWN=1\n")
    workflows, others = load_component_folders(STACK, environ={}, cwd=tmp_path)
    assert workflows.name == "workflows"
    assert others == (tmp_path / "nova/mine", Path("/srv/theirs"))


def test_uv_uses_the_configured_index() -> None:
    """Only uv's settings are passed on; they take precedence."""
    environ = {"PIP_INDEX_URL": "one", "PIP_EXTRA_INDEX_URL": "", "UV_OFFLINE": "1", "https_proxy": "two", "SECRET": "three"}
    assert registry_environment(environ) == {"UV_DEFAULT_INDEX": "one", "UV_OFFLINE": "1", "https_proxy": "two"}
    assert registry_environment(environ | {"UV_DEFAULT_INDEX": "four"})["UV_DEFAULT_INDEX"] == "four"


def test_git_and_pip_use_the_configured_index() -> None:
    """Variables of git, pip and ssh are passed on; pip uses uv's index if it has none of its own."""
    environ = {"UV_DEFAULT_INDEX": "one", "GIT_SSL_CAINFO": "two", "SSH_AUTH_SOCK": "three", "SUDO_UID": "7", "SECRET": "four"}
    expected = {"UV_DEFAULT_INDEX": "one", "PIP_INDEX_URL": "one", "GIT_SSL_CAINFO": "two", "SSH_AUTH_SOCK": "three", "SUDO_UID": "7"}
    assert repository_environment(environ) == expected
    assert repository_environment({"PIP_INDEX_URL": "five"}) == {"PIP_INDEX_URL": "five", "UV_DEFAULT_INDEX": "five"}


def test_uv_uses_the_index_of_pip(tmp_path: Path) -> None:
    """An index in pip's configuration applies if no variable names another."""
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = one\n")
    environ = {"HOME": str(tmp_path / "home"), "PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}
    assert registry_environment(environ)["UV_DEFAULT_INDEX"] == "one"
    assert registry_environment(environ | {"PIP_INDEX_URL": "two"})["UV_DEFAULT_INDEX"] == "two"
    (tmp_path / "pip.conf").write_text("no configuration\n")
    assert "UV_DEFAULT_INDEX" not in registry_environment(environ | {"XDG_CONFIG_HOME": str(tmp_path)})
    assert "UV_DEFAULT_INDEX" not in registry_environment(environ | {"PIP_CONFIG_FILE": "/dev/null"})
