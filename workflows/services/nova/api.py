"""nova's API: OpenStack Compute on 8774."""

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import step
from workflows.services.nova.config import API_PORT, api_environment
from workflows.services.wsgi import Wsgi

NOVA_API = Wsgi(
    name="nova-api",
    summary="OpenStack Compute.",
    application="nova.wsgi.osapi_compute:application",
    port=API_PORT,
    env=api_environment,
    needs=("nova-api.configure", "nova.configure", "database"),
)


@step(within_s=60)
async def configure(ctx: Context) -> None:
    """Write what serves the API."""
    await NOVA_API.configure(ctx)


COMPONENT = Component(
    name="nova-api",
    summary="nova's API.",
    parts={"run": (configure, NOVA_API.service())},
    aliases=("api",),
    urls=lambda settings: {"compute": f"http://{settings.host_ip}:{API_PORT}/v2.1"},
)
