"""Ceph: the storage of volumes; it runs in userspace and needs no module of the kernel."""

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
from workflows.infra.ceph.admin_socket import ask_daemon, version_probe
from workflows.infra.ceph.cluster import (
    CAPABILITIES,
    MONITOR_PORTS,
    POOL,
    SIZE_GIB,
    ceph_config,
    cluster_id,
    created_file,
    keyring,
    monitor_address,
    write_keys,
)
from workflows.platform.detect import find_distribution
from workflows.platform.disk import delete_folder, free_mib
from workflows.platform.python_env import link_modules
from workflows.platform.system_packages import SystemPackages
from workflows.services.oslo.config_file import Sections, Value, render_config

PLACEMENT_GROUPS = 8  # Ceph recommends a hundred for each disk, for clusters of many disks
NO_MODULES = "no-modules"


def check_backend(_: Settings, paths: Paths) -> CheckResult:
    """Check that the disk has enough free space for all volumes."""
    found = f"Ceph RBD, {SIZE_GIB} GiB in a sparse file; it runs in userspace, without device-mapper and iSCSI"
    free_gib = free_mib(paths.data) // 1024
    if free_gib < SIZE_GIB:
        advice = f"write at most {free_gib} GiB to volumes, or free disk space"
        return CheckResult("volumes", Severity.WARNING, f"{found}; {free_gib} GiB are free", advice)
    return CheckResult("volumes", Severity.GOOD, found)


@step(needs=("python.environment", "packages.install"), within_s=60)
async def binding(ctx: Context) -> Skipped | str:
    """Link the system's Ceph modules into the stack's virtual environment."""
    return await link_modules(ctx, "rados.*.so", "rbd.*.so", proof="rbd")


@step(within_s=60)
async def prepare(ctx: Context) -> Skipped | str:
    """Create an empty cluster: keys, the map of monitors, the data of the monitor and a sparse disk. An existing one is kept."""
    (ctx.paths.run / "ceph" / NO_MODULES).mkdir(parents=True, exist_ok=True)
    await ctx.write(ceph_config(ctx.paths), render_config(_options(ctx)))
    if created_file(ctx.paths).exists():
        return Skipped("the cluster is kept")
    shutil.rmtree(ctx.paths.data / "ceph", ignore_errors=True)
    await write_keys(ctx)
    await _create_cluster(ctx)
    await ctx.write(created_file(ctx.paths), "", fsync=True)
    return f"{SIZE_GIB} GiB"


async def _create_cluster(ctx: Context) -> None:
    data, config, cluster = ctx.paths.data / "ceph", ceph_config(ctx.paths), str(cluster_id(ctx.paths))
    for name in ("mon", "osd", "mgr"):
        (data / name).mkdir(parents=True)
    await ctx.run("monmaptool", "--create", "--clobber", "--fsid", cluster, "--addv", "a", monitor_address(ctx), data / "monmap")
    create = ("--conf", config, "--no-mon-config", "--mkfs", "--monmap", data / "monmap")
    await ctx.run("ceph-mon", *create, "--id", "a", "--keyring", keyring(ctx.paths, "all"))
    await ctx.run("ceph-osd", *create, "--id", "0", "--osd-uuid", str(_disk_id(ctx)))


@step(after=("database.reset",), within_s=60)
async def reset(ctx: Context) -> Skipped | str:
    """Delete the cluster with all volumes."""
    return delete_folder(ctx.paths.data / "ceph", missing="there is no cluster")


def _options(ctx: Context) -> Sections:
    data, run, host = ctx.paths.data / "ceph", ctx.paths.run / "ceph", ctx.settings.local_ip
    common: dict[str, Value] = {
        "fsid": str(cluster_id(ctx.paths)),
        "mon host": monitor_address(ctx),
        "mon initial members": "a",
        "public addr": host,
        "cluster addr": host,  # by default the OSD sends heartbeats on all addresses
        "auth allow insecure global id reclaim": False,
        # One replica: a second one on the same disk protects nothing.
        "mon allow pool size one": True,
        "mon warn on pool no redundancy": False,
        "osd pool default size": 1,
        "osd pool default min size": 1,
        "osd crush chooseleaf type": 0,
        "osd pool default pg autoscale mode": "off",
        "mon data": data / "mon",
        "osd data": data / "osd",
        "mgr data": data / "mgr",
        # The default of Debian 13 is a relative path.
        "osd class dir": find_distribution().path("rados-classes"),
        "bluestore block size": SIZE_GIB << 30,
        # The manager is needed for its statistics only; its Python modules use 270 MiB and take three seconds to load.
        "mgr module path": run / NO_MODULES,
        "paxos propose interval": 0.05,  # the default of a second batches changes among several monitors
        "run dir": run,
        "crash dir": run,
        "log to file": False,
        "mon cluster log to file": False,
    }
    return {"global": common, **{name: {"keyring": keyring(ctx.paths, name)} for name in CAPABILITIES}}


def _disk_id(ctx: Context) -> uuid.UUID:
    return uuid.uuid5(cluster_id(ctx.paths), "osd.0")


# The same as the program `ceph`, whose start takes a second of processor time.
_COMMAND = """
import rados, sys
with rados.Rados(conffile=sys.argv[1]) as cluster:
    code, answer, error = cluster.mon_command(sys.argv[2], b"", timeout=5)
sys.exit(error) if code else print(answer.decode())
"""


async def _command(ctx: Context, prefix: str, **arguments: str | int) -> str:
    """Send a command to the monitor and return its answer."""
    command = json.dumps({"prefix": prefix, **arguments})
    return await ctx.run(ctx.paths.venv / "bin" / "python", "-P", "-c", _COMMAND, ceph_config(ctx.paths), command)


async def _read_state(ctx: Context, prefix: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(await _command(ctx, prefix, format="json"))
    except ProgramFailed as error:
        raise NotYet(error.log_tail) from error
    return answer


async def _probe_monitor(ctx: Context) -> str:
    return f"monitor {(await _read_state(ctx, 'mon stat'))['leader']} leads a quorum of 1"


async def _probe_osd(ctx: Context) -> str:
    # The OSD itself is asked first: the monitor has reported it up since before it was killed.
    if (state := (await ask_daemon(ctx, "osd.0", "status"))["state"]) != "active":
        raise NotYet(f"it is {state}")
    if not (await _read_state(ctx, "osd stat"))["num_up_osds"]:
        raise NotYet("the monitor reports it down")
    return "the monitor reports it up"


async def _probe_manager(ctx: Context) -> str:
    await ask_daemon(ctx, "mgr.a", "version")  # for the same reason
    if not (await _read_state(ctx, "mgr stat"))["available"]:
        raise NotYet("the monitor reports it unavailable")
    return "the monitor reports it available"


def _daemon(kind: str, name: str, summary: str, ready: FunctionProbe, needs: tuple[str, ...], port: int | None = None) -> Service:  # noqa: PLR0913, PLR0917
    return Service(
        name=f"ceph-{kind}",
        summary=summary,
        command=lambda ctx: (f"ceph-{kind}", "--conf", ceph_config(ctx.paths), "-f", "--id", name),
        ready=ready,
        alive=version_probe(f"{kind}.{name}"),
        needs=needs,
        port=port,
        within_s=120,
    )


MONITOR = _daemon("mon", "a", "The monitor of Ceph.", FunctionProbe(_probe_monitor, "ceph mon stat"), ("ceph.prepare",), MONITOR_PORTS[0])


@step(needs=("ceph-mon",), within_s=60)
async def register(ctx: Context) -> None:
    """Register the OSD, Ceph's disk, with the monitor."""
    await _command(ctx, "osd new", uuid=str(_disk_id(ctx)), id=0)


OSD = _daemon("osd", "0", "The OSD of Ceph, its disk.", FunctionProbe(_probe_osd, "up in ceph osd stat"), ("ceph.register",))
MANAGER = _daemon(
    "mgr", "a", "The manager of Ceph, its statistics.", FunctionProbe(_probe_manager, "available in ceph mgr stat"), ("ceph-mon",)
)


@step(needs=("ceph-osd",), within_s=60)
async def pool(ctx: Context) -> str:
    """Create the pool of volumes."""
    await _command(ctx, "osd pool create", pool=POOL, pg_num=PLACEMENT_GROUPS)
    await _command(ctx, "osd pool application enable", pool=POOL, app="rbd")
    return POOL


COMPONENT = Component(
    name="ceph",
    summary="The storage of volumes.",
    declares=(
        SystemPackages(debian=("ceph-mon", "ceph-osd", "ceph-mgr", "ceph-common", "qemu-block-extra", "python3-rados", "python3-rbd")),
    ),
    checks=(check_backend,),
    parts={"install": (binding,), "run": (prepare, MONITOR, register, OSD, MANAGER, pool), "reset": (reset,)},
)
