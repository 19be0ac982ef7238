"""`template`: migrated, empty databases, kept to be copied at every run.

Migrating costs half a minute of processor time and always gives the same, so it is done once for the releases that are
installed. A database server of its own runs while each component brings its schema; `seal` says that all of them did.
"""

from novaflow.model.component import Workflow
from workflows.shared.database import template_is_sealed

WORKFLOW = Workflow("template", "Migrated, empty databases, to be copied at every run.", already=template_is_sealed)
