"""The configuration of the broker: users, and what components declare."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from novaflow.adapters.local import NodeContext
from workflows.infra.rabbitmq.component import configure
from workflows.infra.rabbitmq.urls import BrokerDefinitions, RpcQueue

MakeContext = Callable[..., NodeContext]


async def read_definitions(ctx: NodeContext) -> dict[str, list[dict[str, Any]]]:
    """Run the step and return the definitions that it wrote."""
    await configure.body(ctx)
    definitions: dict[str, list[dict[str, Any]]] = json.loads((ctx.paths.etc / "rabbitmq/definitions.json").read_text())
    return definitions


async def test_a_declared_queue_is_bound_to_its_exchange(make_context: MakeContext) -> None:
    """Two queues of one exchange share it."""
    found = await read_definitions(make_context(RpcQueue("nova", "conductor"), RpcQueue("nova", "scheduler")))
    assert [one["name"] for one in found["exchanges"] if one["vhost"] == "openstack"] == ["nova"]
    assert [one["name"] for one in found["queues"] if one["vhost"] == "openstack"] == ["conductor", "scheduler"]
    bindings = [one for one in found["bindings"] if one["vhost"] == "openstack"]
    assert [(one["source"], one["routing_key"], one["destination"]) for one in bindings] == [
        ("nova", "conductor", "conductor"),
        ("nova", "scheduler", "scheduler"),
    ]


async def test_declared_definitions_are_added(make_context: MakeContext) -> None:
    """They are appended to those of the same kind."""
    found = await read_definitions(make_context(BrokerDefinitions(lambda: {"vhosts": [{"name": "notifications"}]})))
    assert [one["name"] for one in found["vhosts"]] == ["novaflow", "openstack", "notifications"]


async def test_passwords_are_stored_as_hashes(make_context: MakeContext) -> None:
    """Only root reads the file with the hashes and the file with the credentials of subscribers."""
    ctx = make_context()
    found = await read_definitions(ctx)
    assert {one["name"] for one in found["users"]} == {"novaflow", "subscriber", "openstack"}
    text = (ctx.paths.etc / "rabbitmq/definitions.json").read_text()
    assert not any(ctx.secret(name) in text for name in ("rabbitmq-events", "rabbitmq-subscriber", "rabbitmq-rpc"))
    for file in (ctx.paths.etc / "rabbitmq/definitions.json", ctx.paths.credentials / "events.json"):
        assert file.stat().st_mode & 0o777 == 0o600
    subscriber = json.loads((ctx.paths.credentials / "events.json").read_text())
    assert subscriber == {
        "url": f"amqp://subscriber:{ctx.secret('rabbitmq-subscriber')}@127.0.0.1:5672/novaflow",
        "exchange": "novaflow.events",
    }


@pytest.mark.parametrize("own", [True, False])
async def test_subscribers_use_tls(make_context: MakeContext, own: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    """The file names the authority of the stack, but for a certificate that the user brings."""
    brought = {} if own else {"novaflow_tls_cert": Path("/crt"), "novaflow_tls_key": Path("/key")}
    ctx = make_context(novaflow_tls=True, **brought)
    await configure.body(ctx)
    subscriber = json.loads((ctx.paths.credentials / "events.json").read_text())
    assert subscriber["url"] == f"amqps://subscriber:{ctx.secret('rabbitmq-subscriber')}@127.0.0.1:5671/novaflow"
    assert subscriber.get("cacert") == (str(ctx.paths.authority) if own else None)


@pytest.mark.parametrize(("host_ip", "listens"), [("127.0.0.1", "127.0.0.1"), ("198.51.100.9", "127.51.100.9")])
async def test_the_broker_listens_on_one_address(make_context: MakeContext, host_ip: str, listens: str) -> None:
    """It is a loopback address."""
    ctx = make_context(host_ip=host_ip)
    await configure.body(ctx)
    lines = (ctx.paths.etc / "rabbitmq/rabbitmq.conf").read_text().splitlines()
    assert [line for line in lines if line.startswith("listeners")] == [f"listeners.tcp.1 = {listens}:5672"]
