"""Domains that the stack's libvirt left."""

from collections.abc import Callable

from novaflow.adapters.local import NodeContext
from workflows.infra.libvirt.orphans import REMOVERS, find_domains
from workflows.platform.orphans import remove_found

MakeContext = Callable[..., NodeContext]


async def test_a_domain_is_found_by_its_definition(make_context: MakeContext) -> None:
    """After the removal none is found, of either driver."""
    ctx = make_context()
    for driver in ("qemu", "lxc"):
        folder = ctx.paths.data / "libvirt/etc" / driver
        folder.mkdir(parents=True)
        (folder / f"instance-{driver}.xml").write_text("<domain/>")
    found = [one for one in await find_domains(ctx) if one.kind == "domain"]
    assert [(one.name, one.reason) for one in found] == [
        (f"instance-{driver}", f"{ctx.paths.data}/libvirt/etc/{driver}/instance-{driver}.xml defines it") for driver in ("qemu", "lxc")
    ]
    assert await remove_found(ctx, found, REMOVERS) == "removed domain: 2"
    assert [one for one in await find_domains(ctx) if one.kind == "domain"] == []
