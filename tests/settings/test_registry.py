"""The variables with which programs download."""

# ruff: noqa: S603, TID251 - tests start known programs

import ssl
import subprocess
import sys
import threading
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from novaflow.settings import apt_environment, registry_environment, repository_environment
from tests.faults.disks import require_root
from tests.support.terminals import require_program

STORE = "/etc/ssl/certs/ca-certificates.crt"  # Source: update-ca-certificates(8)
# The registry's certificate is its own authority.
REQUEST = """\
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = private
[extensions]
basicConstraints = CA:FALSE
subjectAltName = IP:127.0.0.1
"""
TRUST = {"UV_SYSTEM_CERTS": "1"}


def test_uv_uses_the_configured_index() -> None:
    """Only uv's settings are passed on; they take precedence."""
    environ = {"PIP_INDEX_URL": "one", "PIP_EXTRA_INDEX_URL": "", "UV_OFFLINE": "1", "https_proxy": "two", "SECRET": "three"}
    assert registry_environment(environ) == TRUST | {"UV_DEFAULT_INDEX": "one", "UV_OFFLINE": "1", "https_proxy": "two"}
    assert registry_environment(environ | {"UV_DEFAULT_INDEX": "four"})["UV_DEFAULT_INDEX"] == "four"


def test_git_and_pip_use_the_configured_index() -> None:
    """Variables of git, pip and ssh are passed on; pip uses uv's index if it has none of its own."""
    environ = {"UV_DEFAULT_INDEX": "one", "GIT_SSL_CAINFO": "two", "SSH_AUTH_SOCK": "three", "SUDO_UID": "7", "SECRET": "four"}
    expected = {"UV_DEFAULT_INDEX": "one", "PIP_INDEX_URL": "one", "GIT_SSL_CAINFO": "two", "SSH_AUTH_SOCK": "three", "SUDO_UID": "7"}
    assert repository_environment(environ) == TRUST | expected
    assert repository_environment({"PIP_INDEX_URL": "five"}) == TRUST | {"PIP_INDEX_URL": "five", "UV_DEFAULT_INDEX": "five"}


def test_uv_uses_the_index_of_pip(tmp_path: Path) -> None:
    """An index in pip's configuration applies if no variable names another."""
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = one\n")
    environ = {"HOME": str(tmp_path / "home"), "PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}
    assert registry_environment(environ)["UV_DEFAULT_INDEX"] == "one"
    assert registry_environment(environ | {"PIP_INDEX_URL": "two"})["UV_DEFAULT_INDEX"] == "two"
    (tmp_path / "pip.conf").write_text("no configuration\n")
    assert "UV_DEFAULT_INDEX" not in registry_environment(environ | {"XDG_CONFIG_HOME": str(tmp_path)})
    assert "UV_DEFAULT_INDEX" not in registry_environment(environ | {"PIP_CONFIG_FILE": "/dev/null"})


def test_only_known_variables_are_passed_on() -> None:
    """Proxies in either case, certificates, and the folders of configuration and caches; an index of pip only by its name for uv."""
    kept = {
        "HOME": "1",
        "https_proxy": "2",
        "HTTPS_PROXY": "3",
        "No_Proxy": "4",
        "all_proxy": "5",
        "SSL_CERT_FILE": "6",
        "SSL_CERT_DIR": "7",
        "REQUESTS_CA_BUNDLE": "8",
        "NETRC": "9",
        "XDG_CACHE_HOME": "10",
        "XDG_CONFIG_HOME": "11",
        "UV_CACHE_DIR": "12",
        "PIP_CONFIG_FILE": "/dev/null",
    }
    dropped = {"AWS_SECRET_ACCESS_KEY": "x", "MYSQL_PASS": "x", "PATH": "x", "UVICORN": "x", "PROXY": "x", "GIT_SSL_CAINFO": "x"}
    expected = {name: value for name, value in kept.items() if name != "PIP_CONFIG_FILE"}
    assert registry_environment(kept | dropped) == TRUST | expected
    assert repository_environment(kept | dropped) == TRUST | kept | {"GIT_SSL_CAINFO": "x"}
    assert apt_environment(kept | dropped) == {"https_proxy": "2", "HTTPS_PROXY": "3", "No_Proxy": "4", "all_proxy": "5"}


def test_uv_uses_the_further_indexes_of_pip() -> None:
    """A variable of uv has priority over that of pip."""
    environ = {"PIP_EXTRA_INDEX_URL": "one two", "PIP_CONFIG_FILE": "/dev/null"}
    assert registry_environment(environ) == TRUST | {"UV_INDEX": "one two"}
    assert registry_environment(environ | {"UV_INDEX": "three"}) == TRUST | {"UV_INDEX": "three"}


@pytest.mark.parametrize("place", [".pip/pip.conf", ".config/pip/pip.conf"])
def test_the_configuration_of_the_user_is_read(tmp_path: Path, place: str) -> None:
    """Both places of pip's own are known; a setting of `install` has priority over a global one."""
    file = tmp_path / place
    file.parent.mkdir(parents=True)
    file.write_text("[global]\nindex-url = one\n")
    assert registry_environment({"HOME": str(tmp_path)})["UV_DEFAULT_INDEX"] == "one"
    file.write_text("[global]\nindex-url = one\n[install]\nindex-url = two\n")
    assert registry_environment({"HOME": str(tmp_path)})["UV_DEFAULT_INDEX"] == "two"
    assert repository_environment({"HOME": str(tmp_path)})["PIP_INDEX_URL"] == "two"


def test_the_chosen_configuration_has_priority(tmp_path: Path) -> None:
    """PIP_CONFIG_FILE adds a file; the folder of XDG replaces that of the home folder."""
    for name in ("home/.config", "xdg"):
        (tmp_path / name / "pip").mkdir(parents=True)
        (tmp_path / name / "pip/pip.conf").write_text(f"[global]\nindex-url = {name}\n")
    (tmp_path / "chosen.conf").write_text("[global]\nindex-url = chosen\n")
    environ = {"HOME": str(tmp_path / "home"), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    assert registry_environment(environ)["UV_DEFAULT_INDEX"] == "xdg"
    assert registry_environment(environ | {"PIP_CONFIG_FILE": str(tmp_path / "chosen.conf")})["UV_DEFAULT_INDEX"] == "chosen"
    assert registry_environment(environ | {"PIP_CONFIG_FILE": str(tmp_path / "missing.conf")})["UV_DEFAULT_INDEX"] == "xdg"


@pytest.mark.parametrize("content", [b"[global]\nindex-url = \xff\n", b"index-url = one\n", b"[global\n"])
def test_a_damaged_configuration_is_left_to_pip(tmp_path: Path, content: bytes) -> None:
    """Pip reports it; here it names no index."""
    (tmp_path / "pip.conf").write_bytes(content)
    assert registry_environment({"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}) == TRUST


def test_an_index_may_contain_percent_signs(tmp_path: Path) -> None:
    """They are part of an encoded password, and name no other value."""
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://me:a%40b%(c)s@index/simple\n")
    environ = {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}
    assert registry_environment(environ)["UV_DEFAULT_INDEX"] == "https://me:a%40b%(c)s@index/simple"


def test_the_user_may_choose_other_authorities() -> None:
    """The variable of uv has priority."""
    assert registry_environment({"UV_SYSTEM_CERTS": "0"}) == {"UV_SYSTEM_CERTS": "0"}


@pytest.mark.parametrize(("has_authority", "found"), [("1", "was not found in the package registry"), ("", "UnknownIssuer")])
def test_uv_trusts_the_authorities_of_the_machine(tmp_path: Path, has_authority: str, found: str) -> None:
    """A registry with a certificate of a private authority is asked if the machine trusts the authority, here in a mount namespace."""
    require_root()
    require_program("openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    (tmp_path / "request").write_text(REQUEST)
    request = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-config", tmp_path / "request")
    subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with HTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=tmp_path)) as registry:
        registry.socket = context.wrap_socket(registry.socket, server_side=True)
        threading.Thread(target=registry.serve_forever).start()
        try:
            environ = {"UV_DEFAULT_INDEX": f"https://127.0.0.1:{registry.server_port}/simple", "UV_NO_CACHE": "1", "HOME": str(tmp_path)}
            uv = (Path(sys.executable).with_name("uv"), "pip", "install", "--dry-run", "--python", sys.executable, "nf-none")
            store = certificate if has_authority else "/dev/null"
            within = ("unshare", "--mount", "sh", "-c", f'mount --bind {store} {STORE} && exec "$@"', "sh")
            done = subprocess.run(
                [*within, *uv], env=registry_environment(environ), capture_output=True, check=False, text=True, timeout=60
            )
        finally:
            registry.shutdown()
    assert found in done.stderr
