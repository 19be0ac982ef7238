"""Asks a supervisor for its status with the standard library: importing a web client takes longer than the answer."""

import json
import os
import socket
import struct
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid. Source: struct ucred in unix(7)
_WITHIN_S = 1.0  # a supervisor answers in milliseconds; who gets no answer asks again, and waits longer


def fetch_status_quickly(path: Path) -> dict[str, Any] | None:
    """Return the status of the stack whose supervisor listens on the socket ``path``.

    ``None`` says nothing about the stack: no process listens, or one of another user does, or its answer is late or invalid.
    """
    try:
        with socket.socket(socket.AF_UNIX) as connected:
            connected.settimeout(_WITHIN_S)
            connected.connect(str(path))
            return _get_status(connected) if _is_trusted(connected) else None
    except (OSError, HTTPException, ValueError):
        return None


def _is_trusted(connected: socket.socket) -> bool:
    """Return whether root or the user of this process listens; others can create a socket in a folder of theirs."""
    peer = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    user: int = _CREDENTIALS.unpack(peer)[1]
    return user in {0, os.geteuid()}


def _get_status(connected: socket.socket) -> dict[str, Any] | None:
    connection = HTTPConnection("supervisor")
    connection.sock = connected
    connection.request("GET", "/status")
    answer = connection.getresponse()
    return dict(json.load(answer)) if answer.status == HTTPStatus.OK else None
