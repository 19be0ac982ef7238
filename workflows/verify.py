"""`verify`: a user's check of the cloud that is up: a server boots, gets its lease, answers, and is deleted."""

from novaflow.model.component import Workflow

WORKFLOW = Workflow("verify", "A server boots, gets a lease, answers a ping, and is gone.")
