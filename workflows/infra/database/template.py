"""The template: what was migrated, sealed for the releases, accounts and addresses it fits; a stack without databases has one, too."""

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import EVERYTHING, step
from novaflow.model.workflow import Workflow
from workflows.infra.database.urls import Database, template_folder, template_is_sealed, template_key


@step(within_s=60, needs=(EVERYTHING,), after=("database.keep-sqlite",))
async def seal(ctx: Context) -> str:
    """Say that every schema is at its head, and for which releases."""
    key = template_key(ctx.settings, ctx.paths, ctx.declared(Database))
    await ctx.write(template_folder(ctx.paths) / "seal", key)
    return key


WORKFLOW = Workflow("template", "Migrated, empty databases, to be copied at every run.", already=template_is_sealed)

COMPONENT = Component(name="template", summary="What was migrated, and for which releases.", parts={"template": (seal,)})
