"""The script in /etc/init.d, run by a real shell."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaflow.adapters.init_system import BootState
from novaflow.adapters.init_system.sysv import SysvScript
from tests.support.properties import EXAMPLES

NASTY = "a %d$x'\"`q`;\\t&"  # a shell gives these characters a meaning
USAGE = "usage: {script} start|stop|restart|force-reload|status\n"


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a script."""

    code: int
    out: str
    err: str


class InitScript:
    """A machine on which a script starts a stack; ``calls`` are the calls of novaflow, each with its folder and its arguments."""

    def __init__(self, folder: Path, name: str) -> None:
        self.root = folder / "stacks" / name
        self.root.mkdir(parents=True)
        self._calls, program = folder / "calls", folder / "python3"
        # Novaflow itself takes half a second: this program notes how it is called, and exits with the code in a file.
        program.write_text(f'#!/bin/sh\nprintf \'%s\\n\' "$PWD" "$PATH" "$@" >>\'{self._calls}\'\nexit "$(cat \'{folder}/code\')"\n')
        program.chmod(0o755)
        self._code = folder / "code"
        self.script = folder / "script"
        text = SysvScript(self.root).text
        assert f"{sys.prefix}/bin/python3" in text
        self.script.write_text(text.replace(f"{sys.prefix}/bin/python3", str(program)))
        self.script.chmod(0o755)

    async def run(self, *arguments: str, code: int = 0) -> Ended:
        """Run the script as an init system does; novaflow exits with ``code``."""
        self._code.write_text(str(code))
        ended = await anyio.run_process([self.script, *arguments], check=False, cwd="/", env={})
        return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    @property
    def calls(self) -> list[str]:
        """Return the lines of all calls."""
        return self._calls.read_text().splitlines() if self._calls.exists() else []


@pytest.fixture(params=["nova", NASTY], ids=["usual", "nasty"])
def machine(tmp_path: Path, request: pytest.FixtureRequest) -> InitScript:
    """Return a machine with a stack of a usual name, and of one that a shell could misread."""
    return InitScript(tmp_path, str(request.param))


@pytest.mark.parametrize(("word", "command"), [("start", ["up", "--timeout", "600"]), ("stop", ["clean"])])
@pytest.mark.parametrize("code", [0, 3])
async def test_the_words_of_an_init_system_are_commands(machine: InitScript, word: str, command: list[str], code: int) -> None:
    """They run in the folder that contains the stack, with the path of the system; the exit code is passed on."""
    assert await machine.run(word, code=code) == Ended(code, "", "")
    folder, path, *words = machine.calls
    assert (folder, words) == (str(machine.root.parent), ["-P", "-m", "novaflow.cli.main", *command, str(machine.root)])
    assert {"/usr/sbin", "/usr/bin", "/sbin", "/bin"} <= {*path.split(":")}


@pytest.mark.parametrize("word", ["restart", "force-reload"])
async def test_a_restart_is_a_stop_and_a_start(machine: InitScript, word: str) -> None:
    """The stack is not started if it could not be stopped."""
    assert (await machine.run(word)).code == 0
    assert [line for line in machine.calls if line in {"clean", "up"}] == ["clean", "up"]
    assert (await machine.run(word, code=3)).code == 3
    assert [line for line in machine.calls if line in {"clean", "up"}] == ["clean", "up", "clean"]


@pytest.mark.parametrize(("code", "status"), [(0, 0), (4, 0), (6, 3), (3, 1), (5, 1), (1, 1), (2, 1)])
@pytest.mark.parametrize("machine", ["nova"], indirect=True)
async def test_the_status_is_that_of_the_standard(machine: InitScript, code: int, status: int) -> None:
    """Ready and starting are running, stopped is stopped, and everything else is dead."""
    assert (await machine.run("status", code=code)).code == status


@pytest.mark.parametrize("arguments", [(), ("",), ("reload",), ("start now",)])
async def test_other_words_are_refused(machine: InitScript, arguments: tuple[str, ...]) -> None:
    """The usage is shown, and nothing is run."""
    assert await machine.run(*arguments) == Ended(2, "", USAGE.format(script=machine.script))
    assert machine.calls == []


@pytest.mark.parametrize("word", ["start", "stop", "status"])
async def test_a_stack_that_was_deleted_is_reported(machine: InitScript, word: str) -> None:
    """The message names the folder and the command that deletes the script; the exit code says that nothing is installed."""
    machine.root.rmdir()
    about = f"{machine.script}: the folder of the stack does not exist; delete the script with: novaflow boot off {machine.root}\n"
    assert await machine.run(word) == Ended(5, "", about)
    assert machine.calls == []


@EXAMPLES
@given(name=st.text(st.sampled_from("a $\\\"'`{}#;&*~é"), min_size=1, max_size=12))
def test_any_folder_is_one_word_of_the_script(name: str) -> None:
    """No character of its name ends the word."""
    root = f"/srv/{name}/nova"
    (line,) = (line for line in SysvScript(Path(root)).text.splitlines() if line.startswith("if [ ! -d "))
    assert shlex.split(line.removesuffix("; then")) == ["if", "[", "!", "-d", root, "]"]


def test_the_script_is_where_an_administrator_expects_it() -> None:
    """Its name, its file and the command that runs it belong together; the header has the name."""
    script = SysvScript(Path("/srv/nova"))
    assert script.path == Path(f"/etc/init.d/{script.name}")
    assert script.start_command == f"service {script.name} start"
    assert f"# Provides:          {script.name}\n" in script.text


def test_a_stack_without_a_script_is_off(tmp_path: Path) -> None:
    """No runlevel starts it."""
    script = SysvScript(tmp_path / "nova")
    assert (script.state, script.is_enabled) == (BootState.OFF, False)
