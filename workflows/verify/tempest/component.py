"""tempest, the integration tests of OpenStack, run against the stack."""

import os
from collections.abc import Callable
from pathlib import Path

import anyio

from novaflow.errors import NovaflowError, ProgramFailed, StepFailed
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import ConcurrencyPool, Skipped, step
from novaflow.model.workflow import Workflow
from workflows.platform.python_env import install_requirements
from workflows.platform.system_packages import SystemPackages
from workflows.services.cloud.terminate import ALL_PROJECTS, delete_servers
from workflows.services.keystone.client import admin_api
from workflows.services.oslo.config_file import render_config
from workflows.verify.tempest.config import PREFIX, collect_options
from workflows.verify.tempest.failure_report import describe_failures
from workflows.verify.tempest.results import Results

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
CONCURRENCY = 2
NO_TEST = "doesn't match with anything"  # printed by stestr
CLEANUP_WITHIN_S = 300


def _venv(ctx: Context) -> Path:
    return ctx.paths.root / "venv-tempest"


def _folder(ctx: Context) -> Path:
    return ctx.paths.data / "tempest"


def _config(ctx: Context) -> Path:
    return ctx.paths.etc / "tempest" / "tempest.conf"


@step(within_s=600, pool=ConcurrencyPool.NET)
async def environment(ctx: Context) -> Skipped | str:
    """Install tempest into a virtual environment of its own."""
    return await install_requirements(ctx, _venv(ctx), (REQUIREMENTS,))


@step(needs=("tempest.environment",), within_s=60)
async def configure(ctx: Context) -> str:
    """Write tempest.conf from what the stack offers."""
    for folder in (_folder(ctx), ctx.paths.run / "tempest"):
        folder.mkdir(exist_ok=True)
    await ctx.write(_config(ctx), render_config(await collect_options(ctx, admin_api(ctx))))
    return str(_config(ctx))


@step(needs=("tempest.configure",), within_s=7200)
async def run(ctx: Context) -> str:
    """Run the selected tests, or the smoke set, and delete what they leave."""
    await _delete_remains(ctx)  # of a run that was killed
    results = Results()

    def report(line: str) -> None:
        if test := results.read(line):
            ctx.report(f"{results.summary}; {test}")

    selected = ("--regex", ctx.arguments["tests"]) if ctx.arguments.get("tests") else ("--smoke",)
    failed = ""
    try:
        await _tempest(ctx, "run", *selected, "--concurrency", str(CONCURRENCY), on_line=report)
    except ProgramFailed as error:
        failed = _describe(ctx, results, error)
    finally:
        left = await _clean_up(ctx)
    if failed or left:
        raise StepFailed("\n".join(filter(None, (failed, left))))
    return results.summary


def _describe(ctx: Context, results: Results, error: ProgramFailed) -> str:
    """Return why tempest failed: the tests that did, or what it printed."""
    if NO_TEST in error.log_tail:
        return f"no test has a name with a match of `{ctx.arguments.get('tests')}`"
    if not results.failures:
        return _exit_of(error)
    return f"{results.summary}; see {ctx.paths.log / 'tempest.run.log'}:\n{describe_failures(results.failures, ctx.paths.log)}"


def _exit_of(error: ProgramFailed) -> str:
    return f"tempest exited with {error.returncode}:\n{error.log_tail}"


async def _clean_up(ctx: Context) -> str:
    """Delete what the tests have left, also after an interrupt; return why something may still be there."""
    try:
        with anyio.fail_after(CLEANUP_WITHIN_S, shield=True):
            await _delete_remains(ctx)
    except TimeoutError:
        reason = f"their deletion took more than {CLEANUP_WITHIN_S} s"
    except ProgramFailed as error:
        reason = _exit_of(error)
    except NovaflowError as error:  # of an API
        reason = str(error)
    else:
        return ""
    return f"resources whose names begin with {PREFIX} may be left, which the next run deletes: {reason}"


async def _delete_remains(ctx: Context) -> None:
    """Delete what a run has created and not deleted itself: after an interrupt, or after a failure."""
    if ctx.has_component("nova-api"):
        # tempest does not wait for their deletion, without which it cannot delete what they use.
        await delete_servers(ctx, f"{ALL_PROJECTS}&name=^{PREFIX}-")
    await _tempest(ctx, "cleanup", "--prefix", PREFIX)


async def _tempest(ctx: Context, *words: str, on_line: Callable[[str], None] | None = None) -> None:
    programs = _venv(ctx) / "bin"
    argv: tuple[str | Path, ...] = (programs / "tempest", *words, "--config-file", _config(ctx))
    await ctx.run(*argv, cwd=_folder(ctx), env={"PATH": f"{programs}{os.pathsep}{os.defpath}"}, on_line=on_line)


WORKFLOW = Workflow("verify-tempest", "Run tempest against the stack.", while_up=True, stops_with_request=True)

COMPONENT = Component(
    name="tempest",
    summary="OpenStack's integration tests.",
    parts={"verify-tempest": (environment, configure, run)},
    declares=(SystemPackages(debian=("iputils-ping",)),),  # tests call ping with options that busybox does not have
)
