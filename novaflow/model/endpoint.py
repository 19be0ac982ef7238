"""An endpoint: a port of a service that clients of the stack connect to."""

from dataclasses import dataclass

from novaflow.model.settings import Settings


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A port that clients connect to, which the component that serves it declares.

    The service listens on ``port`` of ``Settings.local_ip``. If the stack uses a proxy, the proxy listens on the same port of
    ``host_ip``, or on ``tls_port`` if TLS has another one. ``name`` is the type of an API in a catalog, such as ``compute``.
    ``path`` is the part of the URL after the port. ``is_http`` is false for another protocol, whose bytes are forwarded.
    """

    name: str
    port: int
    path: str = ""
    tls_port: int | None = None
    is_http: bool = True

    def url(self, settings: Settings) -> str:
        """Return the URL for clients."""
        return f"{'https' if settings.tls else 'http'}://{settings.host_ip}:{self.port}{self.path}"

    def local_url(self, settings: Settings) -> str:
        """Return the URL for the services of the stack."""
        return f"http://{settings.local_ip}:{self.port}{self.path}"

    def public_port(self, settings: Settings) -> int:
        """Return the port that clients connect to."""
        return self.tls_port if settings.tls and self.tls_port else self.port
