"""The dashboard: what its screen shows."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from novaflow.adapters.terminal.dashboard import HELP, KEYS, Dashboard, DashboardState
from novaflow.events.types import ServiceState, StackState
from novaflow.model.selection import Pane, Selection, Typing
from novaflow.model.status import ServiceStatus, StackStatus, Usage

COLUMNS, LINES = 110, 17


class Screen(io.StringIO):
    """A stream that is a terminal of ``COLUMNS`` by ``LINES``."""

    def isatty(self) -> bool:
        """Return ``True``."""
        return True


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Describe the terminal as a shell does; without colours, lines are plain text."""
    for name, value in {"TERM": "xterm", "COLUMNS": str(COLUMNS), "LINES": str(LINES), "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)


def service(name: str, state: ServiceState = ServiceState.READY, reason: str = "answered", **others: int) -> ServiceStatus:
    """Return the status of a service."""
    return ServiceStatus(name, "site", state, reason, **others)


def state_of(*services: ServiceStatus, selection: Selection | None = None, **others: object) -> DashboardState:
    """Return a state with these services, of which the first is selected."""
    status = StackStatus("nova", StackState.READY, "all answer", services={one.name: one for one in services})
    first = services[0].name if services else ""
    empty = DashboardState(status, selection or Selection(first), [], usage={}, started_at={}, running_steps=[], message="")
    return replace(empty, **others)  # type: ignore[arg-type]  # the members of the test are of several types


def drawn(state: DashboardState) -> list[str]:
    """Return the lines of the screen, without the space at their ends."""
    stream = Screen()
    with Dashboard(stream) as dashboard:
        stream.truncate(stream.seek(0))
        dashboard.draw(state)
        frame = stream.getvalue()
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", frame).splitlines()]


def columns(line: str) -> list[str]:
    """Return the cells of a line, which are at least two spaces apart."""
    return re.split(r"\s{2,}", line.strip())


def test_the_screen_has_a_head_services_a_log_and_a_foot() -> None:
    """It is filled to its last line."""
    lines = drawn(state_of(service("web"), service("mail", ServiceState.EXITED, "it exited with 7\nmore"), lines=["one", "two"]))
    assert len(lines) == LINES
    assert lines[0] == " nova is ready: all answer   1 of 2 services are ready"
    assert lines[1].split() == ["service", "state", "up", "restarts", "cpu", "memory"]
    assert columns(lines[2]) == ["▶ web", "ready", "answered"]
    assert columns(lines[3]) == ["mail", "exited", "it exited with 7"]
    assert lines[4].startswith("╭─ web: log ─")
    assert [line.strip("│ ") for line in lines[5:7]] == ["one", "two"]
    assert lines[-3] == f"╰{'─' * (COLUMNS - 2)}╯"
    assert lines[-2:] == ["", KEYS]


def test_the_keys_fit_a_small_terminal() -> None:
    """Nothing of their line and of the help is cut at 80 columns."""
    assert len(KEYS) <= 80
    assert max(map(len, HELP)) <= 80 - 4
    assert all(key in KEYS for key in ("?", "↑↓", "l", "e", "g", "r", "s", "/", "q"))


def test_a_service_shows_what_it_uses() -> None:
    """Restarts are shown if there are any, resource use if it is known."""
    web, mail = service("web", pid=7, restarts=2), service("mail")
    lines = drawn(state_of(web, mail, usage={"web": Usage(12.5, 300.4)}))
    assert columns(lines[2]) == ["▶ web", "ready", "2", "12 %", "300 MiB", "answered"]
    assert columns(lines[3]) == ["mail", "ready", "answered"]


@pytest.mark.parametrize(
    ("age_s", "shown"),
    [(0.5, "0:00"), (59.5, "0:59"), (60.5, "1:00"), (3599.5, "59:59"), (3600.5, "1:00:00"), (90061.5, "25:01:01"), (-3600.0, "0:00")],
)
def test_the_age_of_a_process_is_shown(age_s: float, shown: str) -> None:
    """In minutes and seconds, from an hour on with hours; never less than 0, also if the clock was set back."""
    started_at = {"web": datetime.now(UTC) - timedelta(seconds=age_s)}
    assert columns(drawn(state_of(service("web", pid=7), started_at=started_at))[2]) == ["▶ web", "ready", shown, "answered"]


def test_a_service_without_a_process_has_no_age() -> None:
    """It was started, and has exited since."""
    stopped = service("web", ServiceState.STOPPED, "requested")
    assert columns(drawn(state_of(stopped, started_at={"web": datetime.now(UTC)}))[2]) == ["▶ web", "stopped", "requested"]


def test_running_steps_are_in_the_head() -> None:
    """They are separated by commas."""
    assert drawn(state_of(running_steps=["db.create", "web.fetch"]))[0] == (
        " nova is ready: all answer   0 of 0 services are ready   running db.create, web.fetch"
    )


def test_a_long_head_is_cut() -> None:
    """The rest of the screen keeps its place."""
    lines = drawn(state_of(service("web"), running_steps=["x" * 200]))
    assert (len(lines), len(lines[0]), lines[0][-1]) == (LINES, COLUMNS, "…")
    assert lines[1].split()[0] == "service"


def test_an_empty_stack_is_drawn() -> None:
    """No service is selected, and the log is empty."""
    lines = drawn(state_of())
    assert lines[2].startswith("╭─ no service: log ─")
    assert len(lines) == LINES


def test_a_filter_hides_services() -> None:
    """The head still counts all of them; the foot shows the filter, with a cursor while it is typed."""
    services = [service("web"), service("mail"), service("webmail")]
    typed = Selection("webmail", filter="mail", typing=Typing.FILTER)
    lines = drawn(state_of(*services, selection=typed))
    assert "3 of 3 services are ready" in lines[0]
    assert [columns(line)[0] for line in lines[2:4]] == ["mail", "▶ webmail"]
    assert lines[-2] == "filter: mail▏"
    assert drawn(state_of(*services, selection=replace(typed, typing=Typing.NOTHING)))[-2] == "filter: mail"


def log_of(lines: Sequence[str], search: str = "") -> list[str]:
    """Return the lines of the log that are shown."""
    screen = drawn(state_of(service("web"), selection=Selection("web", search=search), lines=lines))
    return [line.strip("│ ") for line in screen[4:-3]]


def test_the_end_of_the_log_is_shown() -> None:
    """As many lines as fit; the last one is at the bottom."""
    assert log_of([f"line {number}" for number in range(100)]) == [f"line {number}" for number in range(90, 100)]


def test_a_search_selects_lines_of_the_log() -> None:
    """The last lines that contain the text are shown, also if later lines do not."""
    lines = ["an error", *["fine"] * 50, "another error", "Error", "fine"]
    assert log_of(lines, search="error") == ["an error", "another error", *[""] * 8]


@pytest.mark.parametrize("text", ["[bold]not markup[/]", "[/]", "\\[x]", "日本語", "a [link=http://x]b"])
def test_a_line_of_the_log_is_shown_as_it_is(text: str) -> None:
    """Text in brackets is no markup."""
    assert log_of([text])[0] == text


def test_a_long_line_of_the_log_is_cut() -> None:
    """Each line takes one line of the screen."""
    first, second, *_ = log_of(["x" * 500, "second"])
    assert (first, second) == ("x" * (COLUMNS - 5) + "…", "second")


def test_the_selected_service_stays_in_sight() -> None:
    """Of more services than fit, those around the selected one are listed; the log keeps six lines."""
    names = [f"s{number:02}" for number in range(40)]

    def listed(selected: str) -> list[str]:
        lines = drawn(state_of(*map(service, names), selection=Selection(selected)))
        assert len(lines) == LINES
        top = next(place for place, line in enumerate(lines) if line.startswith("╭"))
        assert LINES - top - 4 == 6
        return [columns(line)[0] for line in lines[2:top]]

    assert listed("s00") == ["▶ s00", "s01", "s02", "s03", "s04"]
    assert listed("s20") == ["s18", "s19", "▶ s20", "s21", "s22"]
    assert listed("s39") == ["s35", "s36", "s37", "s38", "▶ s39"]


def test_the_answer_to_a_key_is_in_the_foot() -> None:
    """It follows the search, above the keys."""
    state = state_of(service("web"), selection=Selection("web", search="err", typing=Typing.SEARCH), message="stopping")
    assert drawn(state)[-2:] == ["search: err▏   stopping", KEYS]


@pytest.mark.parametrize(("pane", "title"), [(Pane.NEEDS, "web: needs"), (Pane.EVENTS, "events"), (Pane.KEYS, "keys")])
def test_another_pane_is_shown(pane: Pane, title: str) -> None:
    """Its title says which; those that have a begin show it first."""
    lines = drawn(state_of(service("web"), selection=Selection("web", pane=pane), lines=[f"line {number}" for number in range(100)]))
    assert lines[3].startswith(f"╭─ {title} ─")
    assert lines[4].strip("│ ") == ("line 90" if pane is Pane.EVENTS else "line 0")


@pytest.mark.parametrize("size", [{"LINES": "3", "COLUMNS": "20"}, {"LINES": "1", "COLUMNS": "1"}, {"LINES": "200", "COLUMNS": "500"}])
def test_any_size_of_terminal_is_accepted(monkeypatch: pytest.MonkeyPatch, size: Mapping[str, str]) -> None:
    """A screen is never longer than the terminal is high."""
    for name, value in size.items():
        monkeypatch.setenv(name, value)
    lines = drawn(state_of(*map(service, ("web", "mail", "db")), lines=["a line"] * 50))
    assert len(lines) == int(size["LINES"])


def test_the_terminal_is_as_before_when_the_block_ends() -> None:
    """The alternate screen is left, and the cursor is visible."""
    stream = Screen()
    with Dashboard(stream) as dashboard:
        dashboard.draw(state_of(service("web")))
    sequences = re.findall(r"\x1b\[\?(1049|25)([hl])", stream.getvalue())
    assert {mode: [last for number, last in sequences if number == mode][-1] for mode in ("1049", "25")} == {"1049": "l", "25": "h"}
    assert ("1049", "h") in sequences
