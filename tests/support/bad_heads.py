"""Servers that give no answer, or something that is no HTTP response head."""

import asyncio

from support.hostile import (
    DONE,
    JSON,
    OK,
    SSE,
    Ending,
    Peer,
    chunked,
    dripping,
    event,
    flooding,
    reply,
    sized,
)
from support.hostile_case import TOTAL, Case, whole

CHUNKED = b"transfer-encoding: chunked\r\n"
GOOD = chunked(event("a"), DONE)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


async def closed_at_once(peer: Peer) -> None:
    await asyncio.sleep(0)


async def reset_at_once(peer: Peer) -> None:
    peer.reset()


async def silent(peer: Peer) -> None:
    await peer.silence()


async def banner_first(peer: Peer) -> None:
    await peer.send(b"220 mail.example ESMTP\r\n")
    await peer.silence()


async def early_refusal(peer: Peer) -> None:
    """Answers before the request is read."""
    await peer.send(sized(b'{"error":"no"}', JSON[:-2], b"connection: close", status=b"413 Too Large"))
    await asyncio.sleep(0.05)


async def dripping_interim(peer: Peer) -> None:
    await peer.request()
    for _ in range(8):
        await peer.send(b"HTTP/1.1 102 Processing\r\n\r\n")
        await asyncio.sleep(0.1)
    await peer.silence()


def head_of(size: int) -> bytes:
    """A response whose head has exactly `size` bytes."""
    start = OK + b"content-length: 2\r\nx: "
    return start + b"y" * (size - len(start) - 4) + b"\r\n\r\n{}"


def with_field(field: bytes) -> bytes:
    return OK + SSE + field + b"\r\n" + CHUNKED + b"\r\n" + GOOD.partition(b"\r\n\r\n")[2]


ENDINGS: dict[Ending, tuple[str, str]] = {
    "close": ("network", "reset"), "reset": ("network", "reset"), "half": ("network", "reset"),
    "silence": ("timeout", "stall"),
}  # fmt: skip
CUT_HEADS = {
    "before a byte": b"",
    "in the version": b"HTTP/1.",
    "in the status": b"HTTP/1.1 20",
    "behind the status line": OK,
    "in a field": OK + b"content-ty",
    "before the last line end": OK + SSE + b"\r",
    "behind an interim answer": CONTINUE,
}
NO_HTTP = {
    "HTML without a head": b"<html>hello</html>",
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a server of HTTP/2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03",
    "a TLS alert": b"\x15\x03\x03\x00\x02\x02\x46",
    "JSON without a head": b'{"error":"x"}\n',
    "zeros": b"\0" * 100,
    "HTTP/0.9 in words": b"HTTP/0.9 200 OK\r\ncontent-length: 0\r\n\r\n",
    "HTTP/2.0 in words": b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\ncontent-length: 0\r\n\r\n",
    "HTTP/3.0": b"HTTP/3.0 200 OK\r\ncontent-length: 0\r\n\r\n",
    "RTSP": b"RTSP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
    "Icecast": b"ICY 200 OK\r\n\r\n",
    "small letters": b"http/1.1 200 ok\r\n\r\n",
    "a request": b"GET / HTTP/1.1\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "status 000": b"HTTP/1.1 000 Nil\r\ncontent-length: 0\r\n\r\n",
    "switching protocols": b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nhi",
}
BAD_FIELDS = {
    "without a colon": b"what",
    "with a blank before the colon": b"x : y",
    "with a blank in its name": b"x y: z",
    "without a name": b": y",
    "with NUL": b"x: a\0b",
    "with NUL in its name": b"x\0: a",
    "with a lone CR": b"x: a\rb",
    "with a control character": b"x: a\1b",
    "folded": b"x: a\r\n b",
}
GOOD_FIELDS = {
    "in latin-1": b"x: caf\xe9",
    "in UTF-8": "x: über".encode(),
    "empty": b"x:",
    "long": b"x: " + b"y" * 60_000,
}
LENIENT_IN_STOCK = {
    "HTML without a head", "SSH", "JSON without a head", "folded", "with a control character",
}  # fmt: skip

CASES = [
    Case("closed at once", closed_at_once, "network"),
    Case("reset at once", reset_at_once, "network"),
    Case("accepts and says nothing", silent, "timeout", "headers", "stall"),
    *[
        Case(f"{ending} {where}", reply(part, then=ending), kind, "headers", end)
        for where, part in CUT_HEADS.items()
        for ending, (kind, end) in ENDINGS.items()
    ],
    Case("interim answers do not stop the first-byte clock", dripping_interim, "timeout", "headers", "stall"),
    Case("drip of header bytes", dripping(OK, b"x"), "timeout", "headers", "limit", TOTAL),
    Case("drip of a status line", dripping(b"HTTP/1.1 200 ", b"x"), "timeout", "headers", "limit", TOTAL),
    whole("the answer comes before the request was read", early_refusal, status=413),
    # Not HTTP.
    *[
        Case(name, reply(head), "protocol", "headers", "reset", stock=name not in LENIENT_IN_STOCK)
        for name, head in NO_HTTP.items()
    ],
    *[
        Case(f"{name}, then silence", reply(head, then="silence"), "protocol", "headers", "reset", stock=False)
        for name, head in NO_HTTP.items()
    ],
    Case("a banner before the request", banner_first, "protocol", None, "reset", stock=False),
    *[
        Case(
            f"a field {name}",
            reply(with_field(field)),
            "protocol",
            "headers",
            "reset",
            stock=name not in LENIENT_IN_STOCK,
        )
        for name, field in BAD_FIELDS.items()
    ],
    *[
        Case(f"a field {name} is read", reply(with_field(field)), None, None, "done", body=event("a") + DONE)
        for name, field in GOOD_FIELDS.items()
    ],
    whole("bare LF in the head", reply(b"HTTP/1.1 200 OK\ncontent-length: 2\n\n{}"), body=b"{}"),
    whole("no reason", reply(b"HTTP/1.1 200\r\ncontent-length: 2\r\n\r\n{}"), body=b"{}"),
    # Limits of a head.
    Case("endless header line", flooding(OK + b"x: ", b"a" * 1000), "protocol", "headers", "limit", stock=False),
    Case("endless headers", flooding(OK, b"x: y\r\n" * 100), "protocol", "headers", "limit", stock=False),
    Case(
        "endless status line",
        flooding(b"HTTP/1.1 200 ", b"O" * 1000),
        "protocol",
        "headers",
        "limit",
        stock=False,
    ),
    Case(
        "endless blank lines before a head",
        flooding(b"", b"\r\n" * 100),
        "protocol",
        "headers",
        "limit",
        stock=False,
    ),
    whole("200 header lines", reply(OK + b"x: y\r\n" * 199 + b"content-length: 0\r\n\r\n"), status=200),
    Case(
        "201 header lines",
        reply(OK + b"x: y\r\n" * 200 + b"content-length: 0\r\n\r\n"),
        "protocol",
        "headers",
        "limit",
    ),
    whole("a head of 64 KiB", reply(head_of(65_536)), body=b"{}"),
    Case("a head of 64 KiB and a byte", reply(head_of(65_537)), "protocol", "headers", "limit", stock=False),
    whole(
        "a head of 64 KiB in two parts",
        reply(head_of(65_536)[:40_000], 0.02, head_of(65_536)[40_000:]),
        body=b"{}",
    ),
    Case(
        "a head of 64 KiB and a byte in two parts",
        reply(head_of(65_537)[:40_000], 0.02, head_of(65_537)[40_000:]),
        "protocol",
        "headers",
        "limit",
        stock=False,
    ),
    Case(
        "100 KiB of blanks before a value",
        reply(OK + b"x:" + b" " * 102_400 + b"y\r\ncontent-length: 0\r\n\r\n"),
        "protocol",
        "headers",
        "limit",
        stock=False,
    ),
    Case(
        "a reason of 60 KiB and 8 KiB of headers",
        reply(b"HTTP/1.1 200 " + b"O" * 61_440 + b"\r\nx: " + b"y" * 8192 + b"\r\ncontent-length: 0\r\n\r\n"),
        "protocol",
        "headers",
        "limit",
    ),
    # Interim answers.
    Case("endless interim answers", flooding(b"", CONTINUE), "protocol", "headers", "limit", stock=False),
    whole("ten interim answers", reply(CONTINUE * 10 + sized(b"{}")), body=b"{}"),
    Case(
        "eleven interim answers",
        reply(CONTINUE * 11 + sized(b"{}")),
        "protocol",
        "headers",
        "limit",
        stock=False,
    ),
    whole(
        "an interim answer with fields and a length",
        reply(b"HTTP/1.1 103 Early\r\ncontent-length: 5\r\n\r\n" + sized(b"{}")),
        body=b"{}",
    ),
    whole(
        "each head has its own limit",
        reply(
            b"HTTP/1.1 103 Early\r\nx: " + b"y" * 40_000 + b"\r\n\r\n",
            0.02,
            head_of(40_000)[:-3],
            0.02,
            head_of(40_000)[-3:],
        ),
        body=b"{}",
    ),
    Case(
        "an interim answer of 70 KiB",
        reply(b"HTTP/1.1 103 Early\r\nx: " + b"y" * 70_000 + b"\r\n\r\n" + sized(b"{}")),
        "protocol",
        "headers",
        "limit",
        stock=False,
    ),
]
