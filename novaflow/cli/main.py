"""`novaflow`: finds the command and turns errors into messages and exit codes."""

import importlib
import sys
from collections.abc import Iterator, Sequence

import click
from click.shell_completion import CompletionItem

from novaflow.errors import MachineError, NovaflowError, RunError

# Loaded one at a time, when asked for: `--help` of one command imports one.
COMMANDS = {
    "up": "install what is missing, run, and wait until the cloud is ready",
    "branch": "fetch a source tree of Nova's, and run from it",
    "install": "install everything the machine needs",
    "run": "run all services with fresh databases",
    "clean": "stop everything the stack started; nothing of it is left running",
    "scrub": "remove what a crashed stack left on the machine",
    "status": "show what runs and how it is",
    "start": "start a service that is down",
    "stop": "stop a service; the others stay up",
    "restart": "restart a service, and wait until it is ready again",
    "logs": "show the logs of services",
    "attach": "show a window for each service, and a shell, in tmux or screen",
    "events": "show what happened, or follow what happens",
    "verify": "boot a server, ping it, delete it",
    "terminate": "delete all servers and volumes; the services stay up",
    "graph": "draw what needs what",
    "timings": "show where the time went",
    "doctor": "say whether this machine can do it, and what is missing",
    "config": "show effective settings and where each came from",
    "help": "show what a command does, with an example",
    "completion": "make a shell complete commands and names",
    "env": "print shell exports of settings and credentials",
}
HIDDEN = ("supervise",)
ALIASES = {"run_detached": ("run", "--detach"), "run-detached": ("run", "--detach")}


def complete_command(begun: str) -> list[CompletionItem]:
    """Return the commands that begin so, each with what it does; imports none of them."""
    return [CompletionItem(name, help=does) for name, does in COMMANDS.items() if name.startswith(begun)]


class _Commands(click.Group):
    """The commands of this program, each in a file of its own."""

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
    """A real OpenStack Nova on one machine, in a minute or two; every step of it told to RabbitMQ.

    Every command takes the folder DIR of the stack, `nova` if none is named. Settings come from `.env`, `DIR/.env`,
    the environment and `--set`; `novaflow config` shows them.
    """  # noqa: D401 - what users read, not what it does


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    try:
        novaflow.main(argv, prog_name="novaflow", standalone_mode=False)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
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
        click.echo(f"novaflow: {error.filename}: permission denied; a stack belongs to who made it, root: use sudo", err=True)
        sys.exit(MachineError.exit_code)


def _flatten(group: ExceptionGroup[NovaflowError]) -> Iterator[NovaflowError]:
    for one in group.exceptions:
        if isinstance(one, ExceptionGroup):
            yield from _flatten(one)
        else:
            yield one


if __name__ == "__main__":
    main()
