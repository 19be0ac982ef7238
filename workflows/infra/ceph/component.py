"""Ceph: where volumes lie; needs nothing of the kernel, so it is the same on every machine."""

import json
import shutil
import uuid
from typing import Any

from novaflow.errors import ProgramFailed
from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.service import Service
from novaflow.model.settings import Settings
from novaflow.model.step import Skipped, step
from workflows.infra.ceph.cluster import (
    CAPABILITIES,
    MONITOR_PORTS,
    POOL,
    SIZE_GIB,
    ceph_config,
    cluster_id,
    keyring,
    monitor_address,
    write_keys,
)
from workflows.platform.disk import free_mib
from workflows.platform.python_env import lend_modules
from workflows.platform.system_packages import SystemPackages
from workflows.services.ini import Sections, Value, render_ini

PLACEMENT_GROUPS = 8  # of one pool on one disk; Ceph counts on a hundred a disk
NO_MODULES = "no-modules"


def has_backend(_: Settings, paths: Paths) -> CheckResult:
    """Say which backend volumes get, and why; and whether the disk holds all that it promises."""
    why = "all of it runs in userspace: neither device-mapper nor iSCSI is asked of the kernel"
    found = f"Ceph RBD, {SIZE_GIB} GiB in one sparse file; {why}"
    free_gib = free_mib(paths.data) // 1024
    if free_gib < SIZE_GIB:
        return CheckResult(
            "volumes", Severity.WARNING, f"{found}; {free_gib} GiB are free", "write less than that into volumes, or make room"
        )
    return CheckResult("volumes", Severity.GOOD, found)


@step(needs=("python.environment", "packages.install"), within_s=60)
async def binding(ctx: Context) -> Skipped | str:
    """Lend Debian's Ceph bindings to the environment."""
    return await lend_modules(ctx, "rados.*.so", "rbd.*.so", proof="rbd")


@step(within_s=60)
async def prepare(ctx: Context) -> str:
    """Make an empty cluster: its keys, its map, its monitor's data and one sparse disk."""
    data, config = ctx.paths.data / "ceph", ceph_config(ctx.paths)
    shutil.rmtree(data, ignore_errors=True)
    for folder in (*(data / name for name in ("mon", "osd", "mgr")), ctx.paths.run / "ceph" / NO_MODULES):
        folder.mkdir(parents=True, exist_ok=True)
    await ctx.write(config, render_ini(_options(ctx)))
    await write_keys(ctx)
    cluster = str(cluster_id(ctx.paths))
    await ctx.run("monmaptool", "--create", "--clobber", "--fsid", cluster, "--addv", "a", monitor_address(ctx), data / "monmap")
    making = ("--conf", config, "--no-mon-config", "--mkfs", "--monmap", data / "monmap")
    await ctx.run("ceph-mon", *making, "--id", "a", "--keyring", keyring(ctx.paths, "all"))
    await ctx.run("ceph-osd", *making, "--id", "0", "--osd-uuid", str(_disk_id(ctx)))
    return f"{SIZE_GIB} GiB"


def _options(ctx: Context) -> Sections:
    data, run, host = ctx.paths.data / "ceph", ctx.paths.run / "ceph", ctx.settings.host_ip
    common: dict[str, Value] = {
        "fsid": str(cluster_id(ctx.paths)),
        "mon host": monitor_address(ctx),
        "mon initial members": "a",
        "public addr": host,
        "cluster addr": host,  # else the disk says on all addresses that it is alive
        "auth allow insecure global id reclaim": False,
        # One of everything: a copy on the same disk protects nothing.
        "mon allow pool size one": True,
        "mon warn on pool no redundancy": False,
        "osd pool default size": 1,
        "osd pool default min size": 1,
        "osd crush chooseleaf type": 0,
        "osd pool default pg autoscale mode": "off",
        "mon data": data / "mon",
        "osd data": data / "osd",
        "mgr data": data / "mgr",
        "bluestore block size": SIZE_GIB << 30,
        # Of the manager only its own figures are wanted: its modules, in Python, take 270 MiB and three seconds.
        "mgr module path": run / NO_MODULES,
        "paxos propose interval": 0.05,  # a second between two changes of the map is for monitors that are many
        "run dir": run,
        "crash dir": run,
        "log to file": False,
        "mon cluster log to file": False,
    }
    return {"global": common, **{name: {"keyring": keyring(ctx.paths, name)} for name in CAPABILITIES}}


def _disk_id(ctx: Context) -> uuid.UUID:
    return uuid.uuid5(cluster_id(ctx.paths), "osd.0")


# What `ceph` does, without the second of processor time that its start takes.
_COMMAND = """
import rados, sys
with rados.Rados(conffile=sys.argv[1]) as cluster:
    code, answer, refusal = cluster.mon_command(sys.argv[2], b"", timeout=5)
sys.exit(refusal) if code else print(answer.decode())
"""


async def _command(ctx: Context, prefix: str, **words: str | int) -> str:
    """Have the monitor do something, and return its answer."""
    return await ctx.run(ctx.paths.venv / "bin" / "python", "-c", _COMMAND, ceph_config(ctx.paths), json.dumps({"prefix": prefix, **words}))


async def _ask(ctx: Context, prefix: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(await _command(ctx, prefix, format="json"))
    except ProgramFailed as error:
        raise NotYet(error.log_tail) from error
    return answer


async def _ask_monitor(ctx: Context) -> str:
    return f"is {(await _ask(ctx, 'mon stat'))['leader']}, the leader of one"


async def _ask_osd(ctx: Context) -> str:
    if not (await _ask(ctx, "osd stat"))["num_up_osds"]:
        raise NotYet("the monitor does not call it up")
    return "the monitor calls it up"


async def _ask_mgr(ctx: Context) -> str:
    if not (await _ask(ctx, "mgr stat"))["available"]:
        raise NotYet("the monitor does not call it available")
    return "the monitor calls it available"


def _daemon(kind: str, name: str, summary: str, ready: FunctionProbe, needs: tuple[str, ...], port: int | None = None) -> Service:  # noqa: PLR0913, PLR0917
    return Service(
        name=f"ceph-{kind}",
        summary=summary,
        command=lambda ctx: (f"ceph-{kind}", "--conf", ceph_config(ctx.paths), "-f", "--id", name),
        ready=ready,
        needs=needs,
        port=port,
        within_s=120,
    )


MONITOR = _daemon("mon", "a", "Ceph's map.", FunctionProbe(_ask_monitor, "ceph mon stat"), ("ceph.prepare",), MONITOR_PORTS[0])


@step(needs=("ceph-mon",), within_s=60)
async def register(ctx: Context) -> None:
    """Tell the monitor of the disk."""
    await _command(ctx, "osd new", uuid=str(_disk_id(ctx)), id=0)


OSD = _daemon("osd", "0", "Ceph's disk.", FunctionProbe(_ask_osd, "up in ceph osd stat"), ("ceph.register",))
MGR = _daemon("mgr", "a", "Ceph's figures: how much is free.", FunctionProbe(_ask_mgr, "available in ceph mgr stat"), ("ceph-mon",))


@step(needs=("ceph-osd",), within_s=60)
async def pool(ctx: Context) -> str:
    """Make the pool of volumes."""
    await _command(ctx, "osd pool create", pool=POOL, pg_num=PLACEMENT_GROUPS)
    await _command(ctx, "osd pool application enable", pool=POOL, app="rbd")
    return POOL


COMPONENT = Component(
    name="ceph",
    summary="Where volumes lie.",
    declares=(
        SystemPackages(debian=("ceph-mon", "ceph-osd", "ceph-mgr", "ceph-common", "qemu-block-extra", "python3-rados", "python3-rbd")),
    ),
    checks=(has_backend,),
    parts={"install": (binding,), "run": (prepare, MONITOR, register, OSD, MGR, pool)},
)
