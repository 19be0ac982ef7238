"""Opens a server's console through the console proxy, as a browser does. Runs as a program: ``HOST PORT PATH [AUTHORITY]``.

It prints the protocol version and the size of the screen, such as ``RFB 003.008, 720x400``.
"""

import socket
import ssl
import struct
import sys

SHORT, LONG = 126, 127  # lengths of a frame from which on two or eight bytes follow. Source: RFC 6455, 5.2
NO_SECURITY = 1  # the proxy has checked the token of the path


class ConsoleConnection:
    """The bytes that a WebSocket carries."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._wire = self._content = b""

    def read_until(self, end: bytes) -> bytes:
        """Return the bytes before the first frame, up to and including ``end``."""
        while end not in self._wire:
            self._receive()
        head, _, self._wire = self._wire.partition(end)
        return head + end

    def read(self, size: int) -> bytes:
        """Return as many bytes of the content of frames."""
        while len(self._content) < size:
            self._content += self._read_frame()
        content, self._content = self._content[:size], self._content[size:]
        return content

    def send(self, content: bytes) -> None:
        """Send a short binary frame, whose mask changes nothing."""
        self._connection.sendall(bytes([0x82, 0x80 | len(content)]) + bytes(4) + content)

    def _read_frame(self) -> bytes:
        length = self._read_wire(2)[1]
        if length in {SHORT, LONG}:
            length = int.from_bytes(self._read_wire(2 if length == SHORT else 8))
        return self._read_wire(length)

    def _read_wire(self, size: int) -> bytes:
        while len(self._wire) < size:
            self._receive()
        content, self._wire = self._wire[:size], self._wire[size:]
        return content

    def _receive(self) -> None:
        part = self._connection.recv(4096)
        if not part:
            raise ConnectionAbortedError(self._wire.decode(errors="replace"))
        self._wire += part


def open_console(console: ConsoleConnection) -> str:
    """Return the protocol version and the size of the screen. Source: RFC 6143, 7.

    Raises: ConnectionAbortedError, if the proxy closes the connection; PermissionError, with the proxy's reason, if it refuses.
    """
    version = console.read(12)
    console.send(version)
    console.read(console.read(1)[0])
    console.send(bytes([NO_SECURITY]))
    if any(console.read(4)):
        raise PermissionError(console.read(int.from_bytes(console.read(4))).decode(errors="replace"))
    console.send(b"\1")  # other clients stay connected
    width, height = struct.unpack("!HH", console.read(4))
    return f"{version.decode().strip()}, {width}x{height}"


def main(host: str, port: str, path: str, authority: str = "") -> str | None:
    """Open a WebSocket and the console, and print what it is; return an error message if that fails.

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
        console = ConsoleConnection(connection)
        try:
            answer = console.read_until(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 101 "):
                return f"the console proxy refused the connection: {answer.decode(errors='replace').splitlines()[0]}"
            sys.stdout.write(open_console(console))
        except ConnectionAbortedError as error:
            return f"the console proxy closed the connection: {error}"
        except PermissionError as error:
            return f"the console refused the console proxy: {error}"
    return None


def _connect(host: str, port: int, authority: str) -> socket.socket:
    connection = socket.create_connection((host, port), timeout=20)
    if not authority:
        return connection
    context = ssl.create_default_context(cafile=None if authority == "system" else authority)
    return context.wrap_socket(connection, server_hostname=host)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
