"""Names and prose use the terms of the field: former names and metaphors are not used again."""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

# ruff: noqa: S607, SIM905, TID251 - git lists the files of the repository

ROOT = Path(__file__).parents[2]

# Former names of modules, types and members. Plain words among them have a standard name in novaflow, given in the glossary.
MODULES = frozenset(
    "asking bell belongings beside checked checks choice conduct courier deleting drawing feeding fetching guest handle"
    " journal_lines link listener machine names order problems releases report standing subscribing sweep telling view"
    " wanted watching window".split()
)
TYPES = frozenset(
    "Answers Arrival AskAgain Conductor Courier Doubt Feed Finding GiveUp Gone KnownAsker Lane Leftover Link Machine Move"
    " Order Owner Pace Recorded Standing Telling Trouble Verb Verdict Wanted WasDone Way".split()
)
MEMBERS = frozenset(
    "because bury card cards conduct conducted fed feed is_whole lane mend put_away say_goodbye take_stock tell told write_whole".split()
)
FIELDS = frozenset({"condition", "doing"})  # of events, where they are called vm_state and task_state

METAPHORS = (
    "anybody", "as far as", "bell", "bells", "belongings", "buried", "buries", "bury", "conducted", "conducting", "conducts",
    "courier", "couriers", "farewell", "fed", "gone", "goodbye", "house", "houses", "lane", "lanes", "leftover", "leftovers", "mend",
    "mended", "mending", "mends", "nobody", "one of a kind", "ring", "room", "rooms", "somebody", "spoilt", "tell", "telling", "tells",
    "told", "verdict", "verdicts", "whoever", "without a word",
)  # fmt: skip
METAPHOR = re.compile(rf"(?<![\w])({'|'.join(METAPHORS)})(?![\w])", re.IGNORECASE)

ALLOWED: Mapping[tuple[str, str], str] = {
    ("workflows/services/neutron/config.py", "nobody"): "the name of a Unix user",
}
GENERATED = ("docs/events/released/", "docs/events/examples.jsonl")  # events and contracts of earlier runs and releases
NOT_PROSE = (".svg", ".txt", ".png", ".css")


def list_files(suffix: str = "") -> list[Path]:
    """Return the files of the repository with that suffix, relative to its root, without this one."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    here = Path(__file__).relative_to(ROOT)
    return [Path(name) for name in tracked if name.endswith(suffix) and name and Path(name) != here and (ROOT / name).is_file()]


def defined_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of each definition: functions, classes, arguments, variables, attributes, keywords and aliases."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.keyword(arg=str(name)) | ast.alias(asname=str(name)):
                yield node.lineno, name


def defined_fields(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of each annotated field of a class, and of each keyword of a call."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(body=body):
                yield from (
                    (item.lineno, item.target.id) for item in body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
                )
            case ast.keyword(arg=str(name)):
                yield node.lineno, name


def find_former_names(source: str) -> list[str]:
    """Return the definitions of former names, with their lines."""
    tree = ast.parse(source)
    found = [(line, name) for line, name in defined_names(tree) if name in TYPES or name.strip("_") in MEMBERS]
    found += [(line, name) for line, name in defined_fields(tree) if name in FIELDS]
    return [f"line {line}: {name}" for line, name in sorted(found)]


def find_metaphors(path: Path, text: str) -> list[str]:
    """Return the metaphors in comments and strings of Python, and in all other text, with their lines."""
    prose = python_prose(text) if path.suffix == ".py" else enumerate(text.splitlines(), start=1)
    return [
        f"{path}:{line}: {word}" for line, words in prose for word in METAPHOR.findall(words) if (str(path), word.lower()) not in ALLOWED
    ]


def python_prose(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of each comment and string."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in {tokenize.COMMENT, tokenize.STRING}:
            yield token.start[0], token.string


@pytest.mark.parametrize("path", list_files(".py"), ids=str)
def test_no_former_name_is_defined(path: Path) -> None:
    """Modules, types, functions, variables and fields have the names of the field."""
    assert path.stem not in MODULES
    assert find_former_names((ROOT / path).read_text()) == []


def test_prose_is_plain() -> None:
    """Docstrings, comments, messages and pages contain no metaphor of the style guide."""
    files = [path for path in list_files() if path.suffix not in NOT_PROSE and not str(path).startswith(GENERATED)]
    assert [each for path in files for each in find_metaphors(path, (ROOT / path).read_text(errors="replace"))] == []


@pytest.mark.parametrize(
    "source",
    [
        "class Conductor: ...",
        "def tell(): ...",
        "def f(fed): ...",
        "self._told = 1",
        "f(lane=1)",
        "import a as feed",
        "class A:\n doing: str",
    ],
)
def test_a_former_name_is_found(source: str) -> None:
    """Each kind of definition counts."""
    assert find_former_names(source) != []


def test_a_metaphor_is_found() -> None:
    """Comments, strings and pages are read; identifiers are not."""
    assert find_metaphors(Path("a.py"), "room = 'no room'  # whoever\n") == ["a.py:1: room", "a.py:1: whoever"]
    assert find_metaphors(Path("a.md"), "It is Gone.\nroommate, conductor\n") == ["a.md:1: Gone"]
