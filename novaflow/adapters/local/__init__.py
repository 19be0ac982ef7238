"""Steps and services on this machine: the engine's runner and the context of a node.

It combines processes, files, HTTP and AMQP; no other group of adapters uses more than one other.
"""

from novaflow.adapters.local.context import NodeContext, Report, StackResources
from novaflow.adapters.local.runner import LocalProgram, LocalRunner

__all__ = ["LocalProgram", "LocalRunner", "NodeContext", "Report", "StackResources"]
