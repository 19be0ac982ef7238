"""Connects to a server's console through the console proxy, as a browser does. Runs as a program: ``HOST PORT PATH [AUTHORITY]``.

It prints the protocol version that the console sends, such as ``RFB 003.008``.
"""

import socket
import ssl
import sys


def main(host: str, port: str, path: str, authority: str = "") -> str | None:
    """Open a WebSocket and print the first message of the console; return an error message if there is none.

    With ``authority`` the connection uses TLS: the file of the authority that is trusted, or ``system`` for those of the system.
    """
    scheme = "https" if authority else "http"
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {scheme}://{host}:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: bm92YWZsb3ctdmVyaWZ5IQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: binary\r\n\r\n"
    )
    with _connect(host, int(port), authority) as connection:
        connection.sendall(request.encode())
        received = b""
        while b"RFB " not in received:
            part = connection.recv(4096)
            if not part:
                return f"the console proxy closed the connection: {received.decode(errors='replace')}"
            received += part
    sys.stdout.write(received[received.index(b"RFB ") :].decode().strip())
    return None


def _connect(host: str, port: int, authority: str) -> socket.socket:
    connection = socket.create_connection((host, port), timeout=20)
    if not authority:
        return connection
    context = ssl.create_default_context(cafile=None if authority == "system" else authority)
    return context.wrap_socket(connection, server_hostname=host)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
