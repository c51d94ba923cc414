"""TLS of the own transport: what is accepted, what is refused and in which words, and whose stamp counts."""

import asyncio
import contextlib
import datetime
import os
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from support.hostile import DONE, JSON, SETTLED_S, Peer, chunked, event, hostile, keep_alive, reply, sized

from byok_bench.wire.client import Client, WireRequest
from byok_bench.wire.client_certificates import ClientCertificate
from byok_bench.wire.egress.resolver import Resolver
from byok_bench.wire.egress.verdicts import Lookup
from byok_bench.wire.limits import Timeouts
from byok_bench.wire.raw_exchange import RawExchange

QUICK = Timeouts(connect=2, first_byte=2, idle=2, total=5)
YESTERDAY = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
LAST_WEEK = YESTERDAY - datetime.timedelta(days=7)

Send = Callable[..., Awaitable[RawExchange]]


class Authority:
    """A certificate authority of the test's own, and server contexts under it."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.file = str(folder / "ca.pem")
        self.ca.cert_pem.write_to_path(self.file)

    def server(self, *names: str, **fields: Any) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("127.0.0.1",)), **fields).configure_cert(context)
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


async def send(url: str, lookup: Lookup | None = None, **fields: Any) -> RawExchange:
    fields = {"body": b"{}", "timeouts": QUICK, "terminator": "sse-done", **fields}
    async with (
        Client(fields.pop("transport", "own"), resolver=Resolver(lookup)) as client,
        asyncio.timeout(20),
    ):
        return await client.send_request(WireRequest(id="t", url=url, **fields))


STREAM = chunked(event("a"), event("b"), DONE)


@pytest.mark.parametrize("transport", ["own", "httpx"])
async def test_a_trusted_server_is_read(authority: Authority, transport: str) -> None:
    """With the authority's file set, a stream over TLS is recorded whole, and its phases are timed."""
    async with hostile(keep_alive(STREAM), authority.server()) as server:
        record = await send(server.url, ca_file=authority.file, transport=transport)
    assert record.failure is None
    assert b"".join(data for _, data in record.chunks) == event("a") + event("b") + DONE
    phases = record.phases
    assert phases.connect_end is not None
    assert phases.tls_end is not None
    assert phases.written is not None
    assert phases.start <= phases.connect_end <= phases.tls_end <= phases.written <= record.chunks[0][0]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_large_bodies_cross_record_borders(authority: Authority, version: ssl.TLSVersion) -> None:
    """A body of many TLS records arrives byte for byte, whatever the version."""
    body = bytes(range(256)) * 4000
    context = authority.server()
    context.minimum_version = context.maximum_version = version
    async with hostile(keep_alive(sized(body, JSON[:-2])), context) as server:
        record = await send(server.url, ca_file=authority.file, body=b"x" * 300_000)
    assert record.failure is None
    assert b"".join(data for _, data in record.chunks) == body


async def test_ciphertext_carries_the_kernels_stamp(authority: Authority) -> None:
    """The stamp of plaintext is that of the read of its ciphertext, taken by the kernel."""
    async with hostile(keep_alive(STREAM), authority.server()) as server:
        record = await send(server.url, ca_file=authority.file)
    assert record.clock == "kernel"


async def test_connections_are_kept_alive(authority: Authority) -> None:
    """A second request goes out on the same TLS session, with no handshake of its own."""
    async with hostile(keep_alive(STREAM, STREAM), authority.server()) as server, Client() as client:
        request = WireRequest(id="t", url=server.url, ca_file=authority.file, terminator="sse-done", timeouts=QUICK)
        first = await client.send_request(request)
        await asyncio.sleep(SETTLED_S)
        second = await client.send_request(request)
    assert (first.reused, second.reused) == (False, True)
    assert second.phases.tls_end is None
    assert len(server.peers) == 1


class Badge:
    """A client certificate of the authority, as files."""

    def __init__(self, authority: Authority, folder: Path) -> None:
        made = authority.ca.issue_cert("agent@example.com")
        self.cert, self.key, self.both = (str(folder / f"{name}.pem") for name in ("cert", "key", "both"))
        made.cert_chain_pems[0].write_to_path(self.cert)
        self.pem = made.private_key_pem.bytes()
        made.private_key_pem.write_to_path(self.key)
        made.private_key_and_cert_chain_pem.write_to_path(self.both)


@pytest.mark.parametrize("transport", ["own", "httpx"])
@pytest.mark.parametrize("files", ["pair", "both", "none"])
async def test_a_server_that_wants_a_client_certificate_is_shown_one(
    authority: Authority, tmp_path: Path, transport: str, files: str
) -> None:
    """Two files, or one that holds both; without any the failure says what to set."""
    badge = Badge(authority, tmp_path)
    shown = {"pair": ClientCertificate(badge.cert, badge.key), "both": ClientCertificate(badge.both, None)}.get(files)
    context = authority.server()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.file)
    async with hostile(keep_alive(STREAM), context) as server:
        record = await send(server.url, ca_file=authority.file, transport=transport, client_certificate=shown)
    if shown is not None:
        assert record.failure is None
    else:
        assert record.failure is not None


@pytest.mark.parametrize("files", ["not there", "another's key", "a passphrase"])
async def test_a_client_certificate_that_cannot_be_used_is_said_before_anything_is_dialled(
    authority: Authority, tmp_path: Path, files: str
) -> None:
    """And nobody is asked for a passphrase at the terminal."""
    badge, other = Badge(authority, tmp_path), tmp_path / "other.pem"
    authority.ca.issue_cert("other@example.com").private_key_pem.write_to_path(other)
    locked = tmp_path / "locked.pem"
    key = load_pem_private_key(badge.pem, None)
    locked.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    key_file = {"not there": tmp_path / "none.pem", "another's key": other, "a passphrase": locked}[files]
    pair = ClientCertificate(badge.cert, str(key_file))
    record = await send("https://127.0.0.1:9/v1/x", ca_file=authority.file, client_certificate=pair)
    assert record.failure is not None
    assert record.failure.code == "client_certificate"
    assert {"not there": "not there", "another's key": "belongs to it", "a passphrase": "has a passphrase"}[
        files
    ] in record.failure.message


TOMORROW = YESTERDAY + datetime.timedelta(days=2)
NEXT_WEEK = TOMORROW + datetime.timedelta(days=7)
BAD_CERTIFICATES = {
    "unknown authority": ({}, False, "certificate_unknown_authority", ("local issuer", "CA file")),
    "another host": (
        {"names": ("example.com",)},
        True,
        "certificate_other_name",
        ("not valid for", "by a name"),
    ),
    "expired": (
        {"not_before": LAST_WEEK, "not_after": YESTERDAY},
        True,
        "certificate_expired",
        ("has expired", "renew"),
    ),
    "not yet valid": (
        {"not_before": TOMORROW, "not_after": NEXT_WEEK},
        True,
        "certificate_not_yet_valid",
        ("not yet valid", "clock"),
    ),
}
"""What the certificate is, whether its authority is known, the failure's code, and words of its message."""


@pytest.mark.parametrize("transport", ["own", "httpx"])
@pytest.mark.parametrize("case", BAD_CERTIFICATES)
async def test_a_bad_certificate_is_refused_by_name(authority: Authority, case: str, transport: str) -> None:
    """A certificate that cannot be trusted ends the exchange in phase tls, with what is wrong in the message."""
    fields, known, code, words = BAD_CERTIFICATES[case]
    names = fields.get("names", ("127.0.0.1",))
    dates = {key: value for key, value in fields.items() if key != "names"}
    async with hostile(keep_alive(STREAM), authority.server(*names, **dates)) as server:
        record = await send(server.url, ca_file=authority.file if known else None, transport=transport)
    assert record.failure is not None
    assert (record.failure.kind, record.failure.phase, record.failure.code) == ("network", "tls", code)
    assert record.failure.retryable is False
    assert [word for word in words if word not in record.failure.message] == []
    assert record.peer == "127.0.0.1"
    assert record.head is None
    assert record.phases.written is None


@contextlib.contextmanager
def refusing(context: ssl.SSLContext) -> Iterator[int]:
    """The port of a server that breaks the session off with an alert; asyncio's own would hang up without one."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    def serve() -> None:
        with listener:
            session = context.wrap_socket(listener.accept()[0], server_side=True, do_handshake_on_connect=False)
        session.settimeout(10)
        with contextlib.suppress(ssl.SSLError):
            session.do_handshake()
        with socket.socket(fileno=session.detach()) as plain:  # read on: a reset would overtake the alert
            plain.settimeout(10)
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(65_536):
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1]
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("transport", ["own", "httpx"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_certificate_that_is_wanted_is_named(
    authority: Authority, version: ssl.TLSVersion, transport: str
) -> None:
    """A server that demands one refuses inside the handshake (1.2) or behind it (1.3); either way TLS is at fault."""
    context = authority.server()
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    authority.ca.configure_trust(context)
    with refusing(context) as port:
        record = await send(f"https://127.0.0.1:{port}/v1", ca_file=authority.file, transport=transport)
    assert record.failure is not None
    assert (record.failure.kind, record.failure.phase, record.failure.retryable) == ("network", "tls", False)
    assert "client certificate" in record.failure.message


@pytest.mark.parametrize("transport", ["own", "httpx"])
async def test_plain_http_behind_https_is_told(transport: str) -> None:
    """A server that answers a TLS greeting in plain HTTP wants another scheme; no retry mends that."""

    async def script(peer: Peer) -> None:
        await peer.send(sized(b"", status=b"400 Bad Request"))
        await peer.silence()

    async with hostile(script) as server:
        record = await send(server.url.replace("http:", "https:"), transport=transport)
    assert record.failure is not None
    assert (record.failure.phase, record.failure.code, record.failure.retryable) == ("tls", "no_tls", False)
    assert "http://" in record.failure.message


@pytest.mark.parametrize(
    ("opening", "code", "word"),
    [
        pytest.param(b"\x15\x03\x01\0\x02\x02\x46", "tls_port", "https://", id="a TLS alert"),
        pytest.param(b"\0\0\x12\x04" + b"\0" * 23, "http2_only", "http2", id="SETTINGS of HTTP/2"),
        pytest.param(b"\0\0\x08\x07" + b"\0" * 13, "http2_only", "http2", id="GOAWAY of HTTP/2"),
        pytest.param(b"\0\0\x08\x09" + b"\0" * 13, None, "HTTP/", id="no frame that comes first"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", None, "HTTP/", id="SSH"),
    ],
)
async def test_another_protocol_is_named_by_its_first_bytes(opening: bytes, code: str | None, word: str) -> None:
    """What answers a plain request in TLS or HTTP/2 is told as that, with the setting that reaches it."""
    async with hostile(reply(opening)) as server:
        record = await send(server.url)
    assert record.failure is not None
    assert (record.failure.kind, record.failure.code) == ("protocol", code)
    assert word in record.failure.message


async def test_a_server_of_http2_alone_is_suspected(authority: Authority) -> None:
    """Closed without an answer, over a session for which no protocol was agreed on: the words say what that may be."""

    async def script(peer: Peer) -> None:
        await peer.request()

    context = authority.server()
    context.set_alpn_protocols(["h2"])
    async with hostile(script, context) as server:
        alone = await send(server.url, ca_file=authority.file)
    context = authority.server()
    context.set_alpn_protocols(["h2", "http/1.1"])
    async with hostile(script, context) as server:
        both = await send(server.url, ca_file=authority.file)
    assert [one.failure.kind for one in (alone, both) if one.failure] == ["network", "network"]
    assert alone.failure is not None
    assert both.failure is not None
    assert ("http2" in alone.failure.message, "http2" in both.failure.message) == (True, False)


async def test_the_name_is_kept_although_the_address_is_dialled(authority: Authority) -> None:
    """Host header, SNI and certificate check have the name; the socket has the judged address."""
    asked: list[str | None] = []
    context = authority.server("bench.example.com")
    context.sni_callback = lambda _sock, name, _context: asked.append(name)
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.send(STREAM)

    async with hostile(script, context) as server:
        record = await send(
            f"https://bench.example.com:{server.port}/v1/chat/completions",
            lookup=lambda host: ["127.0.0.1"],
            ca_file=authority.file,
        )
    assert record.failure is None
    assert asked == ["bench.example.com"]
    assert f"host: bench.example.com:{server.port}\r\n".encode() in seen[0]
    assert record.peer == "127.0.0.1"


async def plain_http(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def silent(peer: Peer) -> None:
    await peer.silence()


async def closed(peer: Peer) -> None:
    await asyncio.sleep(0)


async def reset(peer: Peer) -> None:
    await asyncio.sleep(0.02)
    peer.reset()


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        (plain_http, "network", "plain http"),
        (silent, "timeout", "TLS"),
        (closed, "network", ""),
        (reset, "network", ""),
    ],
)
async def test_a_handshake_that_fails_is_a_failure_of_tls(
    script: Callable[[Peer], Awaitable[None]], kind: str, words: str
) -> None:
    """Whatever stands in the place of a handshake ends in phase tls, in time."""
    async with hostile(script) as server:
        url = server.url.replace("http:", "https:")
        record = await send(url, timeouts=Timeouts(connect=0.4, first_byte=2, idle=2, total=5))
    assert record.failure is not None
    assert (record.failure.kind, record.failure.phase) == (kind, "tls")
    assert words in record.failure.message


async def test_unverified_is_for_loopback_and_local_only(authority: Authority) -> None:
    """Without verification a loopback server is read in profile local; profile shared refuses before connecting."""
    async with hostile(keep_alive(STREAM), authority.server("example.com")) as server:
        local = await send(server.url, verify=False)
        policy = {"allow_cidrs": ["127.0.0.0/8"], "allow_ports": [server.port]}
        shared = await send(server.url, verify=False, profile="shared", policy=policy)
    assert local.failure is None
    assert shared.failure is not None
    assert (shared.failure.kind, shared.failure.code) == ("egress", "tls_verify_required")
    assert len(server.peers) == 1


@pytest.mark.parametrize("address", ["93.184.216.34", "100.64.0.1", "198.18.0.1"])
async def test_unverified_is_refused_beyond_loopback_and_private(address: str) -> None:
    """Without verification nothing is sent to another address, not even in profile local."""
    record = await send("https://bench.example.com/v1", lookup=lambda host: [address], verify=False)
    assert record.failure is not None
    assert (record.failure.kind, record.failure.code) == ("egress", "tls_verify_required")


@pytest.mark.parametrize("transport", ["own", "httpx"])
async def test_a_ca_file_that_is_none_is_named(tmp_path: Path, transport: str) -> None:
    """A CA file that is missing or holds no certificate ends the exchange before connecting, in words."""
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for name in (str(empty), str(tmp_path / "missing.pem")):
        record = await send("https://127.0.0.1:1/v1", ca_file=name, transport=transport)
        assert record.failure is not None
        assert record.failure.code == "ca_file"


async def test_the_environment_names_no_authorities(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSL_CERT_FILE is not read: an authority that only the environment names is unknown."""
    monkeypatch.setenv("SSL_CERT_FILE", authority.file)
    async with hostile(keep_alive(STREAM), authority.server()) as server:
        record = await send(server.url)
    assert record.failure is not None
    assert record.failure.phase == "tls"


async def test_a_session_that_breaks_keeps_what_came(authority: Authority) -> None:
    """Bytes that are no TLS record in the middle of a stream end it as a network failure; what came is kept."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(chunked(event("a"), last=b""))
        await asyncio.sleep(0.02)
        sock = peer._writer.get_extra_info("socket")
        os.write(sock.fileno(), b"this is no TLS record")
        await peer.silence()

    async with hostile(script, authority.server()) as server:
        record = await send(server.url, ca_file=authority.file)
    assert record.failure is not None
    assert (record.failure.kind, record.end) == ("network", "reset")
    assert record.chunks[0][1] == event("a")


async def test_a_body_may_end_with_the_connection(authority: Authority) -> None:
    """A body without a length ends cleanly with the connection, over TLS as without."""
    async with hostile(reply(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}"), authority.server()) as server:
        record = await send(server.url, ca_file=authority.file)
    assert (record.failure, record.end) == (None, "eof")


@pytest.mark.parametrize("clock", ["kernel", "user"])
@pytest.mark.parametrize(
    ("answer", "kind", "end"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n{}", "network", "reset", id="as long as the connection"),
        pytest.param(sized(b"{}"), None, "eof", id="with a length"),
        pytest.param(STREAM, None, "done", id="a stream"),
    ],
)
async def test_a_socket_closed_under_tls_may_have_been_cut(
    authority: Authority, clock: Any, answer: bytes, kind: str | None, end: str
) -> None:
    """Without the session's end, a body that has no other end is not taken for a whole one."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)
        await asyncio.sleep(0.02)
        sock = peer._writer.get_extra_info("socket")
        sock.shutdown(socket.SHUT_WR)
        await peer.silence()

    async with hostile(script, authority.server()) as server, Client(clock=clock) as client:
        request = WireRequest(id="t", url=server.url, ca_file=authority.file, terminator="sse-done", timeouts=QUICK)
        record = await client.send_request(request)
    assert (record.failure and record.failure.kind, record.end) == (kind, end)
