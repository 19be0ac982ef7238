"""What every OpenStack service's configuration and every REST call have in common."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from novaflow.errors import StepFailed
from novaflow.model.context import Context
from novaflow.model.probe import NotYet
from novaflow.model.step import Step, step
from workflows.infra.rabbitmq.urls import transport_url
from workflows.platform.settings import MachineSettings
from workflows.services.ini import Sections

REGION = "RegionOne"
DOMAIN, DOMAIN_NAME = "default", "Default"
SERVICE_PROJECT = "service"
IDENTITY_PORT = 5000


def identity_url(ctx: Context) -> str:
    """Return where keystone answers."""
    return f"http://{ctx.settings.host_ip}:{IDENTITY_PORT}"


def service_credentials(ctx: Context, user: str) -> dict[str, str]:
    """Return what a service logs in to keystone with, as keystoneauth reads it."""
    return {
        "auth_url": identity_url(ctx),
        "auth_type": "password",
        "project_domain_id": DOMAIN,
        "user_domain_id": DOMAIN,
        "project_name": SERVICE_PROJECT,
        "username": user,
        "password": ctx.secret(f"account-{user}"),
        "region_name": REGION,
        "valid_interfaces": "internal",
    }


def token_validation(ctx: Context, user: str) -> Sections:
    """Return the section with which a service checks its callers' tokens."""
    return {
        "keystone_authtoken": {
            **service_credentials(ctx, user),
            "www_authenticate_uri": identity_url(ctx),
            "interface": "internal",
            "service_token_roles_required": True,
        }
    }


def messaging(ctx: Context) -> Sections:
    """Return the sections of a service that talks over RabbitMQ; it answers pings, so that readiness can be asked for."""
    return {
        "DEFAULT": {"transport_url": transport_url(ctx), "rpc_ping_enabled": True},
        "oslo_messaging_notifications": {"driver": "noop"},
    }


def locks(ctx: Context, service: str) -> Sections:
    """Return the section that keeps a service's lock files inside the stack."""
    return {"oslo_concurrency": {"lock_path": ctx.settings.of(MachineSettings).lock_path / service}}


def privileged(ctx: Context, config: Path, *sections: str) -> Sections:
    """Return the sections that start privileged helpers without sudo: the stack runs as root already."""
    helper = f"{ctx.paths.venv}/bin/privsep-helper --config-file {config}"
    return {section: {"helper_command": helper} for section in sections}


API_VERSIONS = "compute 2.90, volume 3.67"  # of volumes the first whose paths need not name a project
SUCCESS = range(200, 300)  # Source: RFC 9110, section 15.3
SERVERS_FAULT = range(500, 600)  # Source: the same, section 15.6


class ServerFailed(StepFailed, NotYet):
    """A service failed to answer: a failure, but to who waits, since one whose neighbours are not up yet answers so.

    For example cinder's API with 500, until it has heard of a scheduler.
    """


@dataclass(frozen=True, slots=True)
class Api:
    """OpenStack's REST APIs, asked with the administrator's token; ``headers`` go with every call."""

    ctx: Context
    token: str
    project_id: str

    @classmethod
    def logged_in(cls, ctx: Context) -> "Api":
        """Use the one token of this run, which ``log_in`` left.

        Raises: NotYet, if nobody has logged in yet.
        """
        if not _token_file(ctx).exists():
            raise NotYet("nobody has logged in to keystone yet")
        kept = json.loads(_token_file(ctx).read_text())
        return cls(ctx, kept["token"], kept["project_id"])

    async def call(
        self, method: str, url: str, body: object = None, *, content: Path | None = None, headers: dict[str, str] | None = None
    ) -> Any:  # noqa: ANN401 - whatever JSON the API answers with
        """Send one call and return the JSON of its answer.

        Raises: StepFailed, if the answer is no success; ServerFailed, if that is the service's own fault; NotYet, if nobody
        answers.
        """
        sent = {"X-Auth-Token": self.token, "OpenStack-API-Version": API_VERSIONS, **(headers or {})}
        if content is not None:
            sent["Content-Type"] = "application/octet-stream"
        answer = await self.ctx.http(method, url, json=body, content=content, headers=sent)
        if answer.status not in SUCCESS:
            message = f"{method} {url} was answered with {answer.status}: {json.dumps(answer.json)[:600]}"
            raise (ServerFailed if answer.status in SERVERS_FAULT else StepFailed)(message)
        return answer.json

    async def find_public_url(self, kinds: Collection[str]) -> str | None:
        """Return where the catalogue says that a service of one of these types answers; ``None`` if there is none."""
        for service in (await self.call("GET", self.identity("/auth/catalog")))["catalog"]:
            if service["type"] in kinds:
                return next((str(one["url"]) for one in service["endpoints"] if one["interface"] == "public"), None)
        return None

    def identity(self, path: str) -> str:
        """Return an address of keystone's API."""
        return f"{identity_url(self.ctx)}/v3{path}"

    def compute(self, path: str) -> str:
        """Return an address of nova's API."""
        return f"http://{self.ctx.settings.host_ip}:8774/v2.1{path}"

    def network(self, path: str) -> str:
        """Return an address of neutron's API."""
        return f"http://{self.ctx.settings.host_ip}:9696/v2.0{path}"

    def image(self, path: str) -> str:
        """Return an address of glance's API."""
        return f"http://{self.ctx.settings.host_ip}:9292/v2{path}"

    def volume(self, path: str) -> str:
        """Return an address of cinder's API."""
        return f"http://{self.ctx.settings.host_ip}:8776/v3{path}"

    def placement(self, path: str) -> str:
        """Return an address of placement's API."""
        return f"http://{self.ctx.settings.host_ip}:8778{path}"


def _token_file(ctx: Context) -> Path:
    return ctx.paths.run / "admin-token.json"


def forget_token(ctx: Context) -> None:
    """Forget the token of an earlier run."""
    _token_file(ctx).unlink(missing_ok=True)


async def log_in(ctx: Context) -> str:
    """Get a token for the administrator, leave it for this run's steps, and return the id of its project.

    Raises: StepFailed, if keystone refuses.
    """
    project = {"name": "admin", "domain": {"id": DOMAIN}}
    user = {"name": "admin", "domain": {"id": DOMAIN}, "password": ctx.secret("account-admin")}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"project": project}}}
    answer = await ctx.http("POST", f"{identity_url(ctx)}/v3/auth/tokens", json=body)
    if answer.status != HTTPStatus.CREATED:
        message = f"keystone refused the administrator with {answer.status}: {answer.json}"
        raise StepFailed(message)
    kept = {"token": answer.headers["x-subject-token"], "project_id": answer.json["token"]["project"]["id"]}
    await ctx.write(_token_file(ctx), json.dumps(kept), 0o600)
    return str(kept["project_id"])


def account(user: str, kind: str, path: str) -> Step:
    """Return the step that gives a service its user, its roles and its place in the catalogue.

    ``kind`` is the catalogue's type; ``path`` is what follows the host's address, port included.
    """

    @step(needs=("keystone.accounts",), within_s=60)
    async def account(ctx: Context) -> str:
        """Make the service's user, its roles and its catalogue entry."""
        api = Api.logged_in(ctx)
        project_id = (await api.call("GET", api.identity(f"/projects?name={SERVICE_PROJECT}")))["projects"][0]["id"]
        roles = {role["name"]: role["id"] for role in (await api.call("GET", api.identity("/roles")))["roles"]}
        new = {"name": user, "domain_id": DOMAIN, "password": ctx.secret(f"account-{user}"), "default_project_id": project_id}
        user_id = (await api.call("POST", api.identity("/users"), {"user": new}))["user"]["id"]
        for role in ("admin", "service"):
            await api.call("PUT", api.identity(f"/projects/{project_id}/users/{user_id}/roles/{roles[role]}"))
        service = (await api.call("POST", api.identity("/services"), {"service": {"name": user, "type": kind}}))["service"]
        url = f"http://{ctx.settings.host_ip}{path}"
        for interface in ("public", "internal"):
            endpoint = {"service_id": service["id"], "interface": interface, "region_id": REGION, "url": url}
            await api.call("POST", api.identity("/endpoints"), {"endpoint": endpoint})
        return f"{user} may log in; {kind} is at {url}"

    return account
