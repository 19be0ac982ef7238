"""`inventory`: counts what the deletion of the cloud would lose, while none of its services runs."""

from novaflow.model.component import Component
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from novaflow.model.workflow import Workflow
from workflows.infra.database.origin import has_no_cloud


def _has_nothing(settings: Settings, paths: Paths, _: tuple[Component, ...]) -> str | None:
    return "there is no cloud" if has_no_cloud(settings, paths) else None


WORKFLOW = Workflow("inventory", "Counts the servers and volumes of a stopped stack.", reason_done=_has_nothing)
