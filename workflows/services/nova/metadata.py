"""nova's metadata service: what servers are told of themselves, on 8775."""

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import step
from workflows.services.neutron.config import METADATA_PORT
from workflows.services.nova.config import api_environment
from workflows.services.wsgi import Wsgi

METADATA = Wsgi(
    name="nova-metadata",
    summary="What servers are told of themselves.",
    application="nova.wsgi.metadata:application",
    port=METADATA_PORT,
    env=api_environment,
    needs=("nova-metadata.configure", "nova.configure", "database"),
)


@step(within_s=60)
async def configure(ctx: Context) -> None:
    """Write what serves metadata."""
    await METADATA.configure(ctx)


COMPONENT = Component(name="nova-metadata", summary="What servers are told of themselves.", parts={"run": (configure, METADATA.service())})
