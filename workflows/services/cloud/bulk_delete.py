"""Deletes all resources of a kind, with progress and with the reason for each that remains."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from novaflow.errors import StepFailed
from novaflow.model.context import Context
from novaflow.model.probe import NotYet
from novaflow.model.step import Skipped

STUCK_S = 60.0  # without any progress for this long, the remaining resources are not expected to disappear


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resources; ``find`` returns the state of each by its id, ``delete`` raises StepFailed if the API rejects it."""

    name: str
    find: Callable[[], Awaitable[Mapping[str, str]]]
    delete: Callable[[str], Awaitable[None]]


async def delete_all(ctx: Context, kind: Kind, *, stuck_s: float = STUCK_S) -> Skipped | str:
    """Delete all resources of a kind, including those that are created meanwhile, and return their number.

    Raises: StepFailed, with the id and state of each remaining resource, if none disappears for ``stuck_s`` seconds.
    """
    deletion = _Deletion(ctx, kind, await kind.find())
    if not deletion.remaining:
        return Skipped(f"no {kind.name}s")
    while deletion.remaining:
        await ctx.wait(deletion.advance, within_s=stuck_s)
    count = len(deletion.seen)
    return f"deleted {count} {kind.name}{'s' if count > 1 else ''}"


@dataclass(slots=True)
class _Deletion:
    """The progress of one deletion; all fields hold ids."""

    ctx: Context
    kind: Kind
    remaining: Mapping[str, str]
    seen: set[str] = field(default_factory=set)
    requested: set[str] = field(default_factory=set)

    async def advance(self) -> str:
        """Request the deletion of each resource once, again where it was rejected, and return if one has disappeared.

        Raises: NotYet, with the state of each remaining resource, if none has.
        """
        rejected = await self._request_deletions()
        before, self.remaining = self.remaining, await self.kind.find()
        self.seen.update(before, self.remaining)
        deleted = len(self.seen - self.remaining.keys())
        self.ctx.report(f"{deleted} of {len(self.seen)} {self.kind.name}s deleted", deleted / len(self.seen))
        if self.remaining.keys() >= before.keys():
            lines = (
                f"{self.kind.name} {one} is {state}: {rejected.get(one, 'deletion requested')}" for one, state in self.remaining.items()
            )
            raise NotYet("\n".join(["not deleted:", *lines]))
        return "progress"

    async def _request_deletions(self) -> dict[str, str]:
        """Return the reason of each rejection by the id of the resource."""
        rejected = {}
        for one in self.remaining.keys() - self.requested:
            try:
                await self.kind.delete(one)
            except StepFailed as error:
                rejected[one] = str(error)
            else:
                self.requested.add(one)
        return rejected
