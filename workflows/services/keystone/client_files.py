"""The files with which clients log in: openrc and clouds.yaml."""

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import step
from novaflow.settings import bypass_proxies
from workflows.infra.certificates.authority import trusted_authority
from workflows.infra.ldap.directory import user_login
from workflows.services.keystone.identity import DOMAIN, ENDPOINT, REGION


@step(within_s=60)
async def write(ctx: Context) -> str:
    """Write openrc and clouds.yaml."""
    login, url = user_login(ctx), ENDPOINT.url(ctx.settings)
    authority = trusted_authority(ctx.settings, ctx.paths)
    exports = {
        "OS_AUTH_URL": url,
        "OS_USERNAME": login.user,
        "OS_PASSWORD": login.password,
        "OS_PROJECT_NAME": "admin",
        "OS_USER_DOMAIN_NAME": login.domain,
        "OS_PROJECT_DOMAIN_ID": DOMAIN,
        "OS_REGION_NAME": REGION,
        "OS_IDENTITY_API_VERSION": "3",
        "OS_INTERFACE": "public",
        **({"OS_CACERT": str(authority)} if authority else {}),
    }
    openrc = "".join(f"export {name}='{value}'\n" for name, value in exports.items()) + bypass_proxies(ctx.settings.host_ip)
    # A template, because nine lines with known values do not justify a dependency on a YAML library.
    clouds = f"""\
clouds:
  novaflow:
    auth:
      auth_url: {url}
      username: {login.user}
      password: "{login.password}"
      project_name: admin
      user_domain_name: {login.domain}
      project_domain_id: {DOMAIN}
    region_name: {REGION}
    interface: public
    identity_api_version: 3
"""
    if authority:
        clouds += f"    cacert: {authority}\n"
    await ctx.write(ctx.paths.credentials / "openrc", openrc, 0o600)
    await ctx.write(ctx.paths.credentials / "clouds.yaml", clouds, 0o600)
    return str(ctx.paths.credentials)


COMPONENT = Component(name="credentials", summary="Files with which clients log in.", parts={"run": (write,)})
