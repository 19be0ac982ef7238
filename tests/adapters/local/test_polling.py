"""Polling a probe until it answers."""

import anyio
import pytest

from novaflow.adapters.local.polling import wait_answer
from novaflow.errors import NotReady
from novaflow.model.probe import Backoff, NotYet
from tests.support.programs import WITHIN_S

NO_WAIT = Backoff(first_s=0, most_s=0)


async def test_a_probe_is_called_until_it_answers() -> None:
    """Refusals are ignored, and the answer is returned."""
    refusals = iter(["refused", "starting"])

    async def probe() -> str:
        for refusal in refusals:
            raise NotYet(refusal)
        return "answered"

    assert await wait_answer(probe, name="web", within_s=WITHIN_S, backoff=NO_WAIT) == "answered"


async def test_a_sign_ends_a_pause() -> None:
    """The pauses begin anew with the shortest: the second one is that of an hour without it."""
    answers, signs = iter(["refused", "starting"]), iter(["listens"])

    async def probe() -> str:
        for answer in answers:
            raise NotYet(answer)
        return "answered"

    async def wait_sign() -> None:
        for _ in signs:
            return
        await anyio.sleep_forever()

    backoff = Backoff(first_s=0.01, most_s=3600, factor=3600 / 0.01)
    with anyio.fail_after(WITHIN_S):
        assert await wait_answer(probe, name="web", within_s=3600, backoff=backoff, wait_sign=wait_sign) == "answered"


async def test_the_error_contains_the_last_refusal() -> None:
    """It names the service, the time limit and the last answer."""

    async def probe() -> str:
        raise NotYet("connection refused on 127.0.0.1:80")

    with pytest.raises(NotReady, match=r"^web not ready after 0\.01 s: connection refused on 127\.0\.0\.1:80$"):
        await wait_answer(probe, name="web", within_s=0.01, backoff=NO_WAIT)


async def test_a_probe_that_does_not_return_is_cancelled() -> None:
    """The time limit includes the current call."""

    async def probe() -> str:
        await anyio.sleep_forever()
        raise AssertionError

    with anyio.fail_after(WITHIN_S), pytest.raises(NotReady, match="no answer"):
        await wait_answer(probe, name="web", within_s=0.01, backoff=NO_WAIT)
