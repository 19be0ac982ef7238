"""Development of nova: a source tree, its tests, and edits that take effect after a restart."""

# ruff: noqa: S603, S607, TID251 - tests start known programs

import json
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.cloud.clients import wait_for
from tests.cloud.stacks import UP_WITHIN_S, Stack

pytestmark = [pytest.mark.cloud, pytest.mark.long, pytest.mark.stops_cloud, pytest.mark.timeout(900)]

RELEASE = "pypi:nova==34.0.0"
SELECTION = "nova.tests.unit.test_safeutils"
FAILING = "\n\nclass Failing(test.NoDBTestCase):\n    def test_one_is_two(self):\n        self.assertEqual(1, 2)\n"
VERSIONS = "http://127.0.0.1:8774/v2.1/"


@pytest.fixture(scope="module")
def branched(stack: Stack) -> Iterator[Stack]:
    """Return the stopped stack with a source tree; afterwards nova is the release again."""
    stack("clean")
    output = stack("branch", RELEASE, within_s=UP_WITHIN_S).stdout
    assert f"nova runs from {stack.folder}/source" in output
    stack("install", within_s=UP_WITHIN_S)
    yield stack
    stack("clean")
    shutil.rmtree(stack.folder / "source", ignore_errors=True)
    stack("install")


def edit(path: Path, old: str, new: str) -> None:
    """Replace a part of a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def git(tree: Path, *arguments: str) -> str:
    """Return the output of git in a tree."""
    return subprocess.run(["git", "-C", tree, *arguments], check=True, capture_output=True, text=True, timeout=30).stdout


def count_restarts(stack: Stack) -> dict[str, int]:
    """Return the number of restarts of each service that was restarted."""
    status = json.loads(stack("status", "--json", good=False).stdout)
    return {service["name"]: service["restarts"] for service in status["services"] if service["restarts"]}


def is_ready(stack: Stack) -> bool:
    """Return whether the stack is ready."""
    return stack("status", good=False).returncode == 0


def fetch(url: str) -> str:
    """Return the response to a GET request; empty without a response."""
    return subprocess.run(["curl", "--silent", url], check=False, capture_output=True, text=True, timeout=30).stdout


def test_a_failed_unit_test_prevents_the_run(branched: Stack) -> None:
    """The exit code is 3, the output names the test, and no service is started."""
    tests = branched.folder / "source/nova/tests/unit/test_safeutils.py"
    tests.write_text(tests.read_text() + FAILING)
    completed = branched("run", "--yes", "--wait-ready", f"--test={SELECTION}", good=False)
    assert completed.returncode == 3
    assert "1 of 5 tests failed" in completed.stdout
    assert f"{SELECTION}.Failing.test_one_is_two" in completed.stdout
    assert branched("status", good=False).returncode == 6
    git(branched.folder / "source", "checkout", "--quiet", ".")


def test_an_edit_takes_effect_after_a_restart(branched: Stack) -> None:
    """With `--watch`, services that import a changed file are restarted; `restart` does the same for one service."""
    tree, log = branched.folder / "source", branched.folder / "log/nova-compute.log"
    assert "unit-tests.run" in branched("run", "--yes", "--wait-ready", "--watch", f"--test={SELECTION}", within_s=UP_WITHIN_S).stdout

    manager = tree / "nova/compute/manager.py"
    manager.write_text(manager.read_text() + 'LOG.warning("edited by a %s", "developer")\n')
    wait_for("the edit", lambda: "edited by a developer" in log.read_text())
    wait_for("the restart", partial(is_ready, branched))
    assert count_restarts(branched) == {"nova-compute": 1}
    assert "nova-compute" in branched("restart", "compute").stdout
    assert log.read_text().count("edited by a developer") == 2
    assert count_restarts(branched) == {"nova-compute": 2}

    versions = tree / "nova/api/openstack/compute/versions.py"
    good = versions.read_text()
    assert "http://docs.openstack.org/" in fetch(VERSIONS)
    edit(versions, "http://docs.openstack.org/", "http://edited.example/")
    wait_for("the edit", lambda: "http://edited.example/" in fetch(VERSIONS))
    wait_for("the restart", partial(is_ready, branched))
    versions.write_text("not Python\n")
    wait_for("the failure", lambda: "nova-api failed" in branched("status", good=False).stdout)
    versions.write_text(good)
    wait_for("the recovery", partial(is_ready, branched))
    assert "http://docs.openstack.org/" in fetch(VERSIONS)

    rejected = branched("branch", "--force", RELEASE, good=False)
    assert rejected.returncode == 2
    assert "`novaflow clean` stops it" in rejected.stderr


def test_local_changes_are_not_replaced(branched: Stack) -> None:
    """`--force` lists the changed files and fails, also for a tree of a release, which is under version control."""
    branched("clean")
    assert git(branched.folder / "source", "diff", "--stat").startswith(" nova/compute/manager.py")
    rejected = branched("branch", "--force", RELEASE, good=False)
    assert rejected.returncode == 2
    assert "changed: M nova/compute/manager.py" in rejected.stdout


def test_without_the_tree_nova_is_the_release(branched: Stack) -> None:
    """`install` replaces a deleted tree by the release; the databases are not migrated again."""
    tree = branched.folder / "source"
    shutil.rmtree(tree)
    output = branched("install").stdout
    assert "the source tree was removed; nova is the release" in output
    assert "the template is up to date" in output
    python = branched.folder / "venv/bin/python"
    location = subprocess.run([python, "-c", "import nova; print(nova.__file__)"], check=True, capture_output=True, text=True, timeout=30)
    assert Path(location.stdout.strip()).is_relative_to(branched.folder / "venv")
    rejected = branched("run", "--watch", good=False)
    assert rejected.returncode == 2
    assert "does not exist; fetch one with `novaflow branch`" in rejected.stderr
    rejected = branched("run", "--set", "TEST=1", good=False)
    assert rejected.returncode == 2
    assert "does not exist; fetch it with `novaflow branch`, or unset TEST" in rejected.stderr
