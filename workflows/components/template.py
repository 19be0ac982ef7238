"""The template: what was migrated, sealed for the releases, accounts and addresses it fits; a stack without databases has one, too."""

from novaflow.model.component import EVERYTHING, Component, Context, step
from workflows.shared.database import template_folder, template_key


@step(within_s=60, needs=(EVERYTHING,), after=("database.keep-sqlite",))
async def seal(ctx: Context) -> str:
    """Say that every schema is at its head, and for which releases."""
    key = template_key(ctx.settings, ctx.paths)
    await ctx.write(template_folder(ctx.paths) / "seal", key)
    return key


COMPONENT = Component(name="template", summary="What was migrated, and for which releases.", parts={"template": (seal,)})
