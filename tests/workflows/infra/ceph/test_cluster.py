"""Keys of Ceph, read by Ceph's own program."""

from collections.abc import Callable

import pytest

from novaflow.adapters.local import NodeContext
from tests.support.terminals import require_program
from workflows.infra.ceph.cluster import CAPABILITIES, cluster_id, keyring, monitor_address, read_key, write_keys

MakeContext = Callable[..., NodeContext]


@pytest.mark.slow
async def test_ceph_reads_each_key(make_context: MakeContext) -> None:
    """Each daemon and client has a file with its key and its capabilities, which only root reads."""
    require_program("ceph-authtool")
    ctx = make_context()
    await write_keys(ctx)
    for name, capabilities in CAPABILITIES.items():
        file = keyring(ctx.paths, name)
        printed = await ctx.run("ceph-authtool", file, "--name", name, "--print-key")
        assert printed.strip() == read_key(ctx.paths, name)
        listed = await ctx.run("ceph-authtool", file, "--list")
        assert [line for line in (f'caps {kind} = "{text}"' for kind, text in capabilities.items()) if line not in listed] == []
        assert file.stat().st_mode & 0o777 == 0o600


async def test_the_keys_of_all_daemons_differ(make_context: MakeContext) -> None:
    """A client cannot log in as a daemon."""
    ctx = make_context()
    await write_keys(ctx)
    assert len({read_key(ctx.paths, name) for name in CAPABILITIES}) == len(CAPABILITIES)


async def test_the_monitor_listens_on_the_address_of_the_stack(make_context: MakeContext) -> None:
    """It is a loopback address. It has a port for each version of the messenger; the id of the cluster does not change between runs."""
    ctx = make_context(host_ip="198.51.100.9")
    assert monitor_address(ctx) == "[v2:127.51.100.9:3300,v1:127.51.100.9:6789]"
    assert cluster_id(ctx.paths) == cluster_id(ctx.paths)
