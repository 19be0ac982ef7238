"""The renewal of the administrator's token, on an HTTP server that issues tokens and checks them as keystone and its middleware do."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from novaflow.adapters.local import NodeContext
from novaflow.errors import StepFailed
from novaflow.model.component import Component
from novaflow.model.endpoint import Endpoint
from tests.support.contexts import open_context
from tests.support.rest import JsonHandler, serving
from workflows.services.keystone.client import admin_api, log_in


@dataclass
class Keystone:
    """The tokens that were issued, those that are still valid, and the lifetime of new ones."""

    port: int = 0
    lifetime_s: float = 86_400
    issued: list[str] = field(default_factory=list)
    valid: set[str] = field(default_factory=set)
    used: list[str] = field(default_factory=list)
    uploads: list[bytes] = field(default_factory=list)

    def issue(self) -> tuple[str, dict[str, object]]:
        """Return a new token and the body of the response."""
        self.issued.append(f"token-{len(self.issued) + 1}")
        self.valid.add(self.issued[-1])
        now = datetime.now(UTC)
        times = {"issued_at": now, "expires_at": now + timedelta(seconds=self.lifetime_s)}
        shown = {name: f"{time:%Y-%m-%dT%H:%M:%S.%f}Z" for name, time in times.items()}  # Source: keystone's API reference
        return self.issued[-1], {"token": {**shown, "project": {"id": "project"}}}


@pytest.fixture
def keystone() -> Iterator[Keystone]:
    """Return a server that runs during the test."""
    state = Keystone()

    class Handler(JsonHandler):
        def do_POST(self) -> None:  # noqa: N802 - the same
            self.read_body()
            token, body = state.issue()
            self.send_json(201, body, X_Subject_Token=token)

        def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
            token, content = self.headers["X-Auth-Token"], self.read_body()
            state.used.append(token)
            if token in state.valid:
                state.uploads.append(content)
            self.send_json(200 if token in state.valid else 401, {})

        do_PUT = do_GET  # noqa: N815 - the name that http.server calls

    with serving(Handler) as state.port:
        yield state


@asynccontextmanager
async def logged_in(root: Path, keystone: Keystone) -> AsyncIterator[NodeContext]:
    """Return the context of a step after the login."""
    declares = tuple(Endpoint(name, keystone.port) for name in ("identity", "image"))
    async with open_context(root, Component("apis", "APIs.", declares=declares)) as ctx:
        ctx.paths.run.mkdir(parents=True)
        assert await log_in(ctx) == "project"
        yield ctx


async def test_a_valid_token_is_used_again(tmp_path: Path, keystone: Keystone) -> None:
    """All steps share one login."""
    async with logged_in(tmp_path, keystone) as ctx:
        for _ in range(3):
            await admin_api(ctx).get("image", "/images")
    assert (keystone.issued, keystone.used) == (["token-1"], ["token-1"] * 3)


async def test_a_token_is_renewed_before_it_expires(tmp_path: Path, keystone: Keystone) -> None:
    """A client that was created with the old token uses the new one, too, and the next request does not log in again."""
    keystone.lifetime_s = 0
    async with logged_in(tmp_path, keystone) as ctx:
        api = admin_api(ctx)
        keystone.lifetime_s = 86_400
        await api.get("image", "/images")
        await api.get("image", "/images")
        await admin_api(ctx).get("image", "/images")
    assert (keystone.issued, keystone.used) == (["token-1", "token-2"], ["token-2"] * 3)


async def test_a_rejected_token_is_renewed(tmp_path: Path, keystone: Keystone) -> None:
    """The request is sent again with its whole body."""
    (tmp_path / "image").write_text("kernel")
    async with logged_in(tmp_path, keystone) as ctx:
        keystone.valid.clear()
        await admin_api(ctx).put("image", "/file", content=tmp_path / "image")
    assert keystone.used == ["token-1", "token-2"]
    assert keystone.uploads == [b"kernel"]


async def test_a_token_that_is_always_rejected_fails_the_step(tmp_path: Path, keystone: Keystone) -> None:
    """The request is sent once more, and not for ever."""
    async with logged_in(tmp_path, keystone) as ctx:
        api = admin_api(ctx)
        keystone.valid = RejectAll()
        with pytest.raises(StepFailed, match="returned 401"):
            await api.get("image", "/images")
    assert keystone.used == ["token-1", "token-2"]


class RejectAll(set[str]):
    """A set of valid tokens that stays empty."""

    def add(self, _: str) -> None:
        """Add nothing."""
