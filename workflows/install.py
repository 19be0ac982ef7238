"""`install`: everything that the machine needs, in parallel.

A component adds its system packages, which are installed in one transaction, its Python packages, and files such as images. Every
step checks first whether its result exists: a second `install` changes nothing.
"""

from novaflow.model.workflow import Workflow

WORKFLOW = Workflow("install", "System packages, the Python environment and images, in parallel.")
