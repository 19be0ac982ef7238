"""Two executions of a workflow side by side, in text."""

from collections.abc import Iterator

from novaflow.plan.timings import Timings

_SMALLEST_S = 0.5  # a change that is smaller is noise
_WIDEST_NAME = 40
_NONE = "-"  # the node is in one execution only


def draw_comparison(before: Timings, now: Timings) -> str:
    """Return the nodes whose duration differs, the largest difference first, and the totals.

    A node that is in one execution only counts as a difference of its whole duration.
    """
    then_s, now_s = ({span.node: span.took_s for span in timings.spans} for timings in (before, now))
    changes_s = {node: now_s.get(node, 0.0) - then_s.get(node, 0.0) for node in {**then_s, **now_s}}
    shown = [node for node, change_s in changes_s.items() if abs(change_s) >= _SMALLEST_S]
    shown.sort(key=lambda node: (-abs(changes_s[node]), node))
    names = min(_WIDEST_NAME, max(map(len, ("total", *shown))))

    def draw() -> Iterator[str]:
        yield f"{now.workflow} of {now.began:%Y-%m-%d %H:%M:%S}, compared with that of {before.began:%Y-%m-%d %H:%M:%S}"
        yield ""
        yield f"{'':{names}}  before     now   change"
        for node in shown:
            yield _draw_line(node, names, then_s.get(node), now_s.get(node), changes_s[node])
        yield _draw_line("total", names, before.elapsed_s, now.elapsed_s, now.elapsed_s - before.elapsed_s)
        if others := len(changes_s) - len(shown):
            yield ""
            yield f"other nodes: {others}, each with a difference of less than {_SMALLEST_S} s"

    return "\n".join(draw())


def _draw_line(name: str, names: int, then_s: float | None, now_s: float | None, change_s: float) -> str:
    then, now = (_NONE if seconds is None else f"{seconds:.1f}" for seconds in (then_s, now_s))
    shortened = name if len(name) <= names else f"{name[: names - 1]}…"
    return f"{shortened:<{names}} {then:>7} {now:>7} {change_s:>+8.1f}"
