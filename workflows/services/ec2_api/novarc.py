"""novarc and nova.zip, as nova.sh's users had them."""

import io
import shlex
import zipfile

from novaflow.model.context import Context
from workflows.services.openstack import REGION
from workflows.services.ports import EC2_PORT, S3_PORT

KEY, CERTIFICATE, AUTHORITY, AUTHORITY_KEY = "pk.pem", "cert.pem", "cacert.pem", "cakey.pem"
DAYS = "3650"
NOVARC = """\
# For bash, dash and others of their kind. In bash what it names lies beside it, elsewhere where it was written.
NOVA_KEY_DIR={folder}
[ -z "${{BASH_SOURCE:-}}" ] || NOVA_KEY_DIR=$(cd "$(dirname "$BASH_SOURCE")" && pwd)
export NOVA_KEY_DIR
export EC2_ACCESS_KEY='{access}'
export EC2_SECRET_KEY='{secret}'
export EC2_URL='{ec2}'
export S3_URL='{s3}'
export EC2_USER_ID=42 # nova does not use it, bundling an image requires it
export EC2_PRIVATE_KEY="$NOVA_KEY_DIR/{key}"
export EC2_CERT="$NOVA_KEY_DIR/{certificate}"
export NOVA_CERT="$NOVA_KEY_DIR/{authority}"
export EUCALYPTUS_CERT="$NOVA_CERT" # euca-bundle-image requires it
# The same for Amazon's command line and libraries of today.
export AWS_ACCESS_KEY_ID="$EC2_ACCESS_KEY"
export AWS_SECRET_ACCESS_KEY="$EC2_SECRET_KEY"
export AWS_DEFAULT_REGION={region}
export AWS_ENDPOINT_URL_EC2="$EC2_URL"
export AWS_ENDPOINT_URL_S3="$S3_URL"
"""


async def write_novarc(ctx: Context, access: str, secret: str) -> str:
    """Write novarc, the key and the certificates it names, and all of them in nova.zip."""
    folder, host = ctx.paths.credentials, ctx.settings.host_ip
    text = NOVARC.format(
        folder=shlex.quote(str(folder)), access=access, secret=secret, region=REGION,
        ec2=f"http://{host}:{EC2_PORT}/", s3=f"http://{host}:{S3_PORT}/", key=KEY, certificate=CERTIFICATE, authority=AUTHORITY,
    )  # fmt: skip
    await ctx.write(folder / "novarc", text, 0o600)
    await _certify(ctx)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("novarc", KEY, CERTIFICATE, AUTHORITY):
            archive.write(folder / name, name)
    await ctx.write(folder / "nova.zip", packed.getvalue(), 0o600)
    return f"{folder}/novarc, nova.zip"


async def _certify(ctx: Context) -> None:
    """Make an authority's certificate and the user's, signed by it, once: bundles of images are signed with them."""
    folder = ctx.paths.credentials
    if all((folder / name).exists() for name in (AUTHORITY, AUTHORITY_KEY, KEY, CERTIFICATE)):
        return
    new = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-sha256", "-days", DAYS)
    await ctx.run(*new, "-subj", "/O=novaflow/CN=authority", "-keyout", folder / AUTHORITY_KEY, "-out", folder / AUTHORITY)
    signed_by = ("-CA", folder / AUTHORITY, "-CAkey", folder / AUTHORITY_KEY)
    await ctx.run(*new, *signed_by, "-subj", "/O=novaflow/CN=admin", "-keyout", folder / KEY, "-out", folder / CERTIFICATE)
    for name in (AUTHORITY, AUTHORITY_KEY, KEY, CERTIFICATE):
        (folder / name).chmod(0o600)
