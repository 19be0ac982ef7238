"""Print every event of a stack from its first, and go on there next time, with novaflow's own library."""

import sys
from pathlib import Path

import anyio

from novaflow.events import Begin, subscribe


async def main(url: str) -> None:
    """Subscribe, and print."""
    async with subscribe(url, begin=Begin.START, position=Path("position.json")) as events:
        async for recorded in events:
            print(recorded.sequence, recorded.event.name, recorded.event.state, flush=True)


anyio.run(main, sys.argv[1])
