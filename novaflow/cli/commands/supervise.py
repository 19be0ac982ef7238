"""`supervise`: runs the supervisor of a stack; `run` and `up` start it, users do not."""

import sys
from functools import partial

import anyio
import click

from novaflow.cli.arguments import stack_arguments
from novaflow.logs import log_to
from novaflow.runtime.stack import Stack
from novaflow.runtime.supervisor import supervise


@click.command("supervise", hidden=True)
@click.option("--lock", type=int, required=True)
@click.option("--watch", is_flag=True)
@click.option("--resume", is_flag=True)
@stack_arguments
def command(*, stack: Stack, lock: int, watch: bool, resume: bool) -> None:
    """Run the stack's services until a stop is requested."""
    log_to(sys.stderr, as_json=True)
    anyio.run(partial(supervise, stack, lock, reload=watch, resume=resume))
