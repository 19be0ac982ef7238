"""Sessions for developers, in the environment `.venv` that `./nova.sh test` creates: `.venv/bin/nox -s quick`."""

import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"  # the sessions use the environment that nox runs in
nox.options.sessions = ["lint", "quick"]

PYTHON = (sys.executable, "-m")


@nox.session
def quick(session: nox.Session) -> None:
    """Run the tests that are neither slow nor need a cloud."""
    session.run(*PYTHON, "pytest", "-q", "-m", "not cloud and not slow", *session.posargs)


@nox.session
def test(session: nox.Session) -> None:
    """Run all tests but those of the cloud, in two processes."""
    session.run("./nova.sh", "test", "-m", "not cloud", "--numprocesses=2", "--dist=loadscope", *session.posargs, external=True)


@nox.session
def cloud(session: nox.Session) -> None:
    """Run the tests that start a real cloud, as root."""
    session.run("./nova.sh", "test", "-m", "cloud", *session.posargs, external=True)


@nox.session
def long(session: nox.Session) -> None:
    """Run the tests of the cloud that CI does not run at each change, as root."""
    session.run("./nova.sh", "test", "-m", "long", *session.posargs, external=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting, types and the direction of imports."""
    session.run(*PYTHON, "ruff", "check")
    session.run(*PYTHON, "ruff", "format", "--check")
    session.run(*PYTHON, "mypy")
    session.run(str(Path(sys.executable).with_name("lint-imports")))


@nox.session
def audit(session: nox.Session) -> None:
    """Ask a database of vulnerabilities about all locked packages; fails if it does not answer."""
    session.run(*PYTHON, "tools.audit", *session.posargs)


@nox.session
def secrets(session: nox.Session) -> None:
    """Search all tracked files for secrets."""
    session.run(*PYTHON, "tools.secret_scan", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Write requirements/ from pyproject.toml; `nox -s lock -- --upgrade` takes the newest versions."""
    session.run(*PYTHON, "tools.lock", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Write the generated pages and build the site into site/."""
    session.run(*PYTHON, "tools")
    session.run(*PYTHON, "mkdocs", "build", "--strict", "--quiet", *session.posargs)
