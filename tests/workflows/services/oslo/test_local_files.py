"""The user's configuration files; the program that checks their options is run by the tests of a cloud, where oslo.config is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from novaflow.adapters.local import NodeContext
from novaflow.errors import NotTrusted, StepFailed
from novaflow.model.step import Skipped
from tests.support.stand_ins import StandIns
from workflows.services.oslo.component import files
from workflows.services.oslo.config_file import CHECKER, OsloConfig

CONFIG = OsloConfig("nova/nova.conf", "nova")
MakeContext = Callable[..., NodeContext]


def write_local(ctx: NodeContext, text: str = "[api]\nmax_limit = 5\n", name: str = "nova.conf") -> Path:
    """Write a file of the user."""
    file = ctx.paths.root / "local" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    file.chmod(0o600)
    return file


async def test_the_users_file_comes_last(make_context: MakeContext) -> None:
    """Its options have priority, as the last value of an option has; the file is checked before."""
    ctx = make_context()
    programs, local = StandIns(ctx), write_local(ctx)
    programs.add("python")
    await CONFIG.write(ctx, {"api": {"max_limit": 1000}})
    assert CONFIG.path(ctx).read_text() == f"[api]\nmax_limit = 1000\n\n# {local}\n[api]\nmax_limit = 5\n"
    assert programs.calls == [f"python -I {CHECKER} nova {CONFIG.path(ctx)} {local}"]


async def test_problems_of_the_users_file_are_the_error(make_context: MakeContext) -> None:
    """The service would ignore an unknown option, and not start with a wrong value."""
    ctx = make_context()
    write_local(ctx)
    StandIns(ctx).add("python", script="echo '[api] has no option max'; echo '[apo] does not exist'")
    with pytest.raises(StepFailed, match=r"^\[api\] has no option max\n\[apo\] does not exist$"):
        await CONFIG.write(ctx, {"api": {"max_limit": 1000}})


async def test_a_file_that_others_can_change_is_refused(make_context: MakeContext) -> None:
    """Services run as root, and options name programs."""
    ctx = make_context()
    write_local(ctx).chmod(0o666)
    with pytest.raises(NotTrusted, match=r"nova\.conf"):
        await CONFIG.write(ctx, {})


async def test_the_files_of_services_are_known(make_context: MakeContext) -> None:
    """The names are those of the files that novaflow writes."""
    ctx = make_context(CONFIG, OsloConfig("neutron/ml2.ini", "neutron"))
    assert await files.body(ctx) == Skipped("none")
    write_local(ctx)
    write_local(ctx, name="ml2.ini")
    assert await files.body(ctx) == "ml2.ini, nova.conf"


async def test_a_file_that_no_service_reads_is_an_error(make_context: MakeContext) -> None:
    """The message has the nearest name, and all of them."""
    ctx = make_context(CONFIG, OsloConfig("neutron/ml2.ini", "neutron"))
    wrong = write_local(ctx, name="nvoa.conf")
    with pytest.raises(StepFailed) as raised:
        await files.body(ctx)
    assert str(raised.value) == f"no service reads {wrong}; did you mean nova.conf?; the files are nova.conf, ml2.ini"
