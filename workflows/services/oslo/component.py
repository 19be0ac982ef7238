"""The user's own configuration files, which extend those of the services."""

from novaflow.errors import StepFailed
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import Skipped, step
from novaflow.settings.suggestions import hint_nearest
from workflows.services.oslo.config_file import OsloConfig
from workflows.services.oslo.log_format import OSLO_LOG


@step(within_s=10)
async def files(ctx: Context) -> Skipped | str:
    """Check that each file in DIR/local has the name of a configuration file of the stack; its service reads it."""
    folder = ctx.paths.local
    known = [config.local(ctx.paths).name for config in ctx.declared(OsloConfig)]
    found = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    if unknown := [name for name in found if name not in known]:
        hints = (f"{folder / name}{hint_nearest(name, known)}" for name in unknown)
        raise StepFailed(f"no service reads {', '.join(hints)}; the files are {', '.join(known)}")
    return ", ".join(found) or Skipped("none")


COMPONENT = Component(
    name="local",
    summary="The user's configuration files in DIR/local.",
    declares=(OSLO_LOG,),
    parts={"run": (files,)},
    every_stack=True,
)
