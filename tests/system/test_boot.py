"""`novaflow boot` with the programs of a real init system: scripts in /etc/init.d."""

import os
import signal
from pathlib import Path

import pytest

from novaflow.adapters.process import ProcessOwner, find_processes
from tests.system.private_machine import PrivateMachine, missing_programs, require

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def machine(tmp_path: Path, port: int) -> PrivateMachine:
    """Return a machine with scripts in /etc/init.d."""
    require(missing_programs())
    folder = tmp_path / "a %d$x'"  # systemd and the shell give these characters a meaning
    folder.mkdir()
    machine = PrivateMachine(folder, port)
    machine.toy.installed()
    return machine


async def test_a_stack_is_registered_and_removed(machine: PrivateMachine) -> None:
    """`on` twice changes nothing the second time; `off` leaves nothing."""
    assert machine.files == {}
    on = await machine.toy.call("boot", "on")
    assert (on.code, on.err) == (0, "")
    files = machine.files
    script = next(path for path in files if path.startswith("init.d/"))
    name = script.removeprefix("init.d/")
    assert on.out == f"nova starts at boot: sysv script /etc/init.d/{name}\nto start it now: service {name} start\n"
    assert [path for path in files if path != script and files[path] != f"../init.d/{name}"] == []
    assert {path.partition("/")[0] + path.partition("/")[2][:1] for path in files if path != script} == {
        "rc0.dK", "rc1.dK", "rc2.dS", "rc3.dS", "rc4.dS", "rc5.dS", "rc6.dK",
    }  # fmt: skip
    again = await machine.toy.call("boot", "on")
    assert again.out.startswith("nova already starts at boot")
    assert machine.files == files
    off = await machine.toy.call("boot", "off")
    assert (off.code, off.out) == (0, f"nova no longer starts at boot: sysv script /etc/init.d/{name} was removed\n")
    assert machine.files == {}
    assert (await machine.toy.call("boot", "off")).out == "nova does not start at boot; there is nothing to remove\n"


async def test_the_status_shows_what_starts_the_stack(machine: PrivateMachine) -> None:
    """Off, on, out of date, and disabled by another program; `on` corrects each."""

    async def status() -> str:
        return str((await machine.toy.call("boot", "status", "--json")).json["state"])

    assert (await machine.toy.call("boot", "status", "--json")).json == {"stack": "nova", "state": "off", "kind": None, "path": None}
    await machine.toy.call("boot", "on")
    script = next((machine.folder / "init.d").iterdir())
    found = (await machine.toy.call("boot", "status", "--json")).json
    assert found == {"stack": "nova", "state": "on", "kind": "sysv script", "path": f"/etc/init.d/{script.name}"}
    text = script.read_text()
    script.write_text(text + "# of an older version\n")
    assert await status() == "outdated"
    assert "out of date" in (await machine.toy.call("boot", "status")).out
    await machine.toy.call("boot", "on")
    assert (await status(), script.read_text()) == ("on", text)
    assert (await machine.run("update-rc.d", script.name, "disable")).code == 0
    assert await status() == "disabled"
    assert (await machine.toy.call("boot", "on")).code == 0
    assert await status() == "on"
    await machine.toy.call("boot", "off")


async def test_the_script_brings_a_killed_stack_back(machine: PrivateMachine) -> None:
    """It starts the stack without a user's environment, again after all processes were killed, and stops it."""
    toy = machine.toy
    await toy.call("boot", "on")
    script = f"/etc/init.d/{next((machine.folder / 'init.d').iterdir()).name}"
    assert (await machine.run(script, "status")).code == 3
    started = await machine.run(script, "start")
    assert started.code == 0, started
    assert (await machine.run(script, "status")).code == 0
    first = (await toy.status())["services"][0]["pid"]
    (await toy.supervisor()).send_signal(signal.SIGKILL)
    await toy.wait_released()
    for process in find_processes(ProcessOwner(toy.paths)):
        process.kill()
    assert (await machine.run(script, "status")).code == 1
    assert (await machine.run(script, "start")).code == 0
    status = await toy.status()
    assert status["state"] == "ready"
    assert status["services"][0]["pid"] != first
    assert (await machine.run(script, "restart")).code == 0
    assert (await machine.run(script, "stop")).code == 0
    assert (await machine.run(script, "status")).code == 3
    assert find_processes(ProcessOwner(toy.paths)) == ()
    assert (await machine.run(script)).code == 2


async def test_scrub_removes_the_script(machine: PrivateMachine) -> None:
    """It is listed with a reason, also when the folder of the stack was deleted."""
    toy = machine.toy
    await toy.call("boot", "on")
    listed = (await toy.call("scrub", "--dry-run", "--json")).json
    assert [(one["kind"], one["reason"]) for one in listed if one["kind"] == "boot"] == [
        ("boot", "the sysv script that starts the stack at boot")
    ]
    assert machine.files != {}
    assert (await toy.call("scrub")).code == 0
    assert machine.files == {}
    await toy.call("boot", "on")
    toy.root.rename(toy.folder / "moved")
    script = f"/etc/init.d/{next((machine.folder / 'init.d').iterdir()).name}"
    assert (await machine.run(script, "start")).code == 5
    assert [one["kind"] for one in (await toy.call("scrub", "--json")).json] == ["boot"]
    assert machine.files == {}
    assert (await toy.call("scrub")).out == f"there is no stack in {toy.root}\n"


async def test_a_stack_that_is_not_installed_is_refused(machine: PrivateMachine) -> None:
    """The message has the command to run first; nothing is written."""
    (machine.toy.root / "data/toy").unlink()
    ended = await machine.toy.call("boot", "on")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"novaflow: {machine.toy.root} is not installed; run `novaflow install` or `novaflow up`\n"
    other = await machine.toy.call("boot", "on", "other")
    assert (other.code, other.err) == (2, f"novaflow: there is no stack in {machine.toy.folder}/other; `novaflow up` creates one\n")
    assert machine.files == {}


async def test_settings_that_a_boot_does_not_read_are_refused(machine: PrivateMachine) -> None:
    """The environment and the command line of today do not exist at boot."""
    ended = await machine.toy.call("boot", "on", "--set", "SCREEN_NAME=mine", NOVAFLOW_JOBS="77")
    assert ended.code == 2
    where = f"write it into {machine.toy.root}/.env"
    assert ended.err == (
        f"novaflow: a start at boot would not have the value of SCREEN_NAME (command line), NOVAFLOW_JOBS (environment); {where}\n"
    )
    assert machine.files == {}
    with (machine.toy.root / ".env").open("a") as settings:
        settings.write("SCREEN_NAME=mine\nNOVAFLOW_JOBS=77\n")
    assert (await machine.toy.call("boot", "on")).code == 0
    await machine.toy.call("boot", "off")


async def test_a_machine_without_a_known_init_system_is_refused(machine: PrivateMachine) -> None:
    """The exit code is that of an unfit machine."""
    machine.hide_sysv()
    ended = await machine.toy.call("boot", "on")
    assert ended.code == 5
    assert ended.err.startswith("novaflow: this machine has no init system that novaflow knows")
    assert ended.err.endswith("start the stack with `novaflow up`\n")


async def test_a_user_who_may_not_write_there_is_refused(machine: PrivateMachine) -> None:
    """The message names the folder."""
    os.chown(machine.folder / "init.d", 1, 1)
    machine.toy.prefix = (*machine.toy.prefix, "setpriv", "--bounding-set", "-dac_override", "--")
    ended = await machine.toy.call("boot", "on")
    assert (ended.code, ended.err) == (5, "novaflow: /etc/init.d is not writable for this user; use sudo\n")
