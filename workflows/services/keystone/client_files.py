"""The files with which clients log in as the administrator or as the user `demo`: openrc, demo-openrc and clouds.yaml."""

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import step
from novaflow.settings import bypass_proxies
from workflows.infra.certificates.authority import trusted_authority
from workflows.infra.ldap.directory import Login, user_login
from workflows.services.keystone.demo import DEMO, demo_password
from workflows.services.keystone.identity import DOMAIN, DOMAIN_NAME, ENDPOINT, REGION


@step(within_s=60)
async def write(ctx: Context) -> str:
    """Write openrc, demo-openrc and clouds.yaml."""
    folder, admin, demo = ctx.paths.credentials, user_login(ctx), Login(DEMO, DOMAIN_NAME, demo_password(ctx))
    await ctx.write(folder / "openrc", _render_openrc(ctx, admin, "admin"))
    await ctx.write(folder / f"{DEMO}-openrc", _render_openrc(ctx, demo, DEMO), shared=True)
    clouds = _render_cloud(ctx, "novaflow", admin, "admin") + _render_cloud(ctx, f"novaflow-{DEMO}", demo, DEMO)
    await ctx.write(folder / "clouds.yaml", f"clouds:\n{clouds}")
    return str(folder)


def _render_openrc(ctx: Context, login: Login, project: str) -> str:
    authority = trusted_authority(ctx.settings, ctx.paths)
    exports = {
        "OS_AUTH_URL": ENDPOINT.url(ctx.settings),
        "OS_USERNAME": login.user,
        "OS_PASSWORD": login.password,
        "OS_PROJECT_NAME": project,
        "OS_USER_DOMAIN_NAME": login.domain,
        "OS_PROJECT_DOMAIN_ID": DOMAIN,
        "OS_REGION_NAME": REGION,
        "OS_IDENTITY_API_VERSION": "3",
        "OS_INTERFACE": "public",
        **({"OS_CACERT": str(authority)} if authority else {}),
    }
    return "".join(f"export {name}='{value}'\n" for name, value in exports.items()) + bypass_proxies(ctx.settings.host_ip)


def _render_cloud(ctx: Context, name: str, login: Login, project: str) -> str:
    authority = trusted_authority(ctx.settings, ctx.paths)
    # A template, because nine lines with known values do not justify a dependency on a YAML library.
    cloud = f"""\
  {name}:
    auth:
      auth_url: {ENDPOINT.url(ctx.settings)}
      username: {login.user}
      password: "{login.password}"
      project_name: {project}
      user_domain_name: {login.domain}
      project_domain_id: {DOMAIN}
    region_name: {REGION}
    interface: public
    identity_api_version: 3
"""
    return cloud + (f"    cacert: {authority}\n" if authority else "")


COMPONENT = Component(name="credentials", summary="Files with which clients log in.", parts={"run": (write,)})
