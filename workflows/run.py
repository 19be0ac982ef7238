"""`run`: fresh databases, then all services, each as soon as what it needs answers.

Every component brings its configuration, its account in the catalogue and its services; `cloud.ready` comes last and
is done when a server could be placed.
"""

from novaflow.model.component import Paths, Workflow
from novaflow.settings import Settings
from workflows.shared.database import template_is_sealed
from workflows.shared.ldap import speaks_ldap
from workflows.shared.rabbitmq import publisher_url


def _not_installed(settings: Settings, paths: Paths) -> str | None:
    if template_is_sealed(settings, paths) is None or (settings.use_ldap and not speaks_ldap(paths)):
        return f"{paths.root} is not installed; run `novaflow install` or `novaflow up`"
    return None


WORKFLOW = Workflow("run", "All services on fresh databases.", stays=True, unmet=_not_installed, broker=publisher_url)
