"""`terminate`: every server and every volume of every project is deleted; the services stay up."""

from novaflow.model.component import Workflow

WORKFLOW = Workflow("terminate", "Servers and volumes of all projects are deleted; services stay up.")
