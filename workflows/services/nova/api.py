"""nova's API."""

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import step
from workflows.services.nova.config import api_environment
from workflows.services.nova.endpoints import COMPUTE
from workflows.services.nova.fork_server import FORK_SERVER
from workflows.services.oslo.wsgi import WsgiApi

API = WsgiApi(
    name="nova-api",
    summary="Compute API.",
    application="nova.wsgi.osapi_compute:application",
    port=COMPUTE.port,
    env=api_environment,
    needs=("nova-api.configure", "nova.configure", "database"),
    fork_server=FORK_SERVER,
)


@step(within_s=60)
async def configure(ctx: Context) -> None:
    """Write the configuration of the API's web server."""
    await API.configure(ctx)


COMPONENT = Component(
    name="nova-api",
    summary="nova's API.",
    parts={"run": (configure, API.service())},
    aliases=("api",),
    urls=lambda settings: {"compute": COMPUTE.url(settings)},
    declares=(COMPUTE,),
)
