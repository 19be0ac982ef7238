"""The parser of the AsyncAPI project accepts asyncapi.yaml."""

# ruff: noqa: S603, TID251 - the programs tests start are their own, and the environment is what CI says

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tools.schemas import files

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PARSER = "@asyncapi/parser@3.6.3"
READ = """
const { Parser } = require("@asyncapi/parser");
const text = require("fs").readFileSync(0, "utf8");
new Parser().parse(text).then(({ document, diagnostics }) => {
  const messages = document ? document.allMessages().all().map((message) => message.id()) : [];
  console.log(JSON.stringify({ messages, diagnostics: diagnostics.map((each) => [each.severity, each.path.join("."), each.message]) }));
});
"""
ERROR, WARNING = 0, 1  # severities, as the parser counts them


@pytest.fixture(scope="module")
def node_modules(pytestconfig: pytest.Config) -> Path:
    """Return a folder with the parser, downloaded once; without it the test is skipped, in CI it fails."""
    npm = shutil.which("npm") or skip("Node.js is not installed")
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir("asyncapi-parser")
    if not (folder / "node_modules/@asyncapi/parser/package.json").exists():
        options = ["--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund"]
        result = subprocess.run([npm, "install", *options, PARSER], capture_output=True, check=False, text=True, timeout=240)
        if result.returncode:
            skip(f"npm could not fetch {PARSER}: {result.stderr[-500:]}")
    return folder / "node_modules"


def skip(reason: str) -> NoReturn:
    """Skip the test; fail it in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI must not skip")
    pytest.skip(reason)


def parse(node_modules: Path, text: str) -> dict[str, Any]:
    """Return the messages of the document and the parser's diagnostics."""
    environment = {"PATH": os.environ["PATH"], "NODE_PATH": str(node_modules)}
    result = subprocess.run(["node", "-e", READ], input=text.encode(), capture_output=True, check=True, env=environment, timeout=60)  # noqa: S607 - whichever is in PATH
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_the_document_is_valid(node_modules: Path) -> None:
    """There is no error and no warning, and every kind has a message."""
    found = parse(node_modules, files()["asyncapi.yaml"])
    assert [each for each in found["diagnostics"] if each[0] in {ERROR, WARNING}] == []
    assert found["messages"] == ["stack", "workflow", "step", "service", "disk", "instance"]


def test_an_invalid_document_is_detected(node_modules: Path) -> None:
    """The parser reports an error for an unknown action."""
    found = parse(node_modules, files()["asyncapi.yaml"].replace("action: send", "action: shout"))
    assert ERROR in {severity for severity, _, _ in found["diagnostics"]}
