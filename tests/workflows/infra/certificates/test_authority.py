"""The authority of a stack, and what its certificates may do."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from novaflow.adapters.local import NodeContext
from novaflow.errors import ProgramFailed
from novaflow.model.step import Skipped
from tests.support.contexts import open_context
from workflows.infra.certificates.authority import EC_KEY, Certificate, create_certificate, own_authority
from workflows.infra.certificates.component import authority

pytestmark = pytest.mark.slow  # an RSA key is created


@pytest.fixture
async def ctx(tmp_path: Path) -> AsyncIterator[NodeContext]:
    """Return the context of a stack that has an authority."""
    async with open_context(tmp_path) as ctx:
        for folder in (ctx.paths.run, ctx.paths.credentials):
            folder.mkdir()
        await authority.body(ctx)
        yield ctx


async def sign(ctx: NodeContext, name: str) -> tuple[Path, Path]:
    """Sign a certificate, and return its file and that of its key."""
    certificate, key = ctx.paths.root / f"{name}.crt", ctx.paths.root / f"{name}.key"
    usage = {"subjectAltName": "IP:192.0.2.1"}
    await create_certificate(ctx, Certificate(certificate, key), name, usage, key=EC_KEY, days=9, signer=own_authority(ctx.paths))
    return certificate, key


async def test_the_authority_is_created_once(ctx: NodeContext) -> None:
    """A new one would make clients distrust the stack; its key is created again if it is missing."""
    before = ctx.paths.authority.read_bytes()
    assert isinstance(await authority.body(ctx), Skipped)
    assert ctx.paths.authority.read_bytes() == before
    (ctx.paths.credentials / "cakey.pem").unlink()
    assert await authority.body(ctx) == str(ctx.paths.authority)
    assert ctx.paths.authority.read_bytes() != before


async def test_only_root_reads_certificates_and_keys(ctx: NodeContext) -> None:
    """Openssl gives certificates the mode of the umask."""
    files = [*ctx.paths.credentials.iterdir(), *await sign(ctx, "server")]
    assert {file.stat().st_mode & 0o777 for file in files if file.suffix in {".pem", ".crt", ".key"}} == {0o600}


async def test_a_certificate_is_trusted(ctx: NodeContext) -> None:
    """It is valid for its address, and for no other."""
    certificate, _ = await sign(ctx, "server")
    verify = ("openssl", "verify", "-CAfile", ctx.paths.authority, "-verify_ip")
    assert (await ctx.run(*verify, "192.0.2.1", certificate)).strip() == f"{certificate}: OK"
    with pytest.raises(ProgramFailed) as refused:
        await ctx.run(*verify, "192.0.2.2", certificate)
    assert "IP address mismatch" in refused.value.log_tail


async def test_the_users_certificate_signs_no_other(ctx: NodeContext) -> None:
    """Its owner could pretend to be the stack."""
    certificate, key = await sign(ctx, "admin")
    forged = ctx.paths.root / "forged.crt"
    new = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-subj", "/CN=forged", "-keyout", "/dev/null")
    await ctx.run(*new, "-CA", certificate, "-CAkey", key, "-out", forged)
    with pytest.raises(ProgramFailed) as refused:
        await ctx.run("openssl", "verify", "-CAfile", ctx.paths.authority, "-untrusted", certificate, forged)
    assert "invalid CA certificate" in refused.value.log_tail
