"""The user at the other end of a Unix socket."""

import socket
import struct

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid. Source: struct ucred in unix(7)


def find_peer_uid(connected: socket.socket) -> int:
    """Return the user who has opened the connection or, for a client, who listens. Source: unix(7), SO_PEERCRED."""
    uid: int = _CREDENTIALS.unpack(connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))[1]
    return uid
