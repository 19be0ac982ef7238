"""Ceph's configuration, its cluster and its probes; programs of the test stand for the monitor."""

import json
from collections.abc import Callable
from configparser import RawConfigParser
from pathlib import Path
from uuid import UUID

import anyio
import pytest
from anyio.abc import SocketStream

from novaflow.adapters.local import NodeContext
from novaflow.model.check import CheckResult, Severity
from novaflow.model.paths import Paths
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.service import Service
from novaflow.model.step import Skipped
from tests.faults.disks import small_disk
from tests.support.settings import make_settings
from tests.support.stand_ins import StandIns
from workflows.infra.ceph.cluster import CAPABILITIES, ceph_config, cluster_id, keyring
from workflows.infra.ceph.component import COMPONENT, MANAGER, MONITOR, OSD, check_backend, pool, prepare, register, reset

MakeContext = Callable[..., NodeContext]
GIB = 1 << 30


async def create(ctx: NodeContext) -> tuple[StandIns, RawConfigParser]:
    """Create a cluster with programs that create nothing, and return them and the configuration."""
    programs, config = StandIns(ctx), RawConfigParser()
    programs.add("monmaptool", "ceph-mon", "ceph-osd", "python")
    assert await prepare.body(ctx) == "20 GiB"
    config.read(ceph_config(ctx.paths))
    return programs, config


async def test_the_configuration_agrees_with_the_cluster(make_context: MakeContext) -> None:
    """Id and addresses are those that the map of monitors is made of; every daemon and client has its own key."""
    ctx = make_context(host_ip="192.0.2.1")
    programs, config = await create(ctx)
    common = config["global"]
    assert common["fsid"] == str(cluster_id(ctx.paths))
    assert common["mon host"] == "[v2:127.0.2.1:3300,v1:127.0.2.1:6789]"
    assert programs.calls[0] == (
        f"monmaptool --create --clobber --fsid {common['fsid']} --addv a {common['mon host']} {ctx.paths.data}/ceph/monmap"
    )
    assert common["public addr"] == common["cluster addr"] == "127.0.2.1"
    assert {name: config[name]["keyring"] for name in CAPABILITIES} == {name: str(keyring(ctx.paths, name)) for name in CAPABILITIES}


async def test_every_file_is_in_the_folder_of_the_stack(make_context: MakeContext) -> None:
    """Ceph's defaults are folders of the machine; the folder without modules of the manager exists."""
    ctx = make_context()
    _, config = await create(ctx)
    names = ("mon data", "osd data", "mgr data", "mgr module path", "run dir", "crash dir")
    assert all(Path(config["global"][name]).is_relative_to(ctx.paths.root) for name in names)
    assert [*Path(config["global"]["mgr module path"]).iterdir()] == []
    assert int(config["global"]["bluestore block size"]) == 20 * GIB


async def test_an_existing_cluster_is_kept(make_context: MakeContext) -> None:
    """Its keys stay, and a reset deletes it once."""
    ctx = make_context()
    programs, _ = await create(ctx)
    before, calls = keyring(ctx.paths, "client.cinder").read_text(), programs.calls
    assert await prepare.body(ctx) == Skipped("the cluster is kept")
    assert (keyring(ctx.paths, "client.cinder").read_text(), programs.calls) == (before, calls)
    assert await reset.body(ctx) == f"deleted {ctx.paths.data}/ceph"
    assert await reset.body(ctx) == Skipped("there is no cluster")


async def test_a_cluster_that_was_not_completed_is_created_again(make_context: MakeContext) -> None:
    """Files of the interrupted creation are deleted."""
    ctx = make_context()
    half = ctx.paths.data / "ceph/mon/store.db"
    half.parent.mkdir(parents=True)
    half.touch()
    await create(ctx)
    assert not half.exists()


async def test_the_disk_is_registered_with_the_id_that_it_was_created_with(make_context: MakeContext) -> None:
    """The monitor accepts no other one."""
    ctx = make_context()
    programs, _ = await create(ctx)
    created = next(call for call in programs.calls if call.startswith("ceph-osd")).rpartition("--osd-uuid ")[2]
    await register.body(ctx)
    command = json.loads(programs.calls[-1].partition(str(ceph_config(ctx.paths)))[2])
    assert command == {"prefix": "osd new", "uuid": str(UUID(created)), "id": 0}


async def test_the_pool_is_for_volumes(make_context: MakeContext) -> None:
    """It is marked as one of block devices, without which Ceph reports a warning."""
    ctx = make_context()
    programs, _ = await create(ctx)
    assert await pool.body(ctx) == "volumes"
    commands = [json.loads(call[call.rindex('{"prefix"') :]) for call in programs.calls if '{"prefix"' in call]
    assert commands == [
        {"prefix": "osd pool create", "pool": "volumes", "pg_num": 8},
        {"prefix": "osd pool application enable", "pool": "volumes", "app": "rbd"},
    ]


async def probe(ctx: NodeContext, service: Service, *, state: str = "active") -> str:
    """Return the answer of a readiness probe, while the daemon itself reports this state on its socket; raise NotYet as it does."""
    daemon = {"ceph-osd": "osd.0", "ceph-mgr": "mgr.a", "ceph-mon": "mon.a"}[service.name]
    answer = json.dumps({"state": state, "version": "16.2.15"}).encode()

    async def serve(connection: SocketStream) -> None:
        async with connection:
            await connection.receive()
            await connection.send(len(answer).to_bytes(4) + answer)

    (ctx.paths.run / "ceph").mkdir(exist_ok=True)
    check, found, failures = service.ready, "", list[NotYet]()
    assert isinstance(check, FunctionProbe)
    listener = await anyio.create_unix_listener(ctx.paths.run / "ceph" / f"ceph-{daemon}.asok")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        try:
            found = await check.check(ctx)
        except NotYet as error:
            failures.append(error)
        tasks.cancel_scope.cancel()
    if failures:
        raise failures[0]
    return found


@pytest.mark.parametrize(
    ("service", "printed", "state", "answer"),
    [
        (MONITOR, '{"leader": "a"}', "", "monitor a leads a quorum of 1"),
        (OSD, '{"num_up_osds": 1}', "active", "the monitor reports it up"),
        (MANAGER, '{"available": true}', "", "the monitor reports it available"),
    ],
    ids=["monitor", "disk", "manager"],
)
async def test_a_daemon_is_ready_when_the_monitor_knows_it(
    make_context: MakeContext, service: Service, printed: str, state: str, answer: str
) -> None:
    """It is asked as well: the monitor reports a killed one for a while."""
    ctx = make_context()
    StandIns(ctx).add("python", script=f"echo '{printed}'")
    assert await probe(ctx, service, state=state) == answer


@pytest.mark.parametrize(
    ("service", "printed", "state", "reason"),
    [
        (OSD, '{"num_up_osds": 1}', "booting", "it is booting"),
        (OSD, '{"num_up_osds": 0}', "active", "the monitor reports it down"),
        (MANAGER, '{"available": false}', "", "the monitor reports it unavailable"),
    ],
    ids=["booting", "down", "unavailable"],
)
async def test_a_daemon_that_the_monitor_does_not_know_is_not_ready(
    make_context: MakeContext, service: Service, printed: str, state: str, reason: str
) -> None:
    """The reason says which of both it is."""
    ctx = make_context()
    StandIns(ctx).add("python", script=f"echo '{printed}'")
    with pytest.raises(NotYet, match=f"^{reason}$"):
        await probe(ctx, service, state=state)


async def test_a_monitor_that_cannot_be_reached_is_not_ready(make_context: MakeContext) -> None:
    """The reason is the output of the client."""
    ctx = make_context()
    StandIns(ctx).add("python", script="echo '[errno 110] RADOS timed out' >&2; exit 1")
    with pytest.raises(NotYet, match=r"^\[errno 110\] RADOS timed out$"):
        await probe(ctx, MONITOR)


def test_a_disk_without_space_for_all_volumes_is_a_warning(tmp_path: Path) -> None:
    """Fewer volumes can be written; the advice has the number."""
    with small_disk(tmp_path / "nova", 50):
        result = check_backend(make_settings(), Paths(tmp_path / "nova"))
    found = "Ceph RBD, 20 GiB in a sparse file; it runs in userspace, without device-mapper and iSCSI; 0 GiB are free"
    assert result == CheckResult("volumes", Severity.WARNING, found, "write at most 0 GiB to volumes, or free disk space")
    assert COMPONENT.checks == (check_backend,)
