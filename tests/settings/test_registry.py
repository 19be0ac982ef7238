"""The variables with which programs download."""

from pathlib import Path

from novaflow.settings import registry_environment, repository_environment


def test_uv_uses_the_configured_index() -> None:
    """Only uv's settings are passed on; they take precedence."""
    environ = {"PIP_INDEX_URL": "one", "PIP_EXTRA_INDEX_URL": "", "UV_OFFLINE": "1", "https_proxy": "two", "SECRET": "three"}
    assert registry_environment(environ) == {"UV_DEFAULT_INDEX": "one", "UV_OFFLINE": "1", "https_proxy": "two"}
    assert registry_environment(environ | {"UV_DEFAULT_INDEX": "four"})["UV_DEFAULT_INDEX"] == "four"


def test_git_and_pip_use_the_configured_index() -> None:
    """Variables of git, pip and ssh are passed on; pip uses uv's index if it has none of its own."""
    environ = {"UV_DEFAULT_INDEX": "one", "GIT_SSL_CAINFO": "two", "SSH_AUTH_SOCK": "three", "SUDO_UID": "7", "SECRET": "four"}
    expected = {"UV_DEFAULT_INDEX": "one", "PIP_INDEX_URL": "one", "GIT_SSL_CAINFO": "two", "SSH_AUTH_SOCK": "three", "SUDO_UID": "7"}
    assert repository_environment(environ) == expected
    assert repository_environment({"PIP_INDEX_URL": "five"}) == {"PIP_INDEX_URL": "five", "UV_DEFAULT_INDEX": "five"}


def test_uv_uses_the_index_of_pip(tmp_path: Path) -> None:
    """An index in pip's configuration applies if no variable names another."""
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = one\n")
    environ = {"HOME": str(tmp_path / "home"), "PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}
    assert registry_environment(environ)["UV_DEFAULT_INDEX"] == "one"
    assert registry_environment(environ | {"PIP_INDEX_URL": "two"})["UV_DEFAULT_INDEX"] == "two"
    (tmp_path / "pip.conf").write_text("no configuration\n")
    assert "UV_DEFAULT_INDEX" not in registry_environment(environ | {"XDG_CONFIG_HOME": str(tmp_path)})
    assert "UV_DEFAULT_INDEX" not in registry_environment(environ | {"PIP_CONFIG_FILE": "/dev/null"})
