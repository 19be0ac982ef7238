"""Asks a supervisor for its status with the standard library: importing a web client takes longer than the answer."""

import json
import os
import socket
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from novaflow.adapters.control.peer import find_peer_uid

_WITHIN_S = 1.0  # a supervisor answers in milliseconds; who gets no answer asks again, and waits longer


def fetch_status_quickly(path: Path) -> dict[str, Any] | None:
    """Return the status of the stack whose supervisor listens on the socket ``path``.

    ``None`` says nothing about the stack: no process listens, or one of another user does, or its answer is late or invalid.
    """
    try:
        with socket.socket(socket.AF_UNIX) as connected:
            connected.settimeout(_WITHIN_S)
            connected.connect(str(path))
            # Other users can listen in a folder of theirs.
            return _get_status(connected) if find_peer_uid(connected) in {0, os.geteuid()} else None
    except (OSError, HTTPException, ValueError):
        return None


def _get_status(connected: socket.socket) -> dict[str, Any] | None:
    connection = HTTPConnection("supervisor")
    connection.sock = connected
    connection.request("GET", "/status")
    answer = connection.getresponse()
    return dict(json.load(answer)) if answer.status == HTTPStatus.OK else None
