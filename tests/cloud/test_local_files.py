"""The user's configuration files are checked against the options that services have, in their environment."""

# ruff: noqa: S603, TID251 - tests start known programs

import subprocess
from pathlib import Path

import pytest

from tests.cloud.stacks import Stack
from workflows.services.oslo.config_file import CHECKER

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(300)]

WITHIN_S = 60


def check(cloud: Stack, folder: Path, text: str, *, package: str = "nova", config: str = "nova/nova.conf") -> list[str]:
    """Return the problems of a file of the user, without its path."""
    local = folder / "local.conf"
    local.write_text(text)
    command = (cloud.folder / "venv/bin/python", "-I", CHECKER, package, cloud.folder / "etc" / config, local)
    shown = subprocess.run(command, capture_output=True, check=True, text=True, timeout=WITHIN_S).stdout
    return [line.replace(f"{local}: ", "") for line in shown.splitlines()]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("[DEFAULT]\nmax_concurrent_builds = 3\nram-allocation-ratio = 2\n[libvirt]\nvirt_type = $my_ip\n", []),
        (
            "[DEFAULT]\nmax_concurent_builds = 3\n",
            ["section [DEFAULT] has no option max_concurent_builds; did you mean max_concurrent_builds?"],
        ),
        ("[api]\nram_allocation_ratio = 2\n", ["section [api] has no option ram_allocation_ratio; section [DEFAULT] has one"]),
        ("[libvrt]\nvirt_type = kvm\n", ["there is no section [libvrt]; did you mean libvirt?"]),
        ("[libvirt]\nvirt_type = kmv\n[api]\nmax_limit = many\n", ["[libvirt] virt_type = kmv: ", "[api] max_limit = many: "]),
        ("[API]\nmax_limit = 5\n", []),
        ("[keystone_authtoken]\nusername = me\nuser_domain_name = Default\n", []),
        ("max_limit = 5\n", ["line 1: Section must be started before assignment"]),
    ],
)
def test_each_problem_is_one_line(cloud: Stack, tmp_path: Path, text: str, problems: list[str]) -> None:
    """It has the section, the option and, where it is unknown, the nearest one."""
    found = check(cloud, tmp_path, text)
    assert len(found) == len(problems)
    assert all(line.startswith(problem) for line, problem in zip(found, problems, strict=True))


def test_a_back_end_has_the_options_of_its_driver(cloud: Stack, tmp_path: Path) -> None:
    """The sections of cinder's back ends have names of their own."""
    text = "[rbd]\nrbd_max_clone_depth = 2\nrbd_max_clone_dept = 2\n"
    expected = "section [rbd] has no option rbd_max_clone_dept; did you mean rbd_max_clone_depth?"
    assert check(cloud, tmp_path, text, package="cinder", config="cinder/.cinder/cinder.conf") == [expected]


@pytest.mark.parametrize(
    ("package", "config"),
    [
        ("keystone", "keystone/keystone.conf"),
        *(("neutron", f"neutron/{name}") for name in ("ml2.ini", "openvswitch-agent.ini", "l3-agent.ini")),
    ],
)
def test_what_novaflow_writes_has_no_problem(cloud: Stack, tmp_path: Path, package: str, config: str) -> None:
    """The options of a whole file are known without the file that it extends."""
    assert check(cloud, tmp_path, (cloud.folder / "etc" / config).read_text(), package=package, config="/dev/null") == []
