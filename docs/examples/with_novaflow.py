"""Print every event of a stack from its first, and go on there next time, with novaflow's own library."""

import sys
from pathlib import Path

import anyio

from novaflow.events.subscribe import Begin, subscribe


async def main(url: str) -> None:
    """Subscribe, and print."""
    async with subscribe(url, begin=Begin.START, position_file=Path("position.json")) as events:
        async for record in events:
            print(record.sequence, record.event.name, record.event.state, flush=True)


anyio.run(main, sys.argv[1])
