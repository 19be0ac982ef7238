"""ec2-api's configuration, and the files of its users."""

import zipfile
from configparser import RawConfigParser
from pathlib import Path

import anyio
import pytest

from tests.support.contexts import open_context
from tests.support.settings import make_settings
from workflows.infra.certificates.authority import create_authority
from workflows.services.ec2_api import ec2_filters
from workflows.services.ec2_api.component import COMPONENT, configure
from workflows.services.ec2_api.config import config_file, config_folder
from workflows.services.ec2_api.novarc import write_novarc


async def test_the_pipeline_uses_the_copied_filters(tmp_path: Path) -> None:
    """Each filter of this file that the pipeline names exists in the copy."""
    pipeline = RawConfigParser()
    async with open_context(tmp_path, COMPONENT) as ctx:
        await configure.body(ctx)
        pipeline.read(config_folder(ctx) / "api-paste.ini")
        assert (config_folder(ctx) / "ec2_filters.py").read_text() == Path(ec2_filters.__file__).read_text()
    factories = [pipeline[name]["paste.filter_factory"] for name in pipeline.sections() if name.startswith("filter:")]
    copied = [factory.partition(":")[2] for factory in factories if factory.startswith("ec2_filters:")]
    assert copied == ["authentication", "compatibility"]
    assert all(callable(getattr(ec2_filters, name)) for name in copied)
    assert pipeline["pipeline:ec2api"]["pipeline"].split() == ["faultwrap", "logrequest", "auth", "request", "compatibility", "executor"]


async def test_the_addresses_of_other_services(tmp_path: Path) -> None:
    """Signatures are validated by keystone; the external network is that of the stack."""
    config = RawConfigParser()
    async with open_context(tmp_path, COMPONENT) as ctx:
        await configure.body(ctx)
        config.read(config_file(ctx))
    options = config["DEFAULT"]
    assert options["keystone_ec2_tokens_url"] == "http://127.0.0.1:5000/v3/ec2tokens"
    assert (options["s3_url"], options["external_network"]) == ("http://127.0.0.1:3333", "public")


@pytest.mark.slow
async def test_novarc_names_the_authority_with_tls(tmp_path: Path) -> None:
    """The AWS command line and libraries read it."""
    (tmp_path / "run").mkdir()
    async with open_context(tmp_path, settings=make_settings(novaflow_tls=True)) as ctx:
        ctx.paths.credentials.mkdir()
        await create_authority(ctx)
        await write_novarc(ctx, "access", "secret")
    shown = 'cd / && . "$0" && echo "$EC2_URL $S3_URL $AWS_CA_BUNDLE"'
    output = await anyio.run_process(["bash", "-euc", shown, str(ctx.paths.credentials / "novarc")])
    assert output.stdout.decode() == f"https://127.0.0.1:8773/ https://127.0.0.1:3333/ {ctx.paths.authority}\n"


@pytest.mark.slow
async def test_novarc_can_be_sourced_anywhere(tmp_path: Path) -> None:
    """Bash finds the unpacked files beside novarc; the certificates are created once."""
    (tmp_path / "run").mkdir()
    async with open_context(tmp_path) as ctx:
        ctx.paths.credentials.mkdir()
        await create_authority(ctx)
        await write_novarc(ctx, "access", "secret")
        before = (ctx.paths.credentials / "cert.pem").read_bytes()
        await write_novarc(ctx, "access", "secret")
        assert (ctx.paths.credentials / "cert.pem").read_bytes() == before
        with zipfile.ZipFile(ctx.paths.credentials / "nova.zip") as archive:
            archive.extractall(tmp_path / "home folder")
    novarc = tmp_path / "home folder" / "novarc"
    output = await anyio.run_process(["bash", "-c", '. "$0" && echo "$EC2_URL $EC2_SECRET_KEY" && ls "$EC2_CERT"', str(novarc)])
    assert output.stdout.decode().splitlines() == ["http://127.0.0.1:8773/ secret", str(novarc.with_name("cert.pem"))]
    proxies = await anyio.run_process(["/bin/sh", "-euc", '. "$0" && echo "$no_proxy"', str(novarc)], env={"NO_PROXY": "one"})
    assert proxies.stdout == b"one,127.0.0.1\n"
