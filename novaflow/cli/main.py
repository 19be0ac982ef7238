"""The program `novaflow`: dispatches to a command, and translates errors into messages and exit codes."""

import importlib
import os
import resource
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import click
from click.shell_completion import CompletionItem

from novaflow.errors import Interrupted, MachineError, NovaflowError, OutputClosed, RunError, UsageError
from novaflow.streams import discard_output, substitute_unknown_characters

# Imported one at a time: `--help` of one command imports one.
COMMANDS = {
    "up": "install what is missing, start all services, wait until ready",
    "branch": "fetch a Nova source tree and run the stack from it",
    "install": "install everything the stack needs on this machine",
    "bundle": "write everything that an installation downloads into one file",
    "run": "start all services with fresh databases",
    "clean": "stop everything the stack started",
    "scrub": "remove what a crashed stack left on the machine",
    "status": "show the state of all services",
    "start": "start a stopped service",
    "stop": "stop a service; the others keep running",
    "restart": "restart a service and wait until it is ready",
    "logs": "show the logs of services",
    "trace": "show everything that happened to a server",
    "explain": "show what a service or a step is and waits for",
    "attach": "open a tmux or screen session with a window for each service",
    "events": "show past events or follow new ones",
    "verify": "boot a server, ping it, and delete it",
    "terminate": "delete all servers and volumes; the services keep running",
    "graph": "draw the dependency graph",
    "timings": "show how long each step took, and the critical path",
    "boot": "start the stack at every boot of the machine: on, off, status",
    "secrets": "change all secrets of the stack; the cloud stays the same",
    "doctor": "check whether this machine meets the requirements",
    "sbom": "print the software of the stack as a CycloneDX bill of materials",
    "config": "show the effective settings and where each one is set",
    "help": "show the help of a command, with an example",
    "completion": "print a shell completion script",
    "env": "print credentials as shell exports",
}
HIDDEN = ("supervise",)
ALIASES = {"run_detached": ("run", "--detach"), "run-detached": ("run", "--detach")}


def complete_command(prefix: str) -> list[CompletionItem]:
    """Return the commands that begin with ``prefix``, each with its summary."""
    return [CompletionItem(name, help=summary) for name, summary in COMMANDS.items() if name.startswith(prefix)]


@contextmanager
def _translate_broken_pipe() -> Iterator[None]:
    """Raise OutputClosed instead of BrokenPipeError, for which click exits with 1."""
    try:
        yield
    except (BrokenPipeError, ExceptionGroup) as error:
        if isinstance(error, ExceptionGroup) and error.split(BrokenPipeError)[1] is not None:
            raise
        raise OutputClosed from error


class _Commands(click.Group):
    """The commands, each of which is a module of `novaflow.cli.commands`."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        with _translate_broken_pipe():  # `--help` prints here
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> object:
        with _translate_broken_pipe():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click passes it by name
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in COMMANDS and name not in HIDDEN:
            return None
        module = importlib.import_module(f"novaflow.cli.commands.{name}")
        command: click.Command = module.command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        return complete_command(incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] in ALIASES:
            args = [*ALIASES[args[0]], *args[1:]]
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="novaflow")
def novaflow() -> None:
    """Run a real OpenStack Nova on one machine, and publish every step as an event to RabbitMQ.

    Every command takes the folder DIR of the stack, by default `nova`. Settings are read from `.env`, `DIR/.env`, the
    environment and `--set`; `novaflow config` shows them.
    """


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit with its exit code."""
    _keep_private()
    for stream in (sys.stdout, sys.stderr):
        substitute_unknown_characters(stream)
    try:
        novaflow.main(argv, prog_name="novaflow", standalone_mode=False)
    except click.exceptions.Exit as request:
        sys.exit(request.exit_code)
    except OutputClosed as error:
        discard_output(sys.stdout)
        sys.exit(error.exit_code)
    except (click.ClickException, click.Abort, ExceptionGroup, NovaflowError, OSError) as error:
        sys.exit(_report(error))


def _keep_private() -> None:
    """Keep files and memory of this process, and of all that it starts, from other users: services inherit both."""
    os.umask(0o077)
    # A core dump contains passwords.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _report(error: Exception) -> int:
    """Print the message of an error and return its exit code.

    Raises: ExceptionGroup, if the error is one with a defect among its errors.
    """
    match error:
        case click.ClickException():
            with suppress(OSError):  # see _print
                error.show()
            return UsageError.exit_code
        case PermissionError():
            _print(f"{error.filename}: permission denied; the stack belongs to the user who created it: use sudo")
            return MachineError.exit_code
        case OSError():
            # Without a file name it is an output: novaflow names the others.
            discard_output(sys.stdout)
            _print(f"{error.filename or 'the output cannot be written'}: {(error.strerror or str(error)).lower()}")
            return MachineError.exit_code
        case NovaflowError():
            _print(error.describe())
            return error.exit_code
        case ExceptionGroup():
            return _report_group(error)
        case _:
            return Interrupted(signal.SIGINT).exit_code


def _report_group(group: ExceptionGroup[Exception]) -> int:
    _, defects = group.split((NovaflowError, OSError))
    if defects is not None:
        raise group
    codes = [_report(error) for error in _flatten(group)]
    return codes[0] if len(codes) == 1 else RunError.exit_code


def _flatten(group: ExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _flatten(error)
        else:
            yield error


def _print(message: str) -> None:
    try:
        click.echo(f"novaflow: {message}", err=True)
    except OSError:  # its reader has ended, or the disk below it is full: the exit code remains
        discard_output(sys.stderr)


if __name__ == "__main__":
    main()
