"""The template: migrated, empty databases, and a file with the key of their inputs. A stack without databases also has a template."""

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from novaflow.model.step import EVERYTHING, step
from novaflow.model.workflow import Workflow
from workflows.infra.database.urls import Database, find_current_template, template_folder, template_key
from workflows.platform.install_check import InstallCheck
from workflows.platform.requirements import PythonRequirements


@step(within_s=60, needs=(EVERYTHING,), after=("database.keep-sqlite",))
async def record_key(ctx: Context) -> str:
    """Record what the template was made from: every schema is migrated."""
    key = template_key(ctx.settings, ctx.paths, ctx.declared(Database), ctx.declared(PythonRequirements))
    await ctx.write(template_folder(ctx.paths) / "key", key)
    return key


def _is_complete(settings: Settings, paths: Paths, components: tuple[Component, ...]) -> bool:
    return find_current_template(settings, paths, components) is not None


WORKFLOW = Workflow("template", "Migrated, empty databases, which every run copies.", reason_done=find_current_template)

COMPONENT = Component(
    name="template",
    summary="Migrated, empty databases.",
    declares=(InstallCheck(_is_complete),),
    parts={"template": (record_key,)},
)
