"""novarc and nova.zip, as nova.sh's users had them."""

import io
import zipfile

from novaflow.model.component import Context
from workflows.shared.ports import EC2_PORT, S3_PORT

KEY, CERTIFICATE, AUTHORITY = "pk.pem", "cert.pem", "cacert.pem"
DAYS = "3650"
NOVARC = """\
# For bash, dash and everything between; in bash the folder is where this file lies, elsewhere where it was written.
NOVA_KEY_DIR=$(cd "$(dirname "${{BASH_SOURCE:-{folder}/novarc}}")" && pwd)
export NOVA_KEY_DIR
export EC2_ACCESS_KEY='{access}'
export EC2_SECRET_KEY='{secret}'
export AWS_ACCESS_KEY_ID='{access}'
export AWS_SECRET_ACCESS_KEY='{secret}'
export AWS_DEFAULT_REGION=RegionOne
export EC2_URL='{ec2}'
export S3_URL='{s3}'
export EC2_USER_ID=42 # nova does not use it, bundling an image requires it
export EC2_PRIVATE_KEY="$NOVA_KEY_DIR/{key}"
export EC2_CERT="$NOVA_KEY_DIR/{certificate}"
export NOVA_CERT="$NOVA_KEY_DIR/{authority}"
export EUCALYPTUS_CERT="$NOVA_CERT" # bundling an image with euca2ools requires it
"""


async def write_novarc(ctx: Context, access: str, secret: str) -> str:
    """Write novarc, the keys and certificates it names, and all of them in nova.zip."""
    folder, host = ctx.paths.credentials, ctx.settings.host_ip
    text = NOVARC.format(
        folder=folder, access=access, secret=secret, ec2=f"http://{host}:{EC2_PORT}/", s3=f"http://{host}:{S3_PORT}/",
        key=KEY, certificate=CERTIFICATE, authority=AUTHORITY,
    )  # fmt: skip
    await ctx.write(folder / "novarc", text, 0o600)
    await _certify(ctx)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("novarc", "openrc", "clouds.yaml", KEY, CERTIFICATE, AUTHORITY):
            if (folder / name).exists():
                archive.write(folder / name, name)
    await ctx.write(folder / "nova.zip", packed.getvalue(), 0o600)
    return f"{folder}/novarc, nova.zip"


async def _certify(ctx: Context) -> None:
    """Make the authority's certificate and the user's once; image bundles are signed with them."""
    folder = ctx.paths.credentials
    if all((folder / name).exists() for name in (KEY, CERTIFICATE, AUTHORITY)):
        return
    new = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-sha256", "-days", DAYS)
    authority_key = folder / "cakey.pem"
    await ctx.run(*new, "-subj", "/O=novaflow/CN=authority", "-keyout", authority_key, "-out", folder / AUTHORITY)
    signed_by = ("-CA", folder / AUTHORITY, "-CAkey", authority_key)
    await ctx.run(*new, *signed_by, "-subj", "/O=novaflow/CN=admin", "-keyout", folder / KEY, "-out", folder / CERTIFICATE)
    for name in (KEY, CERTIFICATE, AUTHORITY, authority_key.name):
        (folder / name).chmod(0o600)
