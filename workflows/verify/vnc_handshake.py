"""Connects to a server's console through the console proxy, as a browser does. Runs as a program: ``HOST PORT PATH``.

It prints the protocol version that the console sends, such as ``RFB 003.008``.
"""

import socket
import sys


def main(host: str, port: str, path: str) -> str | None:
    """Open a WebSocket and print the first message of the console; return an error message if there is none."""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: http://{host}:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: bm92YWZsb3ctdmVyaWZ5IQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: binary\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request.encode())
        received = b""
        while b"RFB " not in received:
            part = connection.recv(4096)
            if not part:
                return f"the console proxy closed the connection: {received.decode(errors='replace')}"
            received += part
    sys.stdout.write(received[received.index(b"RFB ") :].decode().strip())
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
