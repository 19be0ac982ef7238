"""The stack's virtual environment with the Python packages of OpenStack."""

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.software import SoftwareSource
from novaflow.model.step import ConcurrencyPool, Skipped, step
from workflows.platform.python_env import CONSTRAINTS, install_requirements
from workflows.platform.python_software import find_python_software
from workflows.platform.requirements import PythonPackages, PythonRequirements


@step(within_s=900, pool=ConcurrencyPool.NET)
async def environment(ctx: Context) -> Skipped | str:
    """Install the Python packages of all components into the stack's virtual environment."""
    added = (one.file for one in ctx.declared(PythonRequirements) if ctx.paths.root / one.environment == ctx.paths.venv)
    return await install_requirements(ctx, ctx.paths.venv, (CONSTRAINTS, *added))


COMPONENT = Component(
    name="python",
    summary="The stack's virtual environment.",
    declares=(
        PythonPackages(("gunicorn", "oslo.service[threading]", "python-openstackclient")),
        SoftwareSource(find_python_software),
    ),
    parts={"branch": (environment,), "install": (environment,)},
)
