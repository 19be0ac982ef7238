"""The steps of `verify --tempest`, with a program of the test as tempest."""

import configparser
from pathlib import Path
from typing import Any

import pytest

from novaflow.errors import ProgramFailed, StepFailed
from novaflow.model.component import Component
from tests.support.rest import RestServer, open_cloud_context
from tests.support.settings import make_settings
from workflows.infra.libvirt.settings import LibvirtType
from workflows.services.neutron.settings import NetMan
from workflows.verify.tempest.component import configure, run

SERVERS = "/compute/servers/detail?all_tenants=1&name=^novaflow-tempest-"
NETWORKS = "/network/v2.0/networks?name=public"
ALL = tuple(
    Component(name, "A component.")
    for name in ("cinder", "glance", "keystone", "neutron", "nova-api", "placement", "neutron-l3-agent", "neutron-metadata-agent")
)
TEMPEST = """#!/bin/sh
echo "$*" >>calls
if [ "$1" = cleanup ]; then {cleanup}; exit; fi
{script}
"""
# The first call deletes what an earlier run has left.
FAILS_AFTERWARDS = '[ "$(grep -c cleanup calls)" -lt 2 ] || { echo "network in use"; exit 1; }'
FAILS = 'echo "{0} a.test [1s] ... FAILED"; echo "Captured traceback:"; echo "    AssertionError: no"; exit 1'


def prepare(rest: RestServer, *, public: bool = True) -> None:
    """Prepare the APIs' descriptions of a cloud with one compute host."""
    images = [{"name": name, "id": f"id-of-{name}"} for name in ("aki-tty", "ami-tty", "disk-tty")]
    rest.respond("GET", "/image/v2/images?visibility=public", {"images": images})
    rest.respond("GET", "/compute/os-services?binary=nova-compute", {"services": [{"host": "one"}]})
    rest.respond("GET", NETWORKS, {"networks": [{"id": "outside"}] if public else []})
    rest.respond("GET", "/network/v2.0/extensions", {"extensions": [{"alias": "router"}, {"alias": "port-security"}]})


async def write(tmp_path: Path, rest: RestServer, *components: Component, **settings: Any) -> configparser.ConfigParser:
    """Write tempest.conf and return it."""
    config = configparser.ConfigParser(interpolation=None)
    async with open_cloud_context(tmp_path, rest, *components, settings=make_settings(**settings)) as ctx:
        ctx.paths.data.mkdir(parents=True, exist_ok=True)
        ctx.paths.run.mkdir(parents=True, exist_ok=True)
        config.read(str(await configure.body(ctx)))
    return config


async def test_the_configuration_describes_the_stack(tmp_path: Path, rest: RestServer) -> None:
    """Images, flavors, networks and extensions are those of the APIs; a single host migrates nothing."""
    prepare(rest)
    config = await write(tmp_path, rest, *ALL)
    compute, features = config["compute"], config["compute-feature-enabled"]
    assert (compute["image_ref"], compute["image_ref_alt"], compute["min_compute_nodes"]) == ("id-of-disk-tty", "id-of-ami-tty", "1")
    assert (features["resize"], features["live_migration"], features["cold_migration"]) == ("true", "false", "false")
    assert config["network"]["public_network_id"] == "outside"
    assert config["network-feature-enabled"]["api_extensions"] == "port-security,router"
    available = config["service_available"]
    assert {name for name in available if name not in config.defaults() and available[name] == "false"} == {"horizon", "swift"}
    assert config["validation"]["run_validation"] == "true"


async def test_the_configuration_names_what_is_not_there(tmp_path: Path, rest: RestServer) -> None:
    """Tests that need it are skipped by tempest, instead of failing."""
    prepare(rest, public=False)
    config = await write(tmp_path, rest, Component("keystone", "A component."), net_man=NetMan.FLAT)
    assert config["service_available"]["cinder"] == "false"
    assert "public_network_id" not in config["network"]
    assert config["network-feature-enabled"]["floating_ips"] == "false"
    assert config["validation"]["run_validation"] == "false"


async def test_the_fake_driver_has_no_guests(tmp_path: Path, rest: RestServer) -> None:
    """There is nothing to log in to, and no console."""
    prepare(rest)
    config = await write(tmp_path, rest, *ALL, libvirt_type=LibvirtType.FAKE)
    assert config["validation"]["run_validation"] == "false"
    assert config["compute-feature-enabled"]["console_output"] == "false"


async def run_with(tmp_path: Path, rest: RestServer, script: str, *, cleanup: str = ":", **arguments: str) -> tuple[str, list[str]]:
    """Run the step with a program in place of tempest; return the result or the error, and the calls of the program."""
    rest.respond("GET", SERVERS, {"servers": []})
    async with open_cloud_context(tmp_path, rest, *ALL, arguments=arguments) as ctx:
        program, folder = ctx.paths.root / "venv-tempest" / "bin" / "tempest", ctx.paths.data / "tempest"
        for path in (program.parent, folder, ctx.paths.run):
            path.mkdir(parents=True, exist_ok=True)
        program.write_text(TEMPEST.format(script=script, cleanup=cleanup))
        program.chmod(0o755)
        try:
            result = await run.body(ctx)
        except (StepFailed, ProgramFailed) as error:
            result = error.describe()
        words = [line.partition(" --config-file")[0] for line in (folder / "calls").read_text().splitlines()]
        return str(result), words


@pytest.mark.parametrize(("arguments", "selected"), [({"tests": ""}, "--smoke"), ({}, "--smoke"), ({"tests": "a|b"}, "--regex a|b")])
async def test_the_selected_tests_run(tmp_path: Path, rest: RestServer, arguments: dict[str, str], selected: str) -> None:
    """Without a selection it is the smoke set."""
    result, calls = await run_with(tmp_path, rest, 'echo "{0} a.test [1s] ... ok"', **arguments)
    assert result == "1 passed, 0 skipped, 0 failed"
    assert calls[1] == f"run {selected} --concurrency 2"


async def test_failed_tests_are_reported(tmp_path: Path, rest: RestServer) -> None:
    """With the error of each, and the file that has all output."""
    result, _ = await run_with(tmp_path, rest, FAILS)
    assert result.startswith("0 passed, 0 skipped, 1 failed; see ")
    assert result.endswith("tempest.run.log:\na.test\n    AssertionError: no")


@pytest.mark.parametrize(("script", "first"), [(FAILS, "0 passed, 0 skipped, 1 failed; see "), (":", "resources whose names begin with")])
async def test_what_cannot_be_deleted_is_reported(tmp_path: Path, rest: RestServer, script: str, first: str) -> None:
    """After the failed tests, and also without one."""
    result, _ = await run_with(tmp_path, rest, script, cleanup=FAILS_AFTERWARDS)
    assert result.startswith(first)
    assert "resources whose names begin with novaflow-tempest may be left, which the next run deletes: tempest exited with 1" in result
    assert result.endswith("network in use")


async def test_an_error_of_tempest_itself_is_shown(tmp_path: Path, rest: RestServer) -> None:
    """No test has failed; what it printed says why it ended."""
    result, _ = await run_with(tmp_path, rest, "echo 'no such option'; exit 2")
    assert "tempest exited with 2" in result
    assert "no such option" in result


async def test_no_test_is_selected(tmp_path: Path, rest: RestServer) -> None:
    """A name with an error must not count as success."""
    result, _ = await run_with(tmp_path, rest, "echo The specified regex doesn\\'t match with anything; exit 1", tests="tempest.apy")
    assert result == "no test has a name with a match of `tempest.apy`"


async def test_remains_are_deleted(tmp_path: Path, rest: RestServer) -> None:
    """Those of a run that was killed before the run, and those of a failed run after it."""
    server = {"id": "s", "status": "ACTIVE", "OS-EXT-STS:task_state": None}
    rest.respond("GET", SERVERS, {"servers": [server]})
    rest.respond("DELETE", "/compute/servers/s")
    _, calls = await run_with(tmp_path, rest, FAILS)
    assert rest.bodies("DELETE", "/compute/servers/s") == [None]
    cleanup = "cleanup --prefix novaflow-tempest"
    assert calls == [cleanup, "run --smoke --concurrency 2", cleanup]
