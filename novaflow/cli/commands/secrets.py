"""`secrets`: changes the secrets of a stack."""

from functools import partial

import anyio
import click

from novaflow.cli.arguments import force_option, stack_arguments
from novaflow.cli.confirmation import confirm
from novaflow.cli.next_steps import print_next_steps
from novaflow.cli.progress import open_display, run_with_progress
from novaflow.runtime.launcher import RunOptions, WaitFor, launch
from novaflow.runtime.secret_rotation import find_kept, renew_secrets, require_secrets
from novaflow.runtime.shutdown import stop_stack
from novaflow.runtime.stack import Stack
from novaflow.runtime.startup import lock_for_run, prepare_up


@click.command("secrets")
@click.argument("action", type=click.Choice(["rotate"]))
@click.option("--yes", is_flag=True, help="Restart the stack and its servers without a question.")
@force_option
@stack_arguments
def command(*, stack: Stack, action: str, yes: bool, force: bool) -> None:  # noqa: ARG001 - there is one action
    """Change all secrets of the stack: passwords, EC2 keys, keys of tokens. The old ones are refused afterwards.

    The stack is stopped and started with the new secrets; its servers boot again. Servers, volumes, images, objects and addresses
    stay. The command prints which secrets stay as they are. If it is interrupted, run it again; `up` finishes it, too.

    Example: sudo novaflow secrets rotate
    """
    require_secrets(stack)
    for kept in find_kept(stack):
        click.echo(f"not changed: {kept.name}: {kept.reason}")
    click.echo(f"{stack.name} is stopped and started again, with its servers; tokens and the EC2 keys in novarc and s3rc become invalid")
    confirm(
        "change the secrets?",
        yes=yes,
        without_terminal="nothing was changed; add --yes to change the secrets",
        declined="nothing was changed",
    )
    run_with_progress(partial(stop_stack, stack))
    options = RunOptions(WaitFor.READY)
    with anyio.run(partial(lock_for_run, stack, force=force)) as lock:
        renew_secrets(stack)
        run_with_progress(partial(prepare_up, stack, options))
        with open_display(stack, options) as display:
            anyio.run(launch, stack, lock, options, display)
    click.echo(f"the secrets of {stack.name} are new; the old ones are refused")
    print_next_steps(stack)
