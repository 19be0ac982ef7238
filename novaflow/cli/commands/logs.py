"""`logs`: what services wrote, one or all, as it is or as it grows."""

from contextlib import suppress
from pathlib import Path

import anyio
import click

from novaflow.adapters.storage.files import LineFollower, read_last_lines
from novaflow.cli.shell_completion import complete_service
from novaflow.errors import UsageError
from novaflow.runtime.stack import Stack, stack_arguments

LAST_LINES = 20  # of each log where several are shown: a screen of two
ALL_LINES = 200  # of the one that was asked for
LOOK_S = 0.1  # between two looks at growing files


@click.command("logs")
@click.argument("name", required=False, shell_complete=complete_service)
@click.option("-f", "--follow", is_flag=True, help="Go on showing what comes.")
@stack_arguments
def command(*, stack: Stack, name: str | None, follow: bool) -> None:
    """Show the log of a service or a step, by its name or its component's; of all services without a name.

    Example: novaflow logs nova-compute -f
    """
    paths = _find_logs(stack, name)
    anyio.run(_show, paths, follow)


def _find_logs(stack: Stack, name: str | None) -> tuple[Path, ...]:
    """Return the log files meant by ``name``, which may also be one of nova.sh's.

    Raises: UsageError, naming what there is.
    """
    if not stack.paths.log.is_dir():
        message = f"there are no logs: {stack.paths.log} does not exist"
        raise UsageError(message)
    wanted: tuple[str, ...] = ()
    if name is None:
        wanted = tuple(node.name for node in stack.graph("run").nodes.values() if node.is_service)
    elif (stack.paths.log / f"{name}.log").exists():
        wanted = (name,)
    else:
        with suppress(UsageError):  # what there is instead is said below
            wanted = stack.find_services(name)
    found = tuple(path for path in (stack.paths.log / f"{one}.log" for one in wanted) if path.exists())
    if not found:
        there = ", ".join(sorted(path.stem for path in stack.paths.log.glob("*.log")))
        message = f"there is no log of {name or 'any service'}; there are: {there or 'none'}"
        raise UsageError(message)
    return found


async def _show(paths: tuple[Path, ...], follow: bool) -> None:  # noqa: FBT001 - anyio.run passes no keywords
    width = max(len(path.stem) for path in paths)

    def say(path: Path, line: str) -> None:
        click.echo(line if len(paths) == 1 else f"{path.stem:<{width}} | {line}")

    followers = [(path, LineFollower(path)) for path in paths]  # before the look back, so that no line falls between
    for path in paths:
        for line in (await read_last_lines(path, count=ALL_LINES if len(paths) == 1 else LAST_LINES, most_bytes=1 << 18)).splitlines():
            say(path, line)
    while follow:
        for path, follower in followers:
            for line in await follower.read():
                say(path, line)
        await anyio.sleep(LOOK_S)
