"""Functions and files are short."""

import ast
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parents[2]
FILES = sorted(path for folder in ("novaflow", "workflows") for path in (ROOT / folder).rglob("*.py"))

MEDIAN, P90, LONGEST = 5, 14, 50  # lines of a body, without its docstring
FILE = 300  # lines
TESTS = 1.2  # lines for each line of code


def body_sizes(path: Path) -> dict[str, int]:
    """Return the lines of each function's body, by its place."""
    sizes = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            if body:
                sizes[f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"] = (body[-1].end_lineno or 0) - body[0].lineno + 1
    return sizes


def test_bodies_are_short() -> None:
    """Half of them have at most five lines, and nine of ten at most fourteen."""
    sizes = [size for path in FILES for size in body_sizes(path).values()]
    assert median(sizes) <= MEDIAN
    assert quantiles(sizes, n=10)[-1] <= P90


def test_no_body_is_long() -> None:
    """A function that does not fit on a screen is several functions."""
    assert {place: size for path in FILES for place, size in body_sizes(path).items() if size > LONGEST} == {}


def test_no_file_is_long() -> None:
    """A file that is read in one go has one purpose."""
    sizes = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in FILES}
    assert {name: size for name, size in sizes.items() if size > FILE} == {}


def test_there_are_more_lines_of_tests_than_of_code() -> None:
    """At least 1.2 for each line of code."""
    tests = sum(len(path.read_text().splitlines()) for path in (ROOT / "tests").rglob("*.py"))
    assert tests >= TESTS * sum(len(path.read_text().splitlines()) for path in FILES)
