"""`run`: fresh databases, then all services, each as soon as what it needs answers.

Every component brings its configuration, its account in the catalogue and its services; `cloud.ready` comes last and
is done when a server could be placed.
"""

from novaflow.model.component import Component
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from novaflow.model.workflow import Workflow
from workflows.infra.database.urls import template_is_sealed
from workflows.infra.ldap.directory import speaks_ldap
from workflows.infra.ldap.settings import LdapSettings
from workflows.infra.rabbitmq.urls import publisher_url


def _not_installed(settings: Settings, paths: Paths, components: tuple[Component, ...]) -> str | None:
    if template_is_sealed(settings, paths, components) is None or (settings.of(LdapSettings).use_ldap and not speaks_ldap(paths)):
        return f"{paths.root} is not installed; run `novaflow install` or `novaflow up`"
    return None


WORKFLOW = Workflow("run", "All services on fresh databases.", stays=True, unmet=_not_installed, broker=publisher_url)
