"""`install`: what the machine needs, concurrently.

Each component brings the Debian packages it names (one apt transaction for all), the stack's Python environment,
the tty image, keys. All of it looks first: a second time nothing is done.
"""

from novaflow.model.workflow import Workflow

WORKFLOW = Workflow("install", "Debian's packages, the Python environment and the image, side by side.")
