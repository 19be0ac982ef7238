"""The audit, the secret scan and the list of what they accept."""

import json
import sys
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import anyio
import pytest

from tools.audit import Audit, audit
from tools.exceptions import EXCEPTIONS, Exceptions, SecretException, VulnerabilityException, find_faults, read_exceptions
from tools.lock import DEVELOPMENT, ROOT
from tools.secret_scan import PossibleSecret, find_secrets, list_tracked, scan
from workflows.platform.python_env import CONSTRAINTS, read_pins

pytestmark = pytest.mark.timeout(300)  # pip-audit is slow to start on a busy machine

LISTED = read_exceptions(EXCEPTIONS.read_text())
TODAY = date(2026, 11, 26)
ACCEPTED = VulnerabilityException("PYSEC-1", "leaky", TODAY, "novaflow does not call it")
WORDS = SecretException("tests/*", "[a-z]+", TODAY, "words")
PLANTED = urlsafe_b64encode(sha256(b"planted").digest()).decode().rstrip("=")  # computed: it would be found here, too
ADVISORY = {
    "id": "PYSEC-1",
    "affected": [
        {
            "package": {"name": "leaky", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}],
        }
    ],
}


def test_every_exception_is_recent_and_has_a_reason() -> None:
    """An exception is reviewed after a year, and removed with the package that it is about."""
    pins = {**read_pins(DEVELOPMENT.read_text()), **read_pins(CONSTRAINTS.read_text())}
    assert [*find_faults(LISTED, datetime.now(UTC).date(), pins)] == []


@pytest.mark.parametrize(
    ("exceptions", "fault"),
    [
        (Exceptions((replace(ACCEPTED, reason=" "),)), "PYSEC-1 has no reason"),
        (
            Exceptions((replace(ACCEPTED, date=TODAY - timedelta(days=367)),)),
            "PYSEC-1 is of 2025-11-24, expected a date within the last 366",
        ),
        (Exceptions((replace(ACCEPTED, date=TODAY + timedelta(days=1)),)), "PYSEC-1 is of 2026-11-27"),
        (Exceptions((replace(ACCEPTED, package="removed"),)), "PYSEC-1: removed is not locked any more"),
        (Exceptions(secrets=(replace(WORDS, reason=""),)), "tests/* [a-z]+ has no reason"),
    ],
)
def test_a_faulty_exception_is_found(exceptions: Exceptions, fault: str) -> None:
    """The fault names the exception."""
    (found,) = find_faults(exceptions, TODAY, {"leaky"})
    assert found.startswith(fault)
    assert [*find_faults(Exceptions((ACCEPTED,), (WORDS,)), TODAY, {"leaky"})] == []


@pytest.mark.parametrize("text", ['[[secret]]\nfiles = "*"\n', '[[secret]]\nfiles = "*"\nwhy = ""\n', '[[secrets]]\nfiles = "*"\n'])
def test_an_incomplete_exception_is_refused(text: str) -> None:
    """A missing key, an unknown one and an unknown table are errors."""
    with pytest.raises(TypeError):
        read_exceptions(text)


@pytest.mark.slow
@pytest.mark.timeout(600)  # reads every file of the repository
def test_no_file_contains_a_secret() -> None:
    """Every finding in the tracked files is an exception, and every exception is about a finding."""
    findings = [*scan(ROOT, list_tracked())]
    assert [*map(str, find_secrets(findings, LISTED.secrets))] == []
    assert [one for one in LISTED.secrets if find_secrets(findings, [one]) == findings] == []


@pytest.mark.parametrize(
    ("name", "kind"), [("novaflow/settings/core.py", "Base64 High Entropy String"), ("tests/conftest.py", "Base64 High Entropy String")]
)
def test_a_planted_secret_is_found(tmp_path: Path, name: str, kind: str) -> None:
    """A password in a copy of a file of the repository; the report has its place and not its value."""
    text = (ROOT / name).read_text()
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(f"{text}API_TOKEN = {PLANTED!r}\n")
    found = find_secrets(scan(tmp_path, [name]), LISTED.secrets)
    assert PossibleSecret(name, len(text.splitlines()) + 1, kind, PLANTED) in found
    assert PLANTED not in "".join(map(str, found))


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN " + "RSA PRIVATE KEY-----\n",
        "url = 'amqp://nova:" + PLANTED + "@127.0.0.1/'\n",
        "aws_access_key_id = " + "AKIA" + 4 * "2E4V" + "\n",
    ],
    ids=["private key", "address", "access key"],
)
def test_each_form_of_secret_is_found(tmp_path: Path, text: str) -> None:
    """Also in a test, where words are accepted."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(text)
    assert find_secrets(scan(tmp_path, ["tests/test_it.py"]), LISTED.secrets) != []


@pytest.fixture
def database() -> Iterator[str]:
    """Return the address of a database of vulnerabilities that knows one, in the package leaky."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps({"vulns": [ADVISORY]} if asked["package"]["name"] == "leaky" else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()
        thread.join()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """Return a file that locks two packages."""
    file = tmp_path / "requirements.txt"
    file.write_text("".join(f"{name}==1.0 \\\n    --hash=sha256:{'0' * 64}\n" for name in ("leaky", "sound")))
    return file


@pytest.mark.slow
def test_a_vulnerability_is_found(lock: Path, database: str) -> None:
    """The report names package, version, vulnerability and the version that fixes it; the exit code is 1."""
    found = audit(lock, (), ("--vulnerability-service", "osv", "--osv-url", database))
    assert found == Audit(lock, ("leaky 1.0 has PYSEC-1, fixed in 1.1",))
    assert found.exit_code == 1


@pytest.mark.slow
def test_an_accepted_vulnerability_is_not_reported(lock: Path, database: str) -> None:
    """The exit code is 0."""
    found = audit(lock, (ACCEPTED,), ("--vulnerability-service", "osv", "--osv-url", database))
    assert (found.exit_code, found.describe()) == (0, f"{lock}: no known vulnerability")


@pytest.mark.slow
def test_a_database_that_does_not_answer_is_no_good_answer(lock: Path) -> None:
    """The report says that nothing was audited; the exit code is 2."""
    found = audit(lock, (), ("--vulnerability-service", "osv", "--osv-url", "http://127.0.0.1:1/"))
    assert found.exit_code == 2
    assert found.describe().startswith(f"{lock}: NOT AUDITED: ")


@pytest.mark.slow
async def test_the_session_reports_every_file() -> None:
    """`nox -s audit` with a database that does not answer fails, and has a line for each file of locked packages."""
    argv = [sys.executable, "-m", "tools.audit", "--vulnerability-service", "osv", "--osv-url", "http://127.0.0.1:1/"]
    ended = await anyio.run_process(argv, check=False, cwd=ROOT)
    lines = ended.stdout.decode().splitlines()
    assert ended.returncode == 2
    assert {"requirements/runtime.txt: NOT AUDITED", "workflows/constraints/openstack.txt: NOT AUDITED"} <= {
        ": ".join(line.split(": ")[:2]) for line in lines
    }
