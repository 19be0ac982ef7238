"""`verify`: boots a server, pings it and deletes it."""

from functools import partial

import click

from novaflow.cli.arguments import stack_arguments
from novaflow.cli.progress import run_with_progress
from novaflow.runtime.run_in_supervisor import run_in_supervisor
from novaflow.runtime.stack import Stack


class _OptionalRegex(click.Command):
    """Takes a path after ``--tempest`` as DIR: a name of a test contains no slash."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments of the command line."""
        if "--tempest" in args:
            after = args.index("--tempest") + 1
            if after < len(args) and "/" in args[after]:
                args = [*args[: after - 1], "--tempest=", *args[after:]]
        return super().parse_args(ctx, args)


@click.command("verify", cls=_OptionalRegex)
@click.option("--full", is_flag=True, help="Also use a disk image, the console, ssh, a volume, the EC2 API and the object store.")
@click.option(
    "--tempest",
    "tests",
    metavar="[REGEX]",
    is_flag=False,
    flag_value="",
    help="Run OpenStack's own tests instead: those whose names contain a match of REGEX, or the smoke set.",
)
@stack_arguments
def command(*, stack: Stack, full: bool, tests: str | None) -> None:
    """Boot a server, ping it, and delete it. The exit code is 3 if any of it fails.

    Example: sudo novaflow verify --full
    """
    if full and tests is not None:
        raise click.UsageError("--full and --tempest are two different checks; give one of them")
    if tests is None:
        run_with_progress(partial(run_in_supervisor, stack, "verify-full" if full else "verify"))
    else:
        run_with_progress(partial(run_in_supervisor, stack, "verify-tempest", arguments={"tests": tests}))
