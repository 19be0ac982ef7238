"""nova.sh on a machine with nothing but a shell."""

# ruff: noqa: S603, TID251 - tests start their own programs

import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.archives import write_archive
from tests.system.toy import NOVA_SH

BUNDLE_SH = NOVA_SH.parent / "novaflow" / "bundle.sh"
PYTHON = "python=/usr/bin/python3 "
SHOW = '#!/bin/sh\nprintf "[%s]" "$@"\npwd\nexit 4\n'
OLD = '#!/bin/sh\n[ "$1" = -V ] && echo Python 3.9.2 && exit 0\nexit 1\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout with an environment whose novaflow prints its arguments."""
    checkout = tmp_path / "check out"
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / "nova.sh").write_text(NOVA_SH.read_text())
    (checkout / "novaflow").mkdir()
    (checkout / "novaflow" / "bundle.sh").write_text(BUNDLE_SH.read_text())
    (checkout / "pyproject.toml").write_text("[project]\n")
    (checkout / "requirements").mkdir()
    (checkout / "requirements" / "runtime.txt").write_text("uv==1 \\\n    --hash=sha256:0\n")
    note_environment(checkout, Path("/usr/bin/python3").resolve())
    write_program(checkout / ".venv" / "bin" / "novaflow", SHOW)
    return checkout


def test_it_is_a_short_posix_script() -> None:
    """It has at most seventy lines, and dash accepts them."""
    assert len(NOVA_SH.read_text().splitlines()) <= 70
    assert call("dash", "-n", NOVA_SH, cwd=NOVA_SH.parent).returncode == 0
    assert call("dash", "-n", BUNDLE_SH, cwd=NOVA_SH.parent).returncode == 0


def test_arguments_and_exit_code_are_passed_on(checkout: Path, tmp_path: Path) -> None:
    """Every argument is unchanged, and so is the current folder."""
    link = tmp_path / "link"
    link.symlink_to(checkout / "nova.sh")
    done = call("sh", link, "up", "--set", "A=b c", "", "*", cwd=tmp_path)
    assert done.stdout == f"[up][--set][A=b c][][*]{tmp_path}\n"
    assert done.returncode == 4


@pytest.mark.slow
def test_an_outdated_environment_is_replaced(checkout: Path) -> None:
    """Another pyproject.toml, file of requirements, folder or Python makes it invalid."""
    write_program(checkout / "python3", OLD)
    (checkout / "nova.sh").write_text(NOVA_SH.read_text().replace(PYTHON, f"python='{checkout}/python3' "))
    note_environment(checkout, checkout / "python3")
    assert call("sh", "nova.sh", "up", cwd=checkout).returncode == 4
    (checkout / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    done = call("sh", "nova.sh", "up", cwd=checkout)
    assert "Python 3.11 or newer is required" in done.stderr
    assert "Python 3.9.2" in done.stderr
    assert done.returncode == 5
    note_environment(checkout, checkout / "python3")
    assert call("sh", "nova.sh", "up", cwd=checkout).returncode == 4
    (checkout / "requirements" / "runtime.txt").write_text("uv==2\n")
    assert call("sh", "nova.sh", "up", cwd=checkout).returncode == 5
    note_environment(checkout, checkout / "python3")
    moved = checkout.rename(checkout.with_name("moved"))
    write_program(moved / "python3", OLD)
    assert call("sh", "nova.sh", "up", cwd=moved).returncode == 5


@pytest.mark.parametrize("arguments", [("--from", "{}"), ("--from={}",)])
@pytest.mark.parametrize(
    ("platform", "message"),
    [
        ("unknown 1 x86_64", "{} is for unknown 1 x86_64, and this machine is "),
        (None, "{} is not a complete file of `novaflow bundle`; write it again"),
    ],
)
def test_a_bundle_of_another_platform_is_refused(checkout: Path, platform: str | None, message: str, arguments: tuple[str, ...]) -> None:
    """Before anything is installed from it; a file that is no bundle is refused, too."""
    bundle = write_archive(checkout / "a bundle", {} if platform is None else {"platform": platform})
    done = call("sh", "nova.sh", "up", *(argument.format(bundle) for argument in arguments), cwd=outdated(checkout))
    assert done.stderr.startswith(f"nova.sh: {message.format(bundle)}")
    assert (done.stdout, done.returncode) == ("", 5)
    assert not [*checkout.glob(".venv/uv.txt")]


def test_a_bundle_that_others_may_change_is_refused(checkout: Path) -> None:
    """It contains programs that root runs; the message names the path."""
    bundle = write_archive(checkout / "bundle", {"platform": "any"})
    bundle.chmod(0o666)
    done = call("sh", "nova.sh", "up", "--from", bundle, cwd=outdated(checkout))
    assert done.stderr == f"nova.sh: {bundle} is not used, because another user can change {bundle}\n"
    assert done.returncode == 5


@pytest.mark.parametrize(("arguments", "found"), [(("--from", "/none"), "/none"), (("--from",), "")])
def test_a_bundle_that_does_not_exist_is_named(checkout: Path, arguments: tuple[str, ...], found: str) -> None:
    """Nothing is downloaded instead."""
    done = call("sh", "nova.sh", "up", *arguments, cwd=outdated(checkout))
    assert done.stderr == f"nova.sh: --from: the file {found} does not exist\n"
    assert done.returncode == 5


def outdated(checkout: Path) -> Path:
    """Return the checkout, whose environment has to be made again."""
    (checkout / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    return checkout


def note_environment(checkout: Path, python: Path) -> None:
    """Record the inputs of the environment as nova.sh does."""
    files = (checkout / "pyproject.toml", checkout / "requirements" / "runtime.txt")
    hashes = "".join(f"{sha256(file.read_bytes()).hexdigest()}  {file}\n" for file in files)
    noted = f"{python}\n{checkout}/.venv\n{hashes}"
    (checkout / ".venv" / "installed").write_text(noted)


def write_program(path: Path, text: str) -> None:
    """Write an executable script."""
    path.write_text(text)
    path.chmod(0o755)


def call(*argv: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(argv, cwd=cwd, capture_output=True, check=False, stdin=subprocess.DEVNULL, text=True, timeout=30)
