"""The use of a file of `novaflow bundle` instead of the network."""

# ruff: noqa: TID251 - the environment is what it changes

import os
from pathlib import Path

import pytest

from novaflow.errors import NotTrusted, UsageError
from novaflow.settings import bundle_files, install_from
from novaflow.settings.bundle import describe_platform
from tests.support.archives import write_archive

VARIABLES = ("APT_CONFIG", "UV_CONFIG_FILE")


def write_bundle(path: Path, **changed: str) -> Path:
    """Write a bundle without packages."""
    return write_archive(path, {**bundle_files(), **changed})


def test_programs_that_download_read_the_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their configuration names the folder of the packages; afterwards folder and variables are as before."""
    monkeypatch.setenv("UV_CONFIG_FILE", "mine")
    monkeypatch.delenv("APT_CONFIG", raising=False)
    with install_from(write_bundle(tmp_path / "bundle")):
        apt, uv = (Path(os.environ[name]) for name in VARIABLES)
        folder = apt.parent
        assert f'Dir::Etc::SourceList "{folder}/sources.list";' in apt.read_text()
        assert (folder / "sources.list").read_text() == f"deb [trusted=yes] file:{folder}/packages ./\n"
        assert f'find-links = ["{folder}/wheels"]' in uv.read_text()
    assert [os.environ.get(name) for name in VARIABLES] == [None, "mine"]
    assert not folder.exists()


def test_without_a_bundle_nothing_changes() -> None:
    """The network is used."""
    before = {**os.environ}
    with install_from(None):
        assert {**os.environ} == before


def test_a_bundle_of_another_platform_is_refused(tmp_path: Path) -> None:
    """The message names both platforms and how to get another bundle."""
    bundle = write_bundle(tmp_path / "bundle", platform="plan 9 x86_64\n")
    with pytest.raises(UsageError) as caught, install_from(bundle):
        pass
    expected = f"{bundle} is for plan 9 x86_64, and this machine is {describe_platform()}; write one on such a machine"
    assert str(caught.value).startswith(expected)


@pytest.mark.parametrize("size", [0, 700, 2000])
def test_an_incomplete_bundle_is_refused(tmp_path: Path, size: int) -> None:
    """Whatever its length is."""
    bundle = write_bundle(tmp_path / "bundle")
    bundle.write_bytes(bundle.read_bytes()[:size])
    with pytest.raises(UsageError, match=r"bundle is not a complete file of `novaflow bundle`: .*; write it again$"), install_from(bundle):
        pass


def test_a_bundle_that_others_may_change_is_refused(tmp_path: Path) -> None:
    """Its packages contain programs that root runs."""
    bundle = write_bundle(tmp_path / "bundle")
    bundle.chmod(0o666)
    with (
        pytest.raises(NotTrusted, match=r"bundle belongs to root .* and has the mode 0666; other users must not be able to write there"),
        install_from(bundle),
    ):
        pass
