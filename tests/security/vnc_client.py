"""A client of QEMU's graphical consoles. Runs as a program, also as another user: ``PORT SECURITY_TYPE [FOLDER]``.

FOLDER contains a certificate, its key and that of its authority, as the console proxy of nova has them. The output is one line for
what the console offers, and ``opened WIDTHxHEIGHT`` or ``refused``.
"""

import ssl
import struct
import sys
from socket import create_connection, socket

VENCRYPT, X509_NONE = 19, 260  # numbers of the RFB protocol: https://github.com/rfbproto/rfbproto
WITHIN_S = 20
CHALLENGE_BYTES = 16  # of the security type 2, a password


def receive(connection: socket, size: int) -> bytes:
    """Return exactly as many bytes; the end of the connection before is an error."""
    received = b""
    while len(received) < size:
        part = connection.recv(size - len(received))
        if not part:
            raise ConnectionAbortedError
        received += part
    return received


def start_tls(connection: socket, folder: str) -> ssl.SSLSocket:
    """Return the connection with TLS, with the certificate of a folder or without one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if folder:
        context.load_cert_chain(f"{folder}/client-cert.pem", f"{folder}/client-key.pem")
        context.load_verify_locations(f"{folder}/ca-cert.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    return context.wrap_socket(connection)


def negotiate(connection: socket, security_type: int, folder: str) -> socket:
    """Return the connection after the exchange of the security type, before its result."""
    connection.sendall(bytes([security_type]))
    if security_type == VENCRYPT:
        receive(connection, 2)
        connection.sendall(bytes([0, 2]))
        count = receive(connection, 2)[1]
        sys.stdout.write(f"offered {struct.unpack(f'!{count}I', receive(connection, 4 * count))}\n")
        connection.sendall(struct.pack("!I", X509_NONE))
        receive(connection, 1)
        return start_tls(connection, folder)
    if security_type == 2:
        connection.sendall(receive(connection, CHALLENGE_BYTES))
    return connection


def main(port: str, security_type: str, folder: str = "") -> None:
    """Connect to a console and print what happens."""
    with create_connection(("127.0.0.1", int(port)), timeout=WITHIN_S) as connection:
        connection.sendall(receive(connection, 12))  # the same version of the protocol
        types = receive(connection, receive(connection, 1)[0])
        sys.stdout.write(f"offered {(*types,)}\n")
        try:
            secured = negotiate(connection, int(security_type), folder)
            if any(receive(secured, 4)):
                raise PermissionError
            secured.sendall(b"\1")
            sys.stdout.write("opened {}x{}\n".format(*struct.unpack("!HH", receive(secured, 4))))
        except OSError:  # ssl.SSLError is one
            sys.stdout.write("refused\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
