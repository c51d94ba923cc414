"""Servers that speak HTTP/2 alone: how they are told, and how they are reached."""

import importlib.util
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from support.hostile import DONE, event, hostile
from support.http2_server import http2_alone

from byok_bench.endpoints.endpoint import Endpoint, Tls
from byok_bench.endpoints.model import Model
from byok_bench.endpoints.send import send
from byok_bench.wire.client import Client
from byok_bench.wire.limits import Timeouts

FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
PARTS = (event("hel"), event("lo"), FINISH, DONE)
ASK: dict[str, Any] = {"stream": True, "messages": [{"role": "user", "content": "hi"}]}
QUICK = Timeouts(connect=5, first_byte=5, idle=5, total=10)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    authority, file = trustme.CA(), tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(file)
    return authority, file


def endpoint(url: str, **fields: Any) -> Endpoint:
    return Endpoint(label="h2", base_url=url, models=[Model("m")], timeouts=QUICK, **fields)


async def test_without_tls_it_is_told_and_reached() -> None:
    """Our own transport names the protocol and the setting; with that setting the stream is read."""
    async with hostile(http2_alone(*PARTS)) as server:
        told = await send(endpoint(server.base_url), ASK)
        reached = await send(endpoint(server.base_url, transport="http2"), ASK)
    assert told.error is not None
    assert (told.error.kind, told.error.code, told.error.retryable) == ("protocol", "http2_only", False)
    assert (reached.error, reached.output.text) == (None, "hello")
    assert reached.raw.head is not None
    assert reached.raw.head.http == "2"


@pytest.mark.parametrize("transport", ["httpx", "http2"])
async def test_over_tls_it_is_reached(authority: tuple[trustme.CA, Path], transport: Any) -> None:
    """There the protocol is agreed on (ALPN), so the stock transport does; a client that is shared does not matter."""
    ca, file = authority
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    context.set_alpn_protocols(["h2"])
    async with hostile(http2_alone(*PARTS), context) as server, Client() as client:
        one = endpoint(server.base_url, transport=transport, tls=Tls(ca_file=str(file)))
        exchange = await send(one, ASK, client=client)
    assert (exchange.error, exchange.output.text) == (None, "hello")


async def test_a_missing_package_is_named_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mock: h2 is installed here, and is looked for in one place."""
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "h2" else found(name))
    async with hostile(http2_alone(*PARTS)) as server:
        exchange = await send(endpoint(server.base_url, transport="http2"), ASK)
    assert exchange.error is not None
    assert (exchange.error.phase, exchange.error.code) == ("config", "http2_missing")
    assert "pip install h2" in exchange.error.message
