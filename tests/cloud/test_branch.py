"""A developer's loop on a real stack: Nova from a tree, its tests, an edit, a restart, the edit at work."""

# ruff: noqa: S603, S607, TID251 - the programs tests start are their own

import json
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.cloud.clients import wait_for
from tests.cloud.stacks import UP_WITHIN_S, Stack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(900)]

RELEASE = "pypi:nova==34.0.0"
SELECTION = "nova.tests.unit.test_safeutils"
FAILING = "\n\nclass Failing(test.NoDBTestCase):\n    def test_one_is_two(self):\n        self.assertEqual(1, 2)\n"
VERSIONS = "http://127.0.0.1:8774/v2.1/"


@pytest.fixture(scope="module")
def branched(stack: Stack) -> Iterator[Stack]:
    """Lend the stack with a tree, installed, and not up; give it back as it was, with nova as released."""
    stack("clean")
    said = stack("branch", RELEASE, within_s=UP_WITHIN_S).stdout
    assert f"nova runs from {stack.folder}/source" in said
    stack("install", within_s=UP_WITHIN_S)
    yield stack
    stack("clean")
    shutil.rmtree(stack.folder / "source", ignore_errors=True)
    stack("install")


def edit(path: Path, old: str, new: str) -> None:
    """Change a file as an editor would."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def git(tree: Path, *words: str) -> str:
    """Return what git says of a tree."""
    return subprocess.run(["git", "-C", tree, *words], check=True, capture_output=True, text=True, timeout=30).stdout


def restarted(stack: Stack) -> dict[str, int]:
    """Return which services were restarted, and how often."""
    status = json.loads(stack("status", "--json", good=False).stdout)
    return {service["name"]: service["restarts"] for service in status["services"] if service["restarts"]}


def is_ready(stack: Stack) -> bool:
    """Return whether the stack is ready."""
    return stack("status", good=False).returncode == 0


def fetch(url: str) -> str:
    """Return what curl gets, nothing if it gets nothing."""
    return subprocess.run(["curl", "--silent", url], check=False, capture_output=True, text=True, timeout=30).stdout


def test_a_failing_test_of_the_tree_stops_the_run(branched: Stack) -> None:
    """Exit code 3 and its name; nothing was started."""
    tests = branched.folder / "source/nova/tests/unit/test_safeutils.py"
    tests.write_text(tests.read_text() + FAILING)
    said = branched("run", "--wait-ready", f"--test={SELECTION}", good=False)
    assert said.returncode == 3
    assert "1 of 5 tests failed" in said.stdout
    assert f"{SELECTION}.Failing.test_one_is_two" in said.stdout
    assert branched("status", good=False).returncode == 6
    git(branched.folder / "source", "checkout", "--quiet", ".")


def test_an_edit_is_at_work_after_a_restart(branched: Stack) -> None:
    """The tree's tests pass, the stack runs from it, and whatever imports a changed file is restarted, by hand or with `--watch`."""
    tree, log = branched.folder / "source", branched.folder / "log/nova-compute.log"
    assert "unit-tests.run" in branched("run", "--wait-ready", "--watch", f"--test={SELECTION}", within_s=UP_WITHIN_S).stdout

    manager = tree / "nova/compute/manager.py"
    manager.write_text(manager.read_text() + 'LOG.warning("edited by a %s", "developer")\n')
    wait_for("the edit", lambda: "edited by a developer" in log.read_text())
    wait_for("the restart", partial(is_ready, branched))
    assert restarted(branched) == {"nova-compute": 1}
    assert "nova-compute" in branched("restart", "compute").stdout
    assert log.read_text().count("edited by a developer") == 2
    assert restarted(branched) == {"nova-compute": 2}

    versions = tree / "nova/api/openstack/compute/versions.py"
    good = versions.read_text()
    assert "http://docs.openstack.org/" in fetch(VERSIONS)
    edit(versions, "http://docs.openstack.org/", "http://edited.example/")
    wait_for("the edit", lambda: "http://edited.example/" in fetch(VERSIONS))
    wait_for("the restart", partial(is_ready, branched))
    versions.write_text("this is no Python\n")
    wait_for("the failure", lambda: "nova-api failed" in branched("status", good=False).stdout)
    versions.write_text(good)
    wait_for("the recovery", partial(is_ready, branched))
    assert "http://docs.openstack.org/" in fetch(VERSIONS)

    refused = branched("branch", "--force", RELEASE, good=False)
    assert refused.returncode == 2
    assert "`novaflow clean` stops it" in refused.stderr


def test_what_was_edited_is_not_replaced(branched: Stack) -> None:
    """Also not with `--force`, and what was edited is named; a released tree is a repository, so that git can tell."""
    branched("clean")
    assert git(branched.folder / "source", "diff", "--stat").startswith(" nova/compute/manager.py")
    refused = branched("branch", "--force", RELEASE, good=False)
    assert refused.returncode == 2
    assert "changed: M nova/compute/manager.py" in refused.stdout


def test_without_the_tree_nova_is_as_released(branched: Stack) -> None:
    """What `install` finds gone is replaced by the release; nothing is migrated again, because nothing changed there."""
    tree = branched.folder / "source"
    shutil.rmtree(tree)
    said = branched("install").stdout
    assert "the source tree was removed; nova is the release" in said
    assert "the migrated databases are there already" in said
    python = branched.folder / "venv/bin/python"
    where = subprocess.run([python, "-c", "import nova; print(nova.__file__)"], check=True, capture_output=True, text=True, timeout=30)
    assert Path(where.stdout.strip()).is_relative_to(branched.folder / "venv")
    refused = branched("run", "--watch", good=False)
    assert refused.returncode == 2
    assert "does not exist; fetch one with `novaflow branch`" in refused.stderr
    refused = branched("run", "--set", "TEST=1", good=False)
    assert refused.returncode == 2
    assert "does not exist; fetch it with `novaflow branch`, or unset TEST" in refused.stderr
