"""Effective settings: defaults, the priority of the sources, and the errors of all of them together."""

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from novaflow.errors import SettingsInvalid
from novaflow.settings import CoreSettings, combine_settings, load_component_folders, load_settings
from novaflow.settings.load import find_source_address
from tests.support.settings import COMPONENT_GROUPS, STACK, load, reject, write_env
from workflows.infra.database.settings import DatabaseSettings
from workflows.infra.ldap.settings import LdapSettings
from workflows.infra.libvirt.settings import LibvirtSettings, LibvirtType
from workflows.platform.settings import MachineSettings
from workflows.services.neutron.settings import NetMan, NetworkSettings
from workflows.services.nova.settings import NovaSettings


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


def test_the_process_environment_is_the_default() -> None:
    """Without arguments, the environment and the current folder of the process are used."""
    assert load_settings(STACK, COMPONENT_GROUPS).settings.of(NovaSettings).instances_path == Path.cwd() / "nova/data/instances"


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


def test_folders_of_components_are_read_first(tmp_path: Path) -> None:
    """The folders are known before the settings that the components in them declare; relative ones start at the file's folder."""
    write_env(tmp_path / "nova", "NOVAFLOW_COMPONENTS_PATH=mine:/srv/theirs\nMY_OWN=1\n")
    workflows, others = load_component_folders(STACK, environ={}, cwd=tmp_path)
    assert workflows.name == "workflows"
    assert others == (tmp_path / "nova/mine", Path("/srv/theirs"))


def test_settings_that_no_component_declares_are_an_error() -> None:
    """Code that reads settings which its component does not declare fails instead of using a default that users cannot change."""
    with pytest.raises(LookupError, match="no component declares the settings NetworkSettings"):
        combine_settings().of(NetworkSettings)


@pytest.mark.parametrize(
    ("text", "folders"),
    [
        ("a:/b:c", ("a", "/b", "c")),
        ("a::b:", ("a", "b")),
        (":", ()),
    ],
)
def test_folders_are_separated_by_colons(tmp_path: Path, text: str, folders: tuple[str, ...]) -> None:
    """Empty parts are dropped, and each relative folder has the same base."""
    core = load(tmp_path, {"NOVAFLOW_COMPONENTS_PATH": text}).settings.of(CoreSettings)
    assert core.novaflow_components_path == tuple(tmp_path / folder for folder in folders)


def test_a_single_path_may_contain_a_colon(tmp_path: Path) -> None:
    """It names one folder."""
    settings = load(tmp_path, {"INSTANCES_PATH": "/srv/disk:1/instances", "LOCK_PATH": "a:b"}).settings
    assert settings.of(NovaSettings).instances_path == Path("/srv/disk:1/instances")
    assert settings.of(MachineSettings).lock_path == tmp_path / "a:b"


def test_default_paths_are_in_the_stack(tmp_path: Path) -> None:
    """Also where the folder of the stack has a colon in its name, and one that contains it is relative."""
    settings = load_settings(Path("a:b/nova"), COMPONENT_GROUPS, environ={}, cwd=tmp_path).settings
    assert settings.of(NovaSettings).instances_path == tmp_path / "a:b/nova/data/instances"


@pytest.mark.parametrize("text", ["~/mine", "a:~/mine"])
def test_folders_of_components_that_are_wrong_are_an_error(tmp_path: Path, text: str) -> None:
    """Other errors are left to the settings that are loaded afterwards."""
    environ = {"NOVAFLOW_COMPONENTS_PATH": text, "NOVAFLOW_JOBS": "many", "NOVAFLOW_COLOUR": "blue"}
    with pytest.raises(SettingsInvalid) as refused:
        load_component_folders(STACK, environ=environ, cwd=tmp_path)
    assert str(refused.value) == (
        f"NOVAFLOW_COMPONENTS_PATH={text} (environment): ~ is not expanded; write the whole path; allowed: folders, separated by colons"
    )


def test_other_errors_are_left_to_the_settings_of_components(tmp_path: Path) -> None:
    """The command line has priority over the file of the stack, and an empty value selects the default."""
    write_env(tmp_path / "nova", "NOVAFLOW_COMPONENTS_PATH=mine\nNOVAFLOW_JOBS=many\nnot a setting\n")
    overrides = {"NOVAFLOW_COMPONENTS_PATH": "", "NOVAFLOW_WORKFLOWS": "theirs"}
    assert load_component_folders(STACK, overrides=overrides, environ={}, cwd=tmp_path) == (tmp_path / "theirs", ())


def test_settings_of_code_replace_those_of_the_core() -> None:
    """A group that is not among them has its defaults."""
    settings = combine_settings(CoreSettings(host_ip="192.0.2.7"), LdapSettings(use_ldap=True))
    assert settings.host_ip == settings.of(CoreSettings).host_ip == "192.0.2.7"
    assert settings.of(LdapSettings).use_ldap
    assert combine_settings().host_ip == "127.0.0.1"


@pytest.mark.parametrize(
    ("environ", "tls"),
    [({}, False), ({"HOST_IP": "192.0.2.7"}, True), ({"HOST_IP": "192.0.2.7", "NOVAFLOW_TLS": "0"}, False), ({"NOVAFLOW_TLS": "1"}, True)],
)
def test_tls_is_the_default_beyond_loopback(tmp_path: Path, environ: dict[str, str], tls: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    """NOVAFLOW_TLS decides otherwise."""
    assert load(tmp_path, environ).settings.tls is tls


def test_a_conflict_is_reported_when_each_value_is_valid(tmp_path: Path) -> None:
    """An invalid value is reported alone: a conflict with it may be none when it is corrected."""
    environ = {"HOST_IP": "10.0.0.7", "FLOATING_RANGE": "ten"}
    (line,) = reject(tmp_path, environ)
    assert line.startswith("FLOATING_RANGE=ten (environment): not a network; ")
