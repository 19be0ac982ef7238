"""certificates: the authority that signs the certificates of the stack's endpoints and users."""

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import Skipped, step
from workflows.infra.certificates.authority import create_authority, own_authority
from workflows.infra.certificates.settings import TlsSettings
from workflows.platform.system_packages import SystemPackages


@step(within_s=60)
async def authority(ctx: Context) -> Skipped | str:
    """Create the certificate authority of the stack, unless it exists."""
    files = own_authority(ctx.paths)
    existed = files.certificate.exists() and files.key.exists()
    if not existed:
        await create_authority(ctx)
    await ctx.write(files.certificate, files.certificate.read_bytes(), shared=True)  # the group may have changed
    return Skipped(f"{files.certificate} exists") if existed else str(files.certificate)


COMPONENT = Component(
    name="certificates",
    summary="The authority that signs the stack's certificates.",
    declares=(SystemPackages(debian=("openssl",)),),
    parts={"run": (authority,)},
    settings=(TlsSettings,),
)
