"""Removes resources that a stack left on the machine."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

from novaflow.errors import ProgramFailed, StepFailed
from novaflow.model.context import Context
from novaflow.model.orphan import FindOrphans, OrphanedResource
from novaflow.model.step import Skipped, Step, step

Remove = Callable[[Context, str], Awaitable[None]]
"""Removes the resource of that name."""


def removal(find: FindOrphans, removers: Mapping[str, Remove]) -> Step:
    """Return the step of `clean` that removes what ``find`` returns; ``removers`` are by the kind of the resource."""

    @step(within_s=60)
    async def remove_orphans(ctx: Context) -> Skipped | str:
        """Remove resources that the stack left on the machine."""
        return await remove_found(ctx, await find(ctx), removers)

    return remove_orphans


async def remove_found(ctx: Context, found: Sequence[OrphanedResource], removers: Mapping[str, Remove]) -> Skipped | str:
    """Remove all of these resources and return their number by kind; go on after a failure.

    Raises: StepFailed, naming the resources that could not be removed, and why.
    """
    failures = []
    for one in found:
        try:
            await removers[one.kind](ctx, one.name)
        except ProgramFailed as error:
            failures.append(f"{one.kind} {one.name}: {error}")
    if failures:
        raise StepFailed("\n".join(failures))
    counts = Counter(one.kind for one in found)
    return f"removed {', '.join(f'{kind}: {count}' for kind, count in counts.items())}" if found else Skipped("nothing to remove")
