"""The script of the tty image that reads metadata, in a network namespace with a server at the address of metadata."""

# ruff: noqa: S603, TID251 - tests start known programs

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import workflows.images.tty

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("busybox") is None or os.geteuid() != 0, reason="needs busybox, and root for namespaces"),
]

SCRIPT = Path(workflows.images.tty.__file__).with_name("tty-metadata.sh")
# Answers each path with the next of its responses, and repeats the last one.
SERVER = """
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, HTTPServer
import sys

RESPONSES = {"/" + path: responses for path, responses in eval(sys.argv[1]).items()}

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        responses = RESPONSES.get(self.path, [(404, "")])
        status, text = responses.pop(0) if len(responses) > 1 else responses[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass

server = HTTPServer(("169.254.169.254", 80), Handler)
print("listens", flush=True)
server.serve_forever()
"""
# $1: the server and its argument; $2: the script. The folders that it writes are those of this mount namespace.
IN_NAMESPACE = """
set -eu
mount --make-rprivate /
mount -t tmpfs none /root; mkdir /root/.ssh
mount -t tmpfs none /run
ip link set lo up
ip address add 169.254.169.254/32 dev lo
{ "$1" -c "$2" "$3" & echo $! >/run/server; } | { read -r _; busybox sh "$4"; kill "$(cat /run/server)"; }
cat /root/.ssh/authorized_keys
"""


def read_metadata(responses: dict[str, list[tuple[int, str]]]) -> tuple[list[str], list[str]]:
    """Run the script with a server that has these responses by path, and return the lines of its output and of its errors."""
    argv = ["unshare", "--net", "--mount", "--uts", "sh", "-c", IN_NAMESPACE, "sh", sys.executable, SERVER, repr(responses), str(SCRIPT)]
    completed = subprocess.run(argv, capture_output=True, check=False, text=True, timeout=50)
    return completed.stdout.splitlines(), completed.stderr.splitlines()


def test_a_server_waits_for_its_metadata() -> None:
    """It may boot before neutron knows it and before nova answers; a single error loses neither the key nor the script.

    Its name has all 63 characters that a label of a host name may have, and no domain: the kernel allows 64.
    """
    output, errors = read_metadata(
        {
            "latest/meta-data/instance-id": [*[(500, "")] * 5, *[(404, "")] * 6, (200, "i-1")],
            "latest/meta-data/local-hostname": [(200, f"{'one' * 21}.novalocal")],
            "latest/meta-data/public-keys/0/openssh-key": [(500, ""), (200, "ssh-ed25519 AAAA\n")],
            "latest/user-data": [(500, ""), (200, "#!/bin/sh\necho the script; hostname\n")],
        }
    )
    assert output == [
        "tty: no latest/meta-data/instance-id yet: wget: server returned error: HTTP/1.0 404 Not Found",
        "tty: metadata says instance-id i-1",
        "tty: a key may log in",
        "the script",
        "one" * 21,
        "tty: user data ended with 0",
        "ssh-ed25519 AAAA",
    ]
    assert errors == []


def test_a_server_without_a_key_and_a_script_does_not_wait() -> None:
    """The answer 404 says that there is none."""
    output, errors = read_metadata({"latest/meta-data/instance-id": [(200, "i-1")]})
    assert output == ["tty: metadata says instance-id i-1"]
    assert errors == ["cat: /root/.ssh/authorized_keys: No such file or directory"]
