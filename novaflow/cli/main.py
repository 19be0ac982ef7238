"""The program `novaflow`: dispatches to a command, and translates errors into messages and exit codes."""

import importlib
import sys
from collections.abc import Iterator, Sequence

import click
from click.shell_completion import CompletionItem

from novaflow.errors import MachineError, NovaflowError, RunError

# Imported one at a time: `--help` of one command imports one.
COMMANDS = {
    "up": "install what is missing, start all services, wait until ready",
    "branch": "fetch a Nova source tree and run the stack from it",
    "install": "install everything the stack needs on this machine",
    "run": "start all services with fresh databases",
    "clean": "stop everything the stack started",
    "scrub": "remove what a crashed stack left on the machine",
    "status": "show the state of all services",
    "start": "start a stopped service",
    "stop": "stop a service; the others keep running",
    "restart": "restart a service and wait until it is ready",
    "logs": "show the logs of services",
    "attach": "open a tmux or screen session with a window for each service",
    "events": "show past events or follow new ones",
    "verify": "boot a server, ping it, and delete it",
    "terminate": "delete all servers and volumes; the services keep running",
    "graph": "draw the dependency graph",
    "timings": "show how long each step took, and the critical path",
    "doctor": "check whether this machine meets the requirements",
    "config": "show the effective settings and where each one is set",
    "help": "show the help of a command, with an example",
    "completion": "print a shell completion script",
    "env": "print settings and credentials as shell exports",
}
HIDDEN = ("supervise",)
ALIASES = {"run_detached": ("run", "--detach"), "run-detached": ("run", "--detach")}


def complete_command(prefix: str) -> list[CompletionItem]:
    """Return the commands that begin with ``prefix``, each with its summary."""
    return [CompletionItem(name, help=summary) for name, summary in COMMANDS.items() if name.startswith(prefix)]


class _Commands(click.Group):
    """The commands, each of which is a module of `novaflow.cli.commands`."""

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
    try:
        novaflow.main(argv, prog_name="novaflow", standalone_mode=False)
    except click.exceptions.Exit as request:
        sys.exit(request.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except NovaflowError as error:
        click.echo(f"novaflow: {error.describe()}", err=True)
        sys.exit(error.exit_code)
    except ExceptionGroup as group:
        known, unknown = group.split(NovaflowError)
        if known is None or unknown is not None:
            raise
        errors = [*_flatten(known)]
        for one in errors:
            click.echo(f"novaflow: {one.describe()}", err=True)
        sys.exit(errors[0].exit_code if len(errors) == 1 else RunError.exit_code)
    except BrokenPipeError:
        sys.exit(0)
    except PermissionError as error:
        click.echo(f"novaflow: {error.filename}: permission denied; the stack belongs to the user who created it: use sudo", err=True)
        sys.exit(MachineError.exit_code)


def _flatten(group: ExceptionGroup[NovaflowError]) -> Iterator[NovaflowError]:
    for one in group.exceptions:
        if isinstance(one, ExceptionGroup):
            yield from _flatten(one)
        else:
            yield one


if __name__ == "__main__":
    main()
