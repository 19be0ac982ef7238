"""Connections to the graphical consoles of servers, by root and by the other user."""

# ruff: noqa: S603, TID251 - tests start known programs

import subprocess
import sys
from pathlib import Path

from tests.security import vnc_client
from tests.security.attacker import TIMEOUT_S, attack

NONE, PASSWORD, VENCRYPT = 1, 2, vnc_client.VENCRYPT  # security types of the RFB protocol
OFFERED = "offered (19,)\noffered (260,)\n"  # VeNCrypt only, with certificates and without a password
REFUSED = {NONE: "offered (19,)\nrefused\n", PASSWORD: "offered (19,)\nrefused\n", VENCRYPT: f"{OFFERED}refused\n"}
_CLIENT = Path(vnc_client.__file__).read_text(encoding="utf-8")


def connect(port: int, security_type: int, folder: Path | str = "") -> str:
    """Return the output of the client, which root runs, with the certificates of a folder or without."""
    command = [sys.executable, "-c", _CLIENT, str(port), str(security_type), str(folder)]
    return subprocess.run(command, capture_output=True, check=True, text=True, timeout=TIMEOUT_S).stdout


def connect_as_other_user(port: int, security_type: int) -> str:
    """Return the output of the client, which the other user runs."""
    return attack("/usr/bin/python3", "-I", "-c", _CLIENT, str(port), str(security_type)).stdout
