"""`clean`: undoes what services leave on the machine after they are gone.

Needs none of them: it is also what follows a crash.
"""

from novaflow.model.workflow import Workflow

WORKFLOW = Workflow("clean", "Namespaces, links, rules and disks of servers.")
