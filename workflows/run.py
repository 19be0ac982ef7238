"""`run`: all services, each as soon as the services that it needs are ready.

A component adds its configuration, its endpoints in the service catalogue and its services. The last step is `cloud.ready`, which
succeeds when a server can be scheduled.
"""

from novaflow.model.component import Component, declared
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from novaflow.model.workflow import Workflow
from workflows.infra.database.origin import find_mismatch
from workflows.infra.rabbitmq.urls import publisher_url
from workflows.platform.install_check import InstallCheck


def _not_installed(settings: Settings, paths: Paths, components: tuple[Component, ...]) -> str | None:
    if all(check.is_complete(settings, paths, components) for check in declared(components, InstallCheck)):
        return None
    return f"{paths.root} is not installed; run `novaflow install` or `novaflow up`"


WORKFLOW = Workflow(
    "run", "All services.", stays=True, reason_not_ready=_not_installed, reason_unusable=find_mismatch, broker=publisher_url
)
