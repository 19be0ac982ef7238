"""The object store, served by gunicorn as in the stack."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from workflows.services.objectstore.presigned import presign

# ruff: noqa: ANN401, S603, TID251 - boto3 has no types; a server of the tests' own

ROOT = Path(__file__).parents[2]
ACCESS, SECRET = "key-of-the-stack", "secret-of-the-stack"
APPLICATION = "workflows.services.objectstore.s3_server.application:application()"


@dataclass(frozen=True, slots=True)
class Server:
    """A running object store and the folder of its data."""

    url: str
    folder: Path
    process: "subprocess.Popen[bytes]"

    def kill(self) -> None:
        """End all processes of the server at once, as a power cut does."""
        os.killpg(self.process.pid, signal.SIGKILL)

    @property
    def address(self) -> tuple[str, int]:
        """The address and the port."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    @contextmanager
    def client(self, access: str = ACCESS, secret: str = SECRET, **options: Any) -> Iterator[Any]:
        """Yield a client of boto3 that does not repeat requests."""
        client = boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=access,
            aws_secret_access_key=secret,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, **options),
        )
        yield client
        client.close()

    def presign(self, method: str, path: str) -> str:
        """Return the address of a request for ``/BUCKET`` or ``/BUCKET/KEY`` with a signature of the stack's key."""
        return presign(method, self.url + path, ACCESS, SECRET)


@contextmanager
def serving(folder: Path, *, anonymous: bool = False, keystone: Mapping[str, str] | None = None, quota: int = 0) -> Iterator[Server]:
    """Run the object store with the data in a folder; requests wait until the server answers.

    ``keystone`` is the account of the object store; without it, the key of the stack is the only one. ``quota`` is the number of
    bytes that each project can store, 0 for no limit.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = folder.parent / "config.json"
    options = {"folder": str(folder), "quota": quota, "anonymous": anonymous, "access": ACCESS, "secret": SECRET, "keystone": keystone}
    config.write_text(json.dumps(options))
    with socket.create_server(("127.0.0.1", 0)) as listener, (folder.parent / "objectstore.log").open("ab") as log:
        argv = [sys.executable, "-m", "gunicorn", APPLICATION, "--bind", f"fd://{listener.fileno()}", "--worker-class", "gthread"]
        argv += [
            "--threads",
            "8",
            "--graceful-timeout",
            "1",
            "--keep-alive",
            "75",
            "--timeout",
            "0",
            "--no-control-socket",
            "--worker-tmp-dir",
            str(folder.parent),
        ]
        env = {**os.environ, "OBJECTSTORE_CONFIG": str(config), "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(argv, env=env, stdout=log, stderr=log, pass_fds=(listener.fileno(),), start_new_session=True) as process:
            try:
                yield Server(f"http://127.0.0.1:{listener.getsockname()[1]}", folder, process)
            finally:
                process.terminate()


def error_of(call: Any, **arguments: Any) -> tuple[int, str]:
    """Return the status and the code of the error that a call raises."""
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    response = raised.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]
