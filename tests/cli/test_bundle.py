"""`novaflow bundle`, and the option `--from` of the commands that install."""

from pathlib import Path

import pytest

from tests.support.toy_stack import Novaflow, ToyStack

WRITE = 'from pathlib import Path\n    Path(ctx.arguments["file"]).write_text("packages")\n    return ctx.arguments["file"]'


def test_the_file_is_written_by_the_workflow(novaflow: Novaflow, toy: ToyStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its path is relative to the current folder."""
    toy.add_step("bundle", WRITE)
    monkeypatch.chdir(tmp_path)
    ended = novaflow("bundle", "packages.tar")
    assert (ended.code, ended.err) == (0, "")
    assert (tmp_path / "packages.tar").read_text() == "packages"


@pytest.mark.parametrize("command", ["up", "install"])
def test_a_bundle_that_is_none_is_refused(novaflow: Novaflow, toy: ToyStack, tmp_path: Path, command: str) -> None:
    """Nothing is installed, and the message names the file."""
    toy.add_step("install", 'return "installed"')
    (tmp_path / "file").write_text("text")
    ended = novaflow(command, "--from", str(tmp_path / "file"))
    assert ended.err.startswith(f"novaflow: {tmp_path / 'file'} is not a complete file of `novaflow bundle`")
    assert (ended.code, "installed" in ended.out) == (2, False)
    missing = novaflow(command, "--from", str(tmp_path / "none"))
    assert (missing.code, missing.err) == (2, f"novaflow: --from: the file {tmp_path / 'none'} does not exist\n")
