"""`rotate`: applies new secrets to the data of the cloud, before its services start. Most services read theirs at every start.

Each step sets the current secret, whatever the old one was, so that an interrupted rotation is repeated.
"""

from novaflow.model.component import Component, declared
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from novaflow.model.step import EVERYTHING, step
from novaflow.model.workflow import Workflow
from workflows.infra.database.origin import origin_file, write_origin
from workflows.infra.database.settings import DatabaseSettings
from workflows.infra.database.urls import Database


def _is_pending(_: Settings, paths: Paths) -> bool:
    return paths.old_secrets.exists()


def _uses_sqlite(settings: Settings, paths: Paths, components: tuple[Component, ...]) -> str | None:
    if settings.of(DatabaseSettings).use_mysql or not declared(components, Database):
        return None
    return f"the secrets of {paths.root.name} cannot be changed with USE_MYSQL=0; start a new cloud in another folder, with USE_MYSQL=1"


@step(needs=(EVERYTHING,), within_s=60)
async def finish(ctx: Context) -> str:
    """Record that the databases contain the new secrets, and delete the old ones."""
    if origin_file(ctx.paths).exists():
        await write_origin(ctx)
    ctx.paths.old_secrets.unlink(missing_ok=True)
    return "the new secrets are in use"


WORKFLOW = Workflow("rotate", "Applies new secrets to the cloud.", reason_not_ready=_uses_sqlite, before_run=_is_pending)

COMPONENT = Component(name="secrets", summary="The secrets of the stack.", parts={"rotate": (finish,)})
