"""`verify --full`: a user's check of all that the stack has: what was left out is not asked for."""

from novaflow.model.component import Workflow

WORKFLOW = Workflow("verify-full", "Disk image, console, ssh, volume, EC2 and objects are used as a user would, and gone.")
