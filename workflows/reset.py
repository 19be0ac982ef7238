"""`reset`: deletes the cloud, so that the next start creates an empty one. It runs before such a start and needs no service."""

from novaflow.model.workflow import Workflow
from workflows.infra.database.origin import has_no_cloud

WORKFLOW = Workflow("reset", "Deletes databases, servers, volumes and images.", before_run=has_no_cloud)
