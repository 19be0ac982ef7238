"""New secrets for a stack."""

from collections.abc import Sequence

from novaflow.adapters.storage import Secrets
from novaflow.errors import UsageError
from novaflow.model.component import declared
from novaflow.model.kept_secret import KeptSecret
from novaflow.runtime.preflight import require_met, require_usable
from novaflow.runtime.stack import Stack

ROTATE = "rotate"  # the workflow that applies new secrets; it runs before the next start


def require_secrets(stack: Stack) -> None:
    """Return if the stack has secrets that can be changed.

    Raises: UsageError, with the reason.
    """
    if not stack.paths.secrets.exists():
        raise UsageError(f"there are no secrets in {stack.paths.root}; `novaflow up` creates them")
    require_met(stack, ROTATE)
    require_usable(stack, fresh=False)


def find_kept(stack: Stack) -> Sequence[KeptSecret]:
    """Return the secrets of the stack that stay as they are."""
    known = Secrets(stack.paths.secrets)
    return [one for one in _declared_kept(stack) if known.known(one.name) is not None]


def renew_secrets(stack: Stack) -> None:
    """Replace the secrets of a stopped stack, unless an interrupted rotation has done so; the caller holds the lock and starts it.

    Raises: MachineError, if a file cannot be written.
    """
    Secrets(stack.paths.secrets).renew(stack.paths.old_secrets, kept=[one.name for one in _declared_kept(stack)])


def _declared_kept(stack: Stack) -> Sequence[KeptSecret]:
    return declared(stack.found.components, KeptSecret)  # also of those that are not part of the stack now
