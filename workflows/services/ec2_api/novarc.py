"""novarc and nova.zip: the EC2 keys and certificates of the administrator, as nova.sh created them; demo-novarc: keys of `demo`."""

import io
import shlex
import zipfile

from novaflow.model.context import Context
from novaflow.settings import bypass_proxies
from workflows.infra.certificates.authority import RSA_KEY, Certificate, create_certificate, own_authority, trusted_authority
from workflows.services.ec2_api.endpoint import ENDPOINT
from workflows.services.keystone.demo import DEMO
from workflows.services.keystone.identity import REGION
from workflows.services.objectstore.endpoint import ENDPOINT as S3

KEY, CERTIFICATE = "pk.pem", "cert.pem"
DAYS = 3650
KEYS = """\
export EC2_ACCESS_KEY='{access}'
export EC2_SECRET_KEY='{secret}'
export EC2_URL='{ec2}'
export S3_URL='{s3}'
# The same for the AWS command line and the AWS libraries.
export AWS_ACCESS_KEY_ID="$EC2_ACCESS_KEY"
export AWS_SECRET_ACCESS_KEY="$EC2_SECRET_KEY"
export AWS_DEFAULT_REGION={region}
export AWS_ENDPOINT_URL_EC2="$EC2_URL"
export AWS_ENDPOINT_URL_S3="$S3_URL"
{trust}{bypass_proxies}"""
CERTIFICATES = """\
# For POSIX shells. bash finds the other files beside this one; other shells use the folder where it was written.
NOVA_KEY_DIR={folder}
[ -z "${{BASH_SOURCE:-}}" ] || NOVA_KEY_DIR=$(cd "$(dirname "$BASH_SOURCE")" && pwd)
export NOVA_KEY_DIR
export EC2_USER_ID=42 # nova does not use it, bundling an image requires it
export EC2_PRIVATE_KEY="$NOVA_KEY_DIR/{key}"
export EC2_CERT="$NOVA_KEY_DIR/{certificate}"
export NOVA_CERT="$NOVA_KEY_DIR/{authority}"
export EUCALYPTUS_CERT="$NOVA_CERT" # euca-bundle-image requires it
"""


async def write_novarc(ctx: Context, access: str, secret: str) -> str:
    """Write novarc with the key and the certificates that it names, and nova.zip, which contains all of them."""
    folder = ctx.paths.credentials
    certificates = CERTIFICATES.format(
        folder=shlex.quote(str(folder)), key=KEY, certificate=CERTIFICATE, authority=ctx.paths.authority.name
    )
    await ctx.write(folder / "novarc", certificates + _render_keys(ctx, access, secret, authority='"$NOVA_CERT"'))
    if not all((folder / name).exists() for name in (KEY, CERTIFICATE)):  # signs bundles of images
        usage = {"keyUsage": "critical, digitalSignature, keyEncipherment"}
        own = Certificate(folder / CERTIFICATE, folder / KEY)
        await create_certificate(ctx, own, "admin", usage, key=RSA_KEY, days=DAYS, signer=own_authority(ctx.paths))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
        for name in ("novarc", KEY, CERTIFICATE, ctx.paths.authority.name):
            files.write(folder / name, name)
    await ctx.write(folder / "nova.zip", archive.getvalue(), 0o600)
    return f"{folder}/novarc, nova.zip"


async def write_demo_novarc(ctx: Context, access: str, secret: str) -> None:
    """Write demo-novarc with the keys; it has no certificates, with which only an administrator registers images."""
    await ctx.write(
        ctx.paths.credentials / f"{DEMO}-novarc",
        _render_keys(ctx, access, secret, authority=shlex.quote(str(ctx.paths.authority))),
        shared=True,
    )


def _render_keys(ctx: Context, access: str, secret: str, *, authority: str) -> str:
    return KEYS.format(
        access=access, secret=secret, region=REGION, ec2=ENDPOINT.url(ctx.settings), s3=S3.url(ctx.settings),
        trust=f"export AWS_CA_BUNDLE={authority}\n" if trusted_authority(ctx.settings, ctx.paths) else "",
        bypass_proxies=bypass_proxies(ctx.settings.host_ip),
    )  # fmt: skip
