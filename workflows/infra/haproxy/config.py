"""The configuration of HAProxy."""

from collections.abc import Iterable
from pathlib import Path

from novaflow.model.endpoint import Endpoint
from novaflow.model.settings import Settings

# Times: a client must send the headers of a request at once, but an upload of an image may pause; a console is open for a day; a
# connection between two requests is as long open as that of gunicorn. The buffer holds the headers of a request: nova lists the ports
# of all servers of a page by their ids.
GLOBAL = """\
global
    maxconn 2000
    user haproxy
    group haproxy
    tune.bufsize 131072
    ssl-default-bind-options ssl-min-ver TLSv1.2
    log stderr format raw daemon warning

defaults
    log global
    timeout connect 5s
    timeout http-request 30s
    timeout client 1h
    timeout server 1h
    timeout tunnel 24h
    timeout http-keep-alive 75s
"""
HTTP = """
listen {name}
    mode http
    bind {public}
    http-request {scheme}
    server {name} {local}
"""
TCP = """
listen {name}
    mode tcp
    bind {public}
    server {name} {local}
"""


def render_proxy(settings: Settings, endpoints: Iterable[Endpoint], certificate: Path) -> str:
    """Return the configuration that forwards each endpoint; ``certificate`` has the certificate and the key for TLS."""
    # Services name this scheme in the links of their answers. A client cannot choose another one.
    scheme = "set-header X-Forwarded-Proto https" if settings.tls else "del-header X-Forwarded-Proto"
    sections = [GLOBAL]
    for endpoint in endpoints:
        port = endpoint.public_port(settings)
        public = f"{settings.host_ip}:{port}" + (f" ssl crt {certificate} alpn http/1.1" if settings.tls else "")
        local = f"{settings.local_ip}:{endpoint.port}"
        sections.append((HTTP if endpoint.is_http else TCP).format(name=endpoint.name, public=public, local=local, scheme=scheme))
    return "".join(sections)
