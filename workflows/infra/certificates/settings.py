"""Settings of TLS."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from novaflow.model.settings import Settings
from novaflow.settings import Allowed, Conflict, SettingsGroup
from novaflow.settings.validators import read_path

NAMES = ("NOVAFLOW_TLS_CERT", "NOVAFLOW_TLS_KEY")


def _read_file(path: Path | None) -> Path | None:
    return read_path(path) if path else None


File = Annotated[Path | None, AfterValidator(_read_file), Allowed("a file in the PEM format", default="signed by the stack's authority")]


class TlsSettings(SettingsGroup):
    """The certificate with which the stack's endpoints are encrypted."""

    novaflow_tls_cert: File = Field(default=None, description="Certificate of HOST_IP, followed by those of its authorities.")
    novaflow_tls_key: File = Field(default=None, description="Private key of that certificate, without a password.")

    def find_unavailable(self) -> Iterator[Conflict]:
        """Yield files that cannot be read, or that do not belong together."""
        if self.novaflow_tls_cert and self.novaflow_tls_key and (reason := find_error(self.novaflow_tls_cert, self.novaflow_tls_key)):
            yield Conflict(NAMES, reason)

    def find_conflicts(self, settings: Settings) -> Iterator[Conflict]:
        """Yield a certificate without its key, and a certificate that is not used."""
        if bool(self.novaflow_tls_cert) != bool(self.novaflow_tls_key):
            yield Conflict(NAMES, "both are needed, or none")
        elif self.novaflow_tls_cert and not settings.tls:
            yield Conflict(("NOVAFLOW_TLS", "NOVAFLOW_TLS_CERT"), "without TLS, the certificate is not used")


def find_error(certificate: Path, key: Path) -> str | None:
    """Return why the certificate and the key cannot be used; ``None`` if they can."""
    try:
        # An empty password, or a key with a password would be asked for on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        return f"{certificate} and {key} are not a certificate and its key in the PEM format, without a password: {error.reason}"
    except OSError as error:
        return f"{certificate} or {key} cannot be read: {error.strerror}"
    return None
