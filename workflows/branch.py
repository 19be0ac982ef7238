"""`branch`: Nova's source, fetched, and the stack's environment made to run from it."""

from novaflow.model.component import Workflow

WORKFLOW = Workflow("branch", "A source tree of Nova's, and the environment that runs it.")
