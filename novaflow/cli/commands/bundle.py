"""`bundle`: writes everything that an installation downloads into one file."""

from functools import partial
from pathlib import Path

import click

from novaflow.cli.arguments import stack_arguments
from novaflow.cli.progress import run_with_progress
from novaflow.runtime.installer import write_bundle
from novaflow.runtime.stack import Stack


@click.command("bundle")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@stack_arguments
def command(*, stack: Stack, file: Path) -> None:
    """Write everything that the installation of this stack downloads into FILE: system packages and Python packages.

    `novaflow up --from FILE` installs from it on other machines with the same release of the distribution, without a network.

    Example: sudo novaflow bundle novaflow.tar
    """
    run_with_progress(partial(write_bundle, stack, file.absolute()))
