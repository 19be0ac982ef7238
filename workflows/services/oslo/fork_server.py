"""Imports modules once, and forks programs that use them: ``fork_server.py SOCKET MODULES REPEATED``.

It runs in the Python environment of a stack, so it uses the standard library only. A client connects to the Unix socket and sends
one line of JSON with three descriptors, which become the standard streams of the program. The members are ``argv``, whose first
word is a script of this environment, ``env``, ``cwd`` and ``report_exit``. The answer is the process id of the program, which
waits: the client can record it, and move it into a control group. When the client then sends a line, the script runs in that
process as if it had been started alone, with its own session, arguments and environment; with ``report_exit`` the client gets its
exit code. Any other answer is the reason why the client has to start the program itself; so is the end of the connection.

The programs get user, limits, file mode mask and namespaces of this process, so clients of other users and namespaces are refused.
When a source file has changed, the server starts again: a program that is started afterwards runs the code that is on disk.

MODULES and REPEATED are names with commas between them. The modules REPEATED use the arguments of the process while they are
imported, so each program executes them again.
"""

import array
import ctypes
import gc
import importlib
import json
import os
import runpy
import socket
import struct
import sys
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

# ruff: noqa: TID251 - a program of its own

REQUEST_S = 1.0  # for a client to send its request; others wait meanwhile
AGREEMENT_S = 5.0
TICK_NS = 20_000_000  # more than the resolution of the times of files
STREAMS = 3
LONGEST_REQUEST = 1 << 20  # bytes
AREA = 16_384  # bytes for the arguments, and for the environment, of a forked program
RESERVED = "NOVAFLOW_RESERVED"  # a variable that makes the environment long
FIRST_FIELD, ARGUMENTS_FIELD = 3, 48  # of /proc/PID/stat, after the name. Source: proc_pid_stat(5), state and arg_start
LONGEST_NAME = 15  # bytes of a process's name. Source: proc_pid_comm(5)
NAMESPACES = ("ipc", "mnt", "net", "pid", "user", "uts")


class Refused(Exception):
    """The client has to start the program itself; the message is the reason."""


@dataclass(frozen=True)
class Request:
    """What a client asks for."""

    argv: list[str]
    env: dict[str, str]
    cwd: str
    report_exit: bool
    streams: list[int] = field(default_factory=list)


def main() -> None:
    """Import, and serve until a signal ends this process."""
    own_argv = _reserve_areas()
    show(own_argv, os.environ)
    path, modules, repeated = sys.argv[1:-1]
    _replace_setproctitle()
    gc.disable()  # a collection would write to, and so copy, memory that forked programs share
    began_ns = time.time_ns()
    for module in modules.split(","):
        _import(module)
    gc.freeze()
    read = _read_times(filter(None, (getattr(module, "__file__", None) for module in sys.modules.values())))
    # What was changed since the beginning may have been imported before: the first request finds another time, and imports again.
    loaded = {file: changed_ns if changed_ns < began_ns - TICK_NS else -1 for file, changed_ns in read.items()}
    Path(path).unlink(missing_ok=True)  # of an earlier server
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    while True:
        connection, _ = listener.accept()
        request = _serve(connection, loaded)
        if request is not None:
            listener.close()
            _become(request, connection, [sys.modules[name] for name in repeated.split(",") if name in sys.modules])
            return


def _import(module: str) -> None:
    """Import a module; one that fails is left to the program that needs it, whose log then has the error."""
    try:
        importlib.import_module(module)
    except Exception:  # noqa: BLE001 - of any module
        traceback.print_exc()


def _serve(connection: socket.socket, loaded: Mapping[str, int]) -> Request | None:
    """Answer one client; return the request in the forked process, and ``None`` in the server."""
    streams: list[int] = []
    connection.settimeout(REQUEST_S)
    try:
        try:
            request = _receive(connection, streams)
            _check(request, connection)
        except Refused as refused:
            connection.sendall(f"{refused}\n".encode())
        else:
            if _read_times(loaded) != loaded:  # import again in this process; the client sees the end of its connection
                print("fork server: a source file has changed", file=sys.stderr, flush=True)  # noqa: T201 - its log
                os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:-1]])  # noqa: S606 - its own arguments
            if _fork():
                return request
    except OSError as error:  # the client has left, or is too slow
        print(f"fork server: {error}", file=sys.stderr, flush=True)  # noqa: T201 - its log
    for stream in streams:
        os.close(stream)
    connection.close()
    return None


def _receive(connection: socket.socket, streams: list[int]) -> Request:
    """Return what the client asks for; add the descriptors to ``streams`` as they arrive.

    Raises: Refused.
    """
    line = b""
    while not line.endswith(b"\n"):
        space = socket.CMSG_SPACE(STREAMS * array.array("i").itemsize)
        part, ancillary, _, _ = connection.recvmsg(65_536, space, socket.MSG_CMSG_CLOEXEC)
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                streams.extend(array.array("i", content))
        line += part
        if not part or len(line) > LONGEST_REQUEST:
            raise Refused("the request is not complete")
    try:
        members = json.loads(line)
        request = Request(members["argv"], members["env"], members["cwd"], members["report_exit"], streams)
        _require_texts(request)
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f"the request is invalid: {error!r}") from error
    if len(streams) != STREAMS:
        raise Refused(f"{len(streams)} descriptors were sent, not {STREAMS}")
    return request


def _require_texts(request: Request) -> None:
    """Check the types of the members, which any client may choose.

    Raises: TypeError or ValueError.
    """
    texts = [*request.argv, *request.env.keys(), *request.env.values(), request.cwd]
    if not request.argv or not all(isinstance(text, str) for text in texts):
        raise TypeError("a member is not a text")
    if any("\0" in text for text in texts):
        raise ValueError("a text contains the character 0")


def _check(request: Request, connection: socket.socket) -> None:
    """Refuse what would not be the same as the program alone.

    Raises: Refused.
    """
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, user, _ = struct.unpack("3i", credentials)
    namespaces, own = ([Path(f"/proc/{one}/ns/{name}").readlink() for name in NAMESPACES] for one in (pid, os.getpid()))
    if user != os.getuid() or namespaces != own:
        raise Refused("the client is of another user, or in another namespace")
    first_line = f"#!{sys.executable}\n".encode()
    try:
        with open(request.argv[0], "rb") as script:  # noqa: PTH123 - as the kernel opens it
            is_script = script.read(len(first_line)) == first_line
    except OSError as error:
        raise Refused(str(error)) from error
    if not is_script:
        raise Refused(f"{request.argv[0]} is no script of {sys.executable}")
    if len([*Path("/proc/self/task").iterdir()]) > 1:
        raise Refused("a module has started a thread, which a forked process would not have")
    if max(len(os.fsencode(" ".join(request.argv))), len(_environment_area(request.env))) >= AREA:
        raise Refused(f"arguments or environment are longer than {AREA} bytes")


def _read_times(files: Iterable[str]) -> dict[str, int]:
    """Return when each file was changed, in ns; 0 for one that is missing."""
    times = dict.fromkeys(files, 0)
    for path in times:
        with suppress(OSError):
            times[path] = os.stat(path).st_mtime_ns  # noqa: PTH116 - a Path takes longer, and there are thousands
    return times


def _fork() -> bool:
    """Fork a process whose parent is not the server but the nearest subreaper; return whether this is it."""
    child = os.fork()
    if child:
        if os.waitpid(child, 0)[1]:
            raise OSError("the second fork failed")
        return False
    try:
        grandchild = os.fork()
    except OSError:  # too many processes
        os._exit(1)
    if grandchild:
        os._exit(0)
    return True


def _become(request: Request, connection: socket.socket, repeated: Iterable[ModuleType]) -> None:
    """Run the script of the request in this process, after the client has agreed."""
    os.setsid()
    connection.settimeout(AGREEMENT_S)
    connection.sendall(f"{os.getpid()}\n".encode())
    if not connection.recv(1):
        os._exit(1)  # the client has given up, and starts the program itself
    for number, stream in enumerate(request.streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(request.env)
    show(request.argv, request.env)
    os.chdir(request.cwd)
    sys.argv = request.argv
    gc.enable()
    for module in repeated:
        importlib.reload(module)
    if request.report_exit:
        connection.settimeout(None)
        _run_and_report(request.argv[0], connection)
    else:
        connection.close()
        runpy.run_path(request.argv[0], run_name="__main__")


def _run_and_report(script: str, connection: socket.socket) -> None:
    code = 1
    try:
        runpy.run_path(script, run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise
    finally:
        with suppress(OSError):  # the client does not wait for a process that the script has forked
            connection.sendall(f"{code}\n".encode())


def _reserve_areas() -> Sequence[str]:
    """Return the arguments of this process, after starting it again with a long argument and a long environment.

    The kernel reads the arguments and the environment of a process from that memory, and a forked program needs space there.
    """
    if RESERVED not in os.environ:
        padding = " " * AREA
        os.execve(sys.executable, [*sys.orig_argv, padding], {**os.environ, RESERVED: padding})  # noqa: S606 - its own arguments
    del os.environ[RESERVED]
    return sys.orig_argv[:-1]


def show(argv: Sequence[str], env: Mapping[str, str]) -> None:
    """Write arguments, environment and name of the process where others read them: ``ps`` and the marker of a node use them."""
    show_title(" ".join(argv))
    first, end = _find_areas()[2:]
    _overwrite(first, _environment_area(env).ljust(end - first, b"\0"))
    Path("/proc/self/comm").write_bytes(os.fsencode(Path(argv[0]).name)[:LONGEST_NAME])


def show_title(title: str) -> None:
    """Write a title in place of the arguments, as setproctitle does, which does not find them in a forked process."""
    first, end = _find_areas()[:2]
    # A last byte that is not 0 says that the arguments are one text. Source: get_mm_cmdline of the Linux kernel.
    _overwrite(first, os.fsencode(title)[: end - first - 2].ljust(end - first - 1, b"\0") + b" ")


def _replace_setproctitle() -> None:
    """Let modules import functions that work in forked processes by the name of the library."""
    module = ModuleType("setproctitle")
    read_title = lambda: os.fsdecode(Path("/proc/self/cmdline").read_bytes().strip(b"\0 "))  # noqa: E731 - a function of one line
    vars(module).update(setproctitle=show_title, getproctitle=read_title, setthreadtitle=lambda _: None, getthreadtitle=lambda: "")
    sys.modules["setproctitle"] = module


def _find_areas() -> tuple[int, ...]:
    """Return where arguments and environment of this process begin and end."""
    fields = Path("/proc/self/stat").read_text(errors="replace").rpartition(")")[2].split()
    first = ARGUMENTS_FIELD - FIRST_FIELD
    return tuple(map(int, fields[first : first + 4]))


def _overwrite(address: int, content: bytes) -> None:
    ctypes.memmove(address, content, len(content))


def _environment_area(env: Mapping[str, str]) -> bytes:
    return os.fsencode("".join(f"{name}={value}\0" for name, value in env.items()))


if __name__ == "__main__":
    main()
