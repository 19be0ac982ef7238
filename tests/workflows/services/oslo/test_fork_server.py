"""The fork server and its client: a forked program is as one that was started alone."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import anyio
import psutil
import pytest

from tests.support.fork_servers import answers, running_server, write_script
from tests.support.programs import WITHIN_S, is_running, wait_until
from workflows.services.oslo import fork_client

# ruff: noqa: S603, TID251 - the client is a program that others start

CLIENT = (sys.executable, "-S", "-E", "-P", fork_client.__file__)
LIBRARY = "open({notes!r}, 'a').write('imported ')\nVALUE = {value!r}\n"


def run_client(server: Path, script: Path | str, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a script with the client to its end."""
    return subprocess.run(
        [*CLIENT, server, script, *arguments], capture_output=True, text=True, env=env or {}, timeout=WITHIN_S, check=False
    )


def write_library(folder: Path, value: int) -> Path:
    """Write a module that records each import; return the file of the records."""
    notes = folder / "notes"
    (folder / "library.py").write_text(LIBRARY.format(notes=str(notes), value=value))
    return notes


async def test_modules_are_imported_once(tmp_path: Path) -> None:
    """Two programs use what the server has imported."""
    notes = write_library(tmp_path, 7)
    script = write_script(tmp_path / "show", "import library\nprint(library.VALUE)")
    async with running_server(tmp_path, "library") as server:
        assert [run_client(server, script).stdout for _ in range(2)] == ["7\n", "7\n"]
    assert notes.read_text() == "imported "


async def test_a_program_has_its_own_arguments_environment_and_folder(tmp_path: Path) -> None:
    """Other programs see them too: `ps` shows the arguments, and the marker of a node is in the environment."""
    code = "import os, sys, json; print(json.dumps([sys.argv, dict(os.environ), os.getcwd(), os.getsid(0) == os.getpid()]))"
    shown = "print(*[repr(open('/proc/self/' + name).read().strip('\\0 ')) for name in ('cmdline', 'environ', 'comm')], sep='\\n')"
    script = write_script(tmp_path / "a-program-with-a-name", f"{code}\n{shown}")
    async with running_server(tmp_path) as server:
        lines = run_client(server, script, "--one", "two words", env={"NOVAFLOW_NODE": "/srv/nova:web", "A": "ü"}).stdout.splitlines()
    argv, env, folder, leads_session = json.loads(lines[0])
    assert argv == [str(script), "--one", "two words"]
    assert env.items() >= {"NOVAFLOW_NODE": "/srv/nova:web", "A": "ü"}.items()
    assert "PYTHONPATH" not in env
    assert folder == str(Path.cwd())
    assert leads_session
    assert lines[1] == repr(f"{script} --one two words")
    assert {"NOVAFLOW_NODE=/srv/nova:web", "A=ü"} <= set(lines[2].strip("'").split("\\x00"))
    assert lines[3] == repr("a-program-with-\n")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("pass", 0),
        ("raise SystemExit", 0),
        ("raise SystemExit(3)", 3),
        ("raise SystemExit('no')", 1),
        ("1 / 0", 1),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 1),
    ],
)
async def test_the_exit_code_is_reported(tmp_path: Path, code: str, expected: int) -> None:
    """That of the script, and 1 after a signal."""
    script = write_script(tmp_path / "script", code)
    async with running_server(tmp_path) as server:
        assert run_client(server, script).returncode == expected


async def test_an_error_has_its_traceback(tmp_path: Path) -> None:
    """It goes to the stream of the program."""
    script = write_script(tmp_path / "script", "raise ValueError('of the script')")
    async with running_server(tmp_path) as server:
        assert run_client(server, script).stderr.endswith("ValueError: of the script\n")
    assert "of the script" not in (tmp_path / "server.log").read_text()


async def test_a_daemon_outlives_the_client(tmp_path: Path) -> None:
    """As oslo.privsep's helper does, which forks and exits."""
    pid = tmp_path / "pid"
    note = f"open({str(pid)!r}, 'w').write(f'{{os.getpid()}} ')"
    code = f"import os, time\nif os.fork() == 0:\n    os.closerange(0, 3)\n    {note}\n    time.sleep(60)"
    script = write_script(tmp_path / "daemon", code)
    async with running_server(tmp_path) as server:
        assert run_client(server, script).returncode == 0
        await wait_until(lambda: pid.exists() and pid.read_text())
        daemon = int(pid.read_text())
        assert is_running(daemon)
        psutil.Process(daemon).kill()


async def test_a_program_runs_the_code_on_disk(tmp_path: Path) -> None:
    """After a change the program that is asked for first starts alone, and the server imports again."""
    write_library(tmp_path, 7)
    script = write_script(tmp_path / "show", "import sys\nsys.path.append(sys.argv[1])\nimport library\nprint(library.VALUE)")
    async with running_server(tmp_path, "library") as server:
        assert run_client(server, script, str(tmp_path)).stdout == "7\n"
        notes = write_library(tmp_path, 801)
        notes.unlink()
        assert run_client(server, script, str(tmp_path)).stdout == "801\n"
        await wait_until(lambda: answers(server))
        notes.unlink()
        assert run_client(server, script, str(tmp_path)).stdout == "801\n"
        assert not notes.exists()
        assert run_client(server, script, "again", "and again").stdout == "801\n"


async def test_without_a_server_the_program_starts_alone(tmp_path: Path) -> None:
    """The socket is missing, or its server was killed."""
    script = write_script(tmp_path / "script", "print('alone')\nraise SystemExit(4)")
    assert run_client(tmp_path / "missing.sock", script).returncode == 4
    async with running_server(tmp_path) as server:
        pass
    assert server.exists()
    ended = run_client(server, script)
    assert (ended.returncode, ended.stdout) == (4, "alone\n")


async def test_other_programs_start_alone(tmp_path: Path) -> None:
    """A shell script, and a script of another Python."""
    async with running_server(tmp_path) as server:
        assert run_client(server, "/bin/echo", "alone").stdout == "alone\n"


async def test_a_client_in_another_namespace_starts_alone(tmp_path: Path) -> None:
    """A forked program would run in the namespaces of the server."""
    script = write_script(tmp_path / "script", "import os\nprint(os.readlink('/proc/self/ns/mnt'))")
    async with running_server(tmp_path) as server:
        command = ["unshare", "--mount", *CLIENT, str(server), str(script)]
        shown = (await anyio.run_process(command)).stdout.decode()
    assert shown != f"{Path('/proc/self/ns/mnt').readlink()}\n"


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"{}\n", "the request is invalid: KeyError('argv')\n"),
        (b"no JSON\n", "the request is invalid: JSONDecodeError('Expecting value: line 1 column 1 (char 0)')\n"),
        (
            b'{"argv": [], "env": {}, "cwd": "/", "report_exit": false}\n',
            "the request is invalid: TypeError('a member is not a text')\n",
        ),
        (
            b'{"argv": [1], "env": {}, "cwd": "/", "report_exit": false}\n',
            "the request is invalid: TypeError('a member is not a text')\n",
        ),
        (b'{"argv": ["/bin/true"], "env": {}, "cwd": "/", "report_exit": false}\n', "0 descriptors were sent, not 3\n"),
    ],
)
async def test_invalid_requests_are_refused(tmp_path: Path, sent: bytes, answer: str) -> None:
    """The server answers them, and goes on."""
    async with running_server(tmp_path) as server:
        for _ in range(2):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(server))
                client.sendall(sent)
                assert client.recv(1_000).decode() == answer


async def test_a_client_that_leaves_starts_nothing(tmp_path: Path) -> None:
    """The forked process exits: the client may have started the program itself."""
    done = tmp_path / "done"
    script = write_script(tmp_path / "script", f"open({str(done)!r}, 'w')")
    request = json.dumps({"argv": [str(script)], "env": {}, "cwd": "/", "report_exit": False}).encode() + b"\n"
    async with running_server(tmp_path) as server:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(server))
            socket.send_fds(client, [request], [0, 1, 2])
            pid = int(client.recv(100))
            assert is_running(pid)
        await wait_until(lambda: not is_running(pid))
    assert not done.exists()


async def test_a_module_that_fails_is_left_out(tmp_path: Path) -> None:
    """The program that needs it shows the error in its own log."""
    (tmp_path / "broken.py").write_text("1 / 0")
    notes = write_library(tmp_path, 7)
    async with running_server(tmp_path, "broken", "library"):
        assert notes.read_text() == "imported "
    assert "ZeroDivisionError" in (tmp_path / "server.log").read_text()


async def test_a_server_with_threads_forks_nothing(tmp_path: Path) -> None:
    """A thread, and the locks that it holds, would be missing in the forked process."""
    (tmp_path / "threaded.py").write_text("import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()")
    script = write_script(tmp_path / "script", "import sys\nprint('threaded' in sys.modules)")
    async with running_server(tmp_path, "threaded") as server:
        assert run_client(server, script).stdout == "False\n"


async def test_long_arguments_start_alone(tmp_path: Path) -> None:
    """There is no space to show them."""
    script = write_script(tmp_path / "script", "import sys\nprint(len(sys.argv[1]), 'runpy' in sys.modules)")
    async with running_server(tmp_path) as server:
        assert run_client(server, script, "x" * 20_000).stdout == "20000 False\n"
        assert run_client(server, script, "x" * 10_000).stdout == "10000 True\n"


async def test_a_module_that_uses_the_arguments_is_executed_again(tmp_path: Path) -> None:
    """Each program sees its own."""
    (tmp_path / "prefix.py").write_text("import sys\nPREFIX = sys.argv[0]\n")
    script = write_script(tmp_path / "script", "import sys, prefix\nprint(prefix.PREFIX == sys.argv[0], 'runpy' in sys.modules)")
    async with running_server(tmp_path, "prefix", repeated="prefix") as server:
        assert run_client(server, script).stdout == "True True\n"


async def test_a_change_during_the_import_is_noticed(tmp_path: Path) -> None:
    """The file is newer than the beginning of the import, so the server imports once more."""
    notes = write_library(tmp_path, 7)
    (tmp_path / "changing.py").write_text(f"import pathlib, library\npathlib.Path({str(tmp_path / 'library.py')!r}).touch()\n")
    script = write_script(tmp_path / "show", "import sys\nsys.path.append(sys.argv[1])\nimport library\nprint(library.VALUE)")
    async with running_server(tmp_path, "changing") as server:
        notes.unlink()
        assert run_client(server, script, str(tmp_path)).stdout == "7\n"
        assert notes.read_text() == "imported "  # by the program itself


async def test_a_program_sets_its_title(tmp_path: Path) -> None:
    """As with setproctitle, also in a process that it forks; the marker in its environment stays."""
    code = """
import os, setproctitle
before = setproctitle.getproctitle()
if os.fork() == 0:
    setproctitle.setproctitle("worker")
    own = [open("/proc/self/" + name).read().strip("\\0") for name in ("cmdline", "environ")]
    print(before.endswith("script"), own[0], "MARKER=1" in own[1].split("\\0"), flush=True)
    os._exit(0)
os.wait()
"""
    script = write_script(tmp_path / "script", code)
    async with running_server(tmp_path) as server:
        assert run_client(server, script, env={"MARKER": "1"}).stdout == "True worker True\n"
