"""nova's metadata service, from which servers read their keys and addresses."""

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import step
from workflows.services.nova.config import api_environment
from workflows.services.nova.endpoints import METADATA_PORT
from workflows.services.nova.fork_server import FORK_SERVER
from workflows.services.oslo.wsgi import WsgiApi

METADATA = WsgiApi(
    name="nova-metadata",
    summary="Metadata API, which servers read.",
    application="nova.wsgi.metadata:application",
    port=METADATA_PORT,
    env=api_environment,
    needs=("nova-metadata.configure", "nova.configure", "database"),
    fork_server=FORK_SERVER,
)


@step(within_s=60)
async def configure(ctx: Context) -> None:
    """Write the configuration of the metadata API's web server."""
    await METADATA.configure(ctx)


COMPONENT = Component(name="nova-metadata", summary="Metadata of servers.", parts={"run": (configure, METADATA.service())})
