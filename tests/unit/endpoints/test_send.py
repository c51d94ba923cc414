"""send(): what goes out, what raises, and what is a failure of the exchange."""

import asyncio
import json
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support.hostile import DONE, JSON, SETTLED_S, SSE, Peer, chunked, event, hostile, keep_alive, sized

from byok_bench.checks.ladder.climb import ladder
from byok_bench.checks.registry import run_checks
from byok_bench.endpoints.endpoint import Endpoint, Tls
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model
from byok_bench.endpoints.send import limit_timeouts, list_models, send
from byok_bench.errors import EndpointError
from byok_bench.wire.client import Client
from byok_bench.wire.egress import proxies
from byok_bench.wire.limits import Timeouts

KEY = "sk-proj-0123456789abcdefghij0123456789"
UNCHECKED = Tls(verify=False)
ASK: dict[str, Any] = {"stream": True, "messages": [{"role": "user", "content": "hi"}]}
FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
STREAM = chunked(event("hel"), event("lo"), FINISH, DONE)
LIST = sized(b'{"object":"list","data":[{"id":"m-1","object":"model"}]}', JSON[:-2])


class Witness:
    """A server that answers well and keeps what it was sent."""

    def __init__(self, answer: bytes = STREAM) -> None:
        self.answer = answer
        self.requests: list[bytes] = []

    async def __call__(self, peer: Peer) -> None:
        while True:
            self.requests.append(await peer.request())
            await peer.send(self.answer)

    @property
    def line(self) -> str:
        return self.requests[-1].split(b"\r\n", 1)[0].decode()

    @property
    def fields(self) -> list[tuple[str, str]]:
        lines = self.requests[-1].partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
        return [(name.decode(), value.strip().decode()) for name, _, value in (one.partition(b":") for one in lines)]

    @property
    def body(self) -> Any:
        return json.loads(self.requests[-1].partition(b"\r\n\r\n")[2])


def endpoint(base_url: str, **fields: Any) -> Endpoint:
    return Endpoint(**{"label": "test", "base_url": base_url, "models": [Model("m-1", alias="small")], **fields})


WRONG_ARGUMENTS: dict[str, Callable[[], Awaitable[object]]] = {
    "a label is no endpoint": lambda: send("Local", {}),  # type: ignore[arg-type]
    "a label has no list of models": lambda: list_models("Local"),  # type: ignore[arg-type]
    "a label has no ladder": lambda: ladder("Local"),  # type: ignore[arg-type]
    "seconds are no timeouts": lambda: send(endpoint("http://127.0.0.1:1"), {}, timeouts=5),  # type: ignore[arg-type]
    "nor for a list of models": lambda: list_models(endpoint("http://127.0.0.1:1"), {"total": 5}),  # type: ignore[arg-type]
    "a word is no client": lambda: send(endpoint("http://127.0.0.1:1"), {}, client="x"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("case", WRONG_ARGUMENTS)
async def test_an_argument_of_another_kind_is_the_caller_s_mistake(case: str) -> None:
    """EndpointError in one line, as for all that the caller got wrong."""
    with pytest.raises(EndpointError, match=r"is a bb\.Endpoint, not str|must be bb\."):
        await WRONG_ARGUMENTS[case]()


async def test_a_stream_is_sent_for_and_read() -> None:
    """The request goes to the chat route once, and what came back is text, timing and no failure."""
    witness = Witness()
    async with hostile(witness) as server:
        exchange = await send(endpoint(server.base_url), ASK)
    assert witness.line == "POST /v1/chat/completions HTTP/1.1"
    assert witness.body == {**ASK, "model": "m-1"}
    assert exchange.error is None
    assert exchange.output.text == "hello"
    assert exchange.timing.ttft is not None
    assert exchange.model == "m-1"
    assert dict(witness.fields)["x-request-id"] == exchange.id == exchange.request.id


async def test_an_answer_may_be_compressed_where_the_endpoint_says_so() -> None:
    """The field is the header; the answer is decoded beside the record, which keeps the wire's bytes and stamps."""
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    parts = [packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH) for part in (event("hel"), event("lo"), FINISH)]
    parts.append(packer.compress(DONE) + packer.flush())
    witness = Witness(chunked(*parts, fields=SSE + b"content-encoding: gzip\r\n"))
    async with hostile(witness) as server:
        exchange = await send(endpoint(server.base_url, accept_encoding="gzip, deflate"), ASK)
    assert dict(witness.fields)["accept-encoding"] == "gzip, deflate"
    assert b"".join(data for _, data in exchange.raw.chunks) == b"".join(parts)
    assert (exchange.error, exchange.output.text) == (None, "hello")
    assert "stream.content-encoding" in {one.check for one in run_checks(exchange)}


async def test_a_coding_that_nobody_could_undo_is_not_asked_for() -> None:
    """What cannot be decoded here is told before anything is sent."""
    witness = Witness()
    async with hostile(witness) as server:
        exchange = await send(endpoint(server.base_url, accept_encoding="gzip, br, zstd"), ASK)
    assert exchange.error is not None
    assert (exchange.error.phase, exchange.error.code) == ("config", "accept_encoding")
    assert "br, zstd" in exchange.error.message
    assert witness.requests == []


@pytest.mark.parametrize("transport", ["own", "httpx"])
async def test_the_fields_that_go_out(monkeypatch: pytest.MonkeyPatch, transport: Any) -> None:
    """Ours, the endpoint's and the key go out once each, and identity is the only coding asked for."""
    monkeypatch.setenv("BENCH_KEY", KEY)
    witness = Witness()
    async with hostile(witness) as server:
        exchange = await send(
            endpoint(
                server.base_url,
                key=KeyRef.env("BENCH_KEY"),
                headers={"X-Title": "bench", "User-Agent": "mine"},
            ),
            ASK,
            transport=transport,
        )
    sent = [(name.lower(), value) for name, value in witness.fields]
    assert len(sent) == len(dict(sent))
    fields = dict(sent)
    assert fields["authorization"] == f"Bearer {KEY}"
    assert fields["accept-encoding"] == "identity"
    assert fields["content-type"] == "application/json"
    assert fields["user-agent"] == "mine"
    assert fields["x-title"] == "bench"
    assert fields["host"] == f"127.0.0.1:{server.port}"
    assert not {"cookie", "te", "expect", "transfer-encoding"} & set(fields)
    assert exchange.request.headers["authorization"] == "[redacted]"
    assert KEY not in repr(exchange.raw)


@pytest.mark.parametrize(
    ("style", "header", "field", "value"),
    [
        ("bearer", None, "authorization", f"Bearer {KEY}"),
        ("api-key", None, "api-key", KEY),
        ("x-api-key", None, "x-api-key", KEY),
        ("header", "x-goog-api-key", "x-goog-api-key", KEY),
    ],
)
async def test_the_key_goes_where_its_style_says(style: str, header: str | None, field: str, value: str) -> None:
    """Each key style has its own header; the key is in no other, and not in the record."""
    witness = Witness()
    async with hostile(witness) as server:
        one = endpoint(server.base_url, key=KeyRef.session(KEY), key_style=style, key_header=header)
        exchange = await send(one, ASK)
    assert [(name, text) for name, text in witness.fields if KEY in text] == [(field, value)]
    assert KEY not in repr(exchange.raw)


@pytest.mark.parametrize(
    ("argument", "in_body", "sent"),
    [
        ("other", "body", "other"),
        (None, "body", "body"),
        (None, None, "m-1"),
        ("small", None, "m-1"),
        (" m-2 ", None, "m-2"),
    ],
)
async def test_which_model_goes_out(argument: str | None, in_body: str | None, sent: str) -> None:
    """The argument wins over the body's model, that over the endpoint's first; an alias becomes its name."""
    witness = Witness()
    async with hostile(witness) as server:
        body = ASK if in_body is None else {**ASK, "model": in_body}
        exchange = await send(endpoint(server.base_url), body, argument)
    assert witness.body["model"] == sent
    assert exchange.model == sent


async def test_extra_fields_lie_under_the_body() -> None:
    """The endpoint's own body fields are sent too, and the call's win."""
    witness = Witness()
    async with hostile(witness) as server:
        one = endpoint(server.base_url, body={"temperature": 0, "provider": {"order": ["a"]}})
        await send(one, {**ASK, "temperature": 1})
    assert witness.body == {**ASK, "model": "m-1", "temperature": 1, "provider": {"order": ["a"]}}


async def test_query_fields_are_escaped_and_secrets_in_them_redacted() -> None:
    """Query fields are encoded into the URL; the record's URL does not show a secret one."""
    witness = Witness()
    async with hostile(witness) as server:
        one = endpoint(server.base_url, query={"api-version": "2024-10 b&c", "code": KeyRef.session(KEY)})
        exchange = await send(one, ASK)
    assert witness.line == f"POST /v1/chat/completions?api-version=2024-10%20b%26c&code={KEY} HTTP/1.1"
    assert KEY not in exchange.request.url
    assert "api-version" in exchange.request.url


async def test_the_list_of_models_is_asked_for() -> None:
    """get_models sends one GET to /models, without a body."""
    witness = Witness(LIST)
    async with hostile(witness) as server:
        exchange = await list_models(endpoint(server.base_url, models=[]))
    assert witness.line == "GET /v1/models HTTP/1.1"
    assert "content-length" not in dict(witness.fields)
    assert exchange.error is None


async def test_one_client_keeps_its_connections() -> None:
    """Calls that share a client share its connections, call by call; calls without one do not."""
    async with hostile(Witness()) as server, Client() as client:
        one = endpoint(server.base_url)
        kept = [await send(one, ASK, client=client)]
        await asyncio.sleep(SETTLED_S)
        kept += [await send(one, ASK, client=client) for _ in range(2)]
        alone = await send(one, ASK)
    assert [exchange.raw.reused for exchange in (*kept, alone)] == [False, True, True, False]
    assert len(server.peers) == 2


@pytest.mark.parametrize(
    ("body", "fields", "code"),
    [
        ([1], {}, "body_invalid"),
        ("text", {}, "body_invalid"),
        ({"x": float("nan")}, {}, "body_invalid"),
        ({"x": {1, 2}}, {}, "body_invalid"),
        ({"x": "\ud800"}, {}, "body_invalid"),
        ({"model": 7}, {}, "model_invalid"),
        ({"model": "a\u200bb"}, {}, "model_invalid"),
        ({"model": ""}, {}, "model_missing"),
        ({}, {"models": []}, "model_missing"),
    ],
)
async def test_what_the_caller_got_wrong_raises(body: Any, fields: dict[str, Any], code: str) -> None:
    """A body that is no JSON object, or a model that cannot be told, raises EndpointError; nothing is sent."""
    async with hostile(Witness()) as server:
        with pytest.raises(EndpointError) as caught:
            await send(endpoint(server.base_url, **fields), body)
    assert caught.value.code == code
    assert server.peers == []


async def test_a_body_that_holds_itself_raises() -> None:
    """A body without end raises EndpointError."""
    body: dict[str, Any] = {}
    body["body"] = body
    with pytest.raises(EndpointError):
        await send(endpoint("http://127.0.0.1:1/v1"), body)


@pytest.mark.parametrize(
    ("fields", "profile", "kind", "phase", "code"),
    [
        ({"key": KeyRef.env("NOT_SET")}, "local", "auth", "config", "key_missing"),
        ({"key": KeyRef.keyring()}, "local", "auth", "config", "no_keyring"),
        ({"base_url": "127.0.0.1:8080"}, "local", "egress", "policy", "missing_scheme"),
        (
            {"base_url": "https://user:secretpass@host.example/v1"},
            "local",
            "egress",
            "policy",
            "userinfo_not_allowed",
        ),
        ({"base_url": ""}, "local", "egress", "policy", "invalid_url"),
        ({}, "shared", "egress", "policy", None),
        ({}, "nonsense", "egress", "policy", "bad_profile"),
        ({"proxy": "http://127.0.0.1:1"}, "shared", "egress", "policy", None),
        ({"proxy": "foo"}, "local", "egress", "config", "proxy_invalid"),
        ({"proxy": "ftp://127.0.0.1"}, "local", "egress", "config", "proxy_invalid"),
        ({"proxy": "http://secretpass@"}, "local", "egress", "config", "proxy_invalid"),
        ({"proxy": "socks5://127.0.0.1:1"}, "local", "egress", "config", "proxy_invalid"),
        (
            {"tls": Tls(verify=False), "base_url": "https://8.8.8.8/v1"},
            "local",
            "egress",
            "policy",
            "tls_verify_required",
        ),
    ],
)
async def test_what_is_not_sent_is_a_failure_of_the_exchange(
    fields: dict[str, Any], profile: str, kind: str, phase: str, code: str | None
) -> None:
    """A missing key or a refused URL gives an exchange with its failure; not a byte leaves."""
    async with hostile(Witness()) as server:
        exchange = await send(endpoint(fields.pop("base_url", server.base_url), **fields), ASK, profile=profile)
    assert exchange.error is not None
    assert (exchange.error.kind, exchange.error.phase) == (kind, phase)
    assert code is None or exchange.error.code == code
    assert exchange.response is None
    assert exchange.chunks == []
    assert server.peers == []
    assert "secretpass" not in repr(exchange.raw) + exchange.base_url
    assert exchange.to_json()["error"]["kind"] == kind


async def test_a_key_stays_with_its_origin() -> None:
    """A key confirmed for one origin is not sent to another: the exchange fails in phase config."""
    async with hostile(Witness()) as server:
        one = endpoint(server.base_url, key=KeyRef.session(KEY), key_origin="https://api.example.com:443")
        exchange = await send(one, ASK)
    assert exchange.error is not None
    assert (exchange.error.kind, exchange.error.code) == ("auth", "key_not_confirmed")
    assert server.peers == []


async def test_timeouts_of_the_call_win() -> None:
    """The call's timeouts stand in for the endpoint's."""
    async with hostile(lambda peer: peer.silence()) as server:
        one = endpoint(server.base_url, timeouts=Timeouts(first_byte=30))
        exchange = await asyncio.wait_for(send(one, ASK, timeouts=Timeouts(first_byte=0.2)), 10)
    assert exchange.error is not None
    assert exchange.error.kind == "timeout"


async def test_the_environments_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxy variables change nothing, with either transport."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with hostile(Witness()) as server:
        for transport in ("own", "httpx"):
            assert (await send(endpoint(server.base_url), ASK, transport=transport)).error is None


def test_an_endpoint_cannot_raise_the_clocks_of_a_shared_process() -> None:
    """In profile shared an endpoint lowers clocks and raises none; in profile local its own count."""
    own = Timeouts(connect=1, first_byte=7200, idle=30, total=7200)
    one = endpoint("http://127.0.0.1:1/v1", timeouts=own)
    assert limit_timeouts(one, "local") == own
    assert limit_timeouts(one, "shared") == Timeouts(connect=1, idle=30)


async def test_ignored_proxies_are_mentioned_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The first client of a process says which proxy variables it does not read, and where to set one instead."""
    proxies.log_ignored_proxies.cache_clear()
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secretpass@127.0.0.1:1")
    for _ in range(2):
        await send(endpoint("http://127.0.0.1:1/v1"), ASK)
    assert [record.getMessage().count("HTTPS_PROXY") for record in caplog.records] == [1]
    assert "secretpass" not in caplog.text


async def test_a_proxy_is_a_setting() -> None:
    """With a proxy set, the request goes to it with the whole URL in its first line, and its peer is the proxy."""
    witness = Witness()
    async with hostile(witness) as proxy:
        one = endpoint("http://127.0.0.9:9/v1", proxy=f"http://127.0.0.1:{proxy.port}")
        exchange = await send(one, ASK)
    assert witness.line == "POST http://127.0.0.9:9/v1/chat/completions HTTP/1.1"
    assert exchange.error is None
    assert exchange.output.text == "hello"


NO_PROXY = {
    "every host": ("http://llm.example.com/v1", "*", True),
    "the name": ("http://llm.example.com/v1", "llm.example.com", True),
    "another name": ("http://llm.example.com/v1", "example.com", False),
    "names below": ("http://llm.example.com/v1", "*.example.com", True),
    "names below, with a dot alone": ("http://llm.example.com/v1", ".example.com", True),
    "a name that ends alike": ("http://llmexample.com/v1", "*.example.com", False),
    "the port": ("http://llm.example.com:8080/v1", "llm.example.com:8080", True),
    "another port": ("http://llm.example.com/v1", "llm.example.com:8080", False),
    "the usual port": ("https://llm.example.com/v1", "llm.example.com:443", True),
    "an address": ("http://10.1.2.3/v1", "10.1.2.3", True),
    "a network": ("http://10.1.2.3/v1", "10.0.0.0/8", True),
    "another network": ("http://10.1.2.3/v1", "192.168.0.0/16", False),
    "IPv6": ("http://[::1]:8080/v1", "::1", True),
    "a name beyond ASCII, as it is typed": ("https://api.xn--bcher-kva.example/v1", "*.bücher.example", True),
    "a name with the root's dot": ("http://llm.example.com/v1", "llm.example.com.", True),
    "a network for a name": ("http://llm.example.com/v1", "10.0.0.0/8", False),
}


@pytest.mark.parametrize("name", NO_PROXY)
def test_some_hosts_are_called_without_the_proxy(name: str) -> None:
    """By name, suffix, port, address and network."""
    url, exception, wanted = NO_PROXY[name]
    assert proxies.is_proxy_excepted(url, [exception]) is wanted


async def test_an_excepted_host_is_reached_past_its_proxy() -> None:
    """The proxy, which nobody listens at, is not asked."""
    async with hostile(Witness()) as server:
        past = endpoint(server.base_url, proxy="http://127.0.0.1:9", no_proxy=["127.0.0.0/8"])
        assert (await send(past, ASK)).error is None


async def test_answers_may_come_one_after_the_other_on_many_calls() -> None:
    """Calls at the same time do not get each other's answers."""

    async def script(peer: Peer) -> None:
        while True:
            asked = json.loads((await peer.request()).partition(b"\r\n\r\n")[2])
            await peer.send(chunked(event(asked["messages"][0]["content"]), FINISH, DONE))

    async with hostile(script) as server, Client() as client:
        one = endpoint(server.base_url)
        bodies = [{"stream": True, "messages": [{"role": "user", "content": f"n{number}"}]} for number in range(40)]
        exchanges = await asyncio.gather(*(send(one, body, client=client) for body in bodies))
    assert [exchange.output.text for exchange in exchanges] == [f"n{number}" for number in range(40)]
    assert len({exchange.id for exchange in exchanges}) == 40


async def test_a_keep_alive_server_that_hangs_up_is_called_again() -> None:
    """A kept connection that the server closed costs nothing: the next call has one of its own."""
    async with hostile(keep_alive(STREAM)) as server, Client() as client:
        first = await send(endpoint(server.base_url), ASK, client=client)
        server.peers[0].reset()
        await asyncio.sleep(0.05)
        second = await send(endpoint(server.base_url), ASK, client=client)
    assert first.error is second.error is None
