"""nova's vendor data: what every server can read from its metadata or its config drive."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from novaflow.model.context import Context


@dataclass(frozen=True, slots=True)
class VendorData:
    """One value of the vendor data, by name; the users of every server can read it."""

    name: str
    value: Callable[[Context], Awaitable[str]]


def vendor_data_file(ctx: Context) -> Path:
    """Return the file that nova reads for each server."""
    return ctx.paths.etc / "nova" / "vendor_data.json"


async def write_vendor_data(ctx: Context) -> None:
    """Write the values that the components of the stack declare."""
    values = {each.name: await each.value(ctx) for each in ctx.declared(VendorData)}
    await ctx.write(vendor_data_file(ctx), json.dumps(values))
