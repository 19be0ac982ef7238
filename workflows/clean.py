"""`clean`: removes the resources that services leave on the machine when they stop.

It needs no running service, so it also cleans up after a crash.
"""

from novaflow.model.workflow import Workflow

WORKFLOW = Workflow("clean", "Removes namespaces, links, firewall rules and disks of servers.")
