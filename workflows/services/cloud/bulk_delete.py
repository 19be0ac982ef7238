"""Deleting all there is of a kind, and saying which of it will not go."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from novaflow.errors import StepFailed
from novaflow.model.context import Context
from novaflow.model.probe import NotYet
from novaflow.model.step import Skipped

STUCK_S = 60.0  # none has gone for so long: what is left will not


@dataclass(frozen=True, slots=True)
class Kind:
    """Something a cloud has many of; ``find`` returns the id of each and how it is, ``delete`` raises StepFailed if refused."""

    name: str
    find: Callable[[], Awaitable[Mapping[str, str]]]
    delete: Callable[[str], Awaitable[None]]


async def delete_all(ctx: Context, kind: Kind, *, stuck_s: float = STUCK_S) -> Skipped | str:
    """Delete all of a kind, also what comes meanwhile, and say how many there were.

    Raises: StepFailed, naming what is left and how it is, when for ``stuck_s`` none of it has gone.
    """
    left = await kind.find()
    if not left:
        return Skipped(f"there is no {kind.name}")
    seen = set(left)
    arguments: set[str] = set()

    async def look() -> str:
        """Ask for the end of each, again where it was refused, and look whether any has gone."""
        nonlocal left
        refused = {}
        for one in left.keys() - arguments:
            try:
                await kind.delete(one)
            except StepFailed as refusal:
                refused[one] = str(refusal)
            else:
                arguments.add(one)
        before, left = left, await kind.find()
        seen.update(left)
        ctx.report(f"{len(seen - left.keys())} of {len(seen)} {kind.name}s are gone", len(seen - left.keys()) / len(seen))
        if left.keys() >= before.keys():
            lines = [f"{kind.name} {one} is {how}: {refused.get(one, 'its end was arguments for')}" for one, how in left.items()]
            raise NotYet("\n".join(["still there:", *lines]))
        return "some have gone"

    while left:
        await ctx.wait(look, within_s=stuck_s)
    return f"{len(seen)} {kind.name}s are gone" if len(seen) > 1 else f"{kind.name} {seen.pop()} is gone"
