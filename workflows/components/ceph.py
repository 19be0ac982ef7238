"""Ceph: where volumes lie; needs nothing of the kernel, so it is the same on every machine."""

import json
import shutil
import uuid

from novaflow.errors import ProgramFailed
from novaflow.model.component import Component, Context, Finding, Paths, Service, Skipped, Verdict, step
from novaflow.model.probe import AskProbe, NotYet
from novaflow.settings import Settings
from workflows.shared.ceph import MONITOR_PORTS, POOL, SIZE_GIB, ceph_config, cluster_id, keyring, monitor_address, write_keys
from workflows.shared.ini import Sections, Value, render_ini
from workflows.shared.releases import lend_modules


def has_backend(_: Settings, __: Paths) -> Finding:
    """Say which backend volumes get, and why."""
    why = "all of it runs in userspace: neither device-mapper nor iSCSI is asked of the kernel"
    return Finding("volumes", Verdict.GOOD, f"Ceph RBD, {SIZE_GIB} GiB in one sparse file; {why}")


@step(needs=("python.environment", "packages.install"), within_s=60)
async def binding(ctx: Context) -> Skipped | str:
    """Lend Debian's Ceph bindings to the environment."""
    return await lend_modules(ctx, "rados", "rbd")


@step(within_s=60)
async def prepare(ctx: Context) -> str:
    """Make an empty cluster: its keys, its map, its monitor's data and one sparse disk."""
    data, config = ctx.paths.data / "ceph", ceph_config(ctx.paths)
    shutil.rmtree(data, ignore_errors=True)
    for folder in (*(data / name for name in ("mon", "osd", "mgr")), ctx.paths.run / "ceph"):
        folder.mkdir(parents=True, exist_ok=True)
    await ctx.write(config, render_ini(_options(ctx)).replace("@name", "$name"))
    await write_keys(ctx)
    cluster = str(cluster_id(ctx.paths))
    await ctx.run("monmaptool", "--create", "--clobber", "--fsid", cluster, "--addv", "a", monitor_address(ctx), data / "monmap")
    making = ("--conf", config, "--no-mon-config", "--mkfs", "--monmap", data / "monmap")
    await ctx.run("ceph-mon", *making, "--id", "a", "--keyring", keyring(ctx.paths, "all"))
    await ctx.run("ceph-osd", *making, "--id", "0", "--osd-uuid", str(_disk_id(ctx)))
    return f"{SIZE_GIB} GiB"


def _options(ctx: Context) -> Sections:
    paths, data = ctx.paths, ctx.paths.data / "ceph"
    # Ceph replaces $name by the daemon's; the mark keeps it from being quoted on the way into the file.
    own = {name: f"{paths.root}/{place}" for name, place in _PLACES.items()}
    numbers: dict[str, Value] = {
        "osd pool default size": 1,
        "osd pool default min size": 1,
        "osd crush chooseleaf type": 0,
        "osd pool default pg autoscale mode": "off",
    }
    return {
        "global": {
            "fsid": str(cluster_id(paths)),
            "mon host": monitor_address(ctx),
            "mon initial members": "a",
            "public addr": ctx.settings.host_ip,
            "auth allow insecure global id reclaim": False,
            "mon allow pool size one": True,
            "mon warn on pool no redundancy": False,
            **numbers,
            "mon data": data / "mon",
            "osd data": data / "osd",
            "mgr data": data / "mgr",
            "mgr initial modules": "",
            "bluestore block size": SIZE_GIB << 30,
            "log to file": False,
            "mon cluster log to file": False,
            **own,
        }
    }


_PLACES = {
    "keyring": "etc/ceph/@name.keyring",
    "run dir": "run/ceph",
    "admin socket": "run/ceph/@name.asok",
    "pid file": "run/ceph/@name.pid",
    "crash dir": "run/ceph",
}


def _disk_id(ctx: Context) -> uuid.UUID:
    return uuid.uuid5(cluster_id(ctx.paths), "osd.0")


async def _ceph(ctx: Context, *words: str) -> str:
    """Ask the monitor."""
    try:
        return await ctx.run("ceph", "--conf", ceph_config(ctx.paths), "--connect-timeout", "5", *words)
    except ProgramFailed as error:
        raise NotYet(error.last_lines) from error


async def _ask_monitor(ctx: Context) -> str:
    return f"answered ceph mon stat with {(await _ceph(ctx, 'mon', 'stat')).strip()}"


async def _ask_osd(ctx: Context) -> str:
    known = json.loads(await _ceph(ctx, "osd", "stat", "--format", "json"))
    if not known["num_up_osds"]:
        raise NotYet("the monitor does not call it up")
    return "the monitor calls it up"


async def _ask_mgr(ctx: Context) -> str:
    if not json.loads(await _ceph(ctx, "mgr", "stat", "--format", "json"))["available"]:
        raise NotYet("the monitor does not call it available")
    return "the monitor calls it available"


def _daemon(kind: str, name: str, summary: str, ready: AskProbe, needs: tuple[str, ...], port: int | None = None) -> Service:  # noqa: PLR0913, PLR0917
    return Service(
        name=f"ceph-{kind}",
        summary=summary,
        command=lambda ctx: (f"ceph-{kind}", "--conf", ceph_config(ctx.paths), "-f", "--id", name),
        ready=ready,
        needs=needs,
        port=port,
        within_s=120,
    )


MONITOR = _daemon("mon", "a", "Ceph's map.", AskProbe(_ask_monitor, "ceph mon stat"), ("ceph.prepare",), MONITOR_PORTS[0])


@step(needs=("ceph-mon",), within_s=60)
async def register(ctx: Context) -> None:
    """Tell the monitor of the disk."""
    await _ceph(ctx, "osd", "new", str(_disk_id(ctx)), "0")


OSD = _daemon("osd", "0", "Ceph's disk.", AskProbe(_ask_osd, "up in ceph osd stat"), ("ceph.register",))
MGR = _daemon("mgr", "a", "Ceph's figures: how much is free.", AskProbe(_ask_mgr, "available in ceph mgr stat"), ("ceph-mon",))


@step(needs=("ceph-osd",), within_s=60)
async def pool(ctx: Context) -> str:
    """Make the pool of volumes."""
    await _ceph(ctx, "osd", "pool", "create", POOL, "8")
    await _ceph(ctx, "osd", "pool", "application", "enable", POOL, "rbd")
    return POOL


COMPONENT = Component(
    name="ceph",
    summary="Where volumes lie.",
    packages=("ceph-mon", "ceph-osd", "ceph-mgr", "ceph-common", "qemu-block-extra", "python3-rados", "python3-rbd"),
    checks=(has_backend,),
    parts={"install": (binding,), "run": (prepare, MONITOR, register, OSD, MGR, pool)},
)
