"""Servers whose bodies are framed wrongly, or end where they should not."""

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
    frame,
    reply,
    sized,
)
from support.hostile_case import TOTAL, Case, whole

CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
STREAM = OK + SSE + CHUNKED
A = event("a")
FRAMES = frame(A) + b"0\r\n\r\n"
ENDINGS: dict[Ending, tuple[str, str]] = {
    "close": ("network", "reset"), "reset": ("network", "reset"), "half": ("network", "reset"),
    "silence": ("timeout", "stall"),
}  # fmt: skip
CUTS = {
    "behind the head": (STREAM, b""),
    "behind a chunk": (STREAM + frame(A), A),
    "in a size": (STREAM + frame(A) + b"5", A),
    "in a chunk": (STREAM + frame(A) + b"50\r\nhel", A + b"hel"),
    "before the line end of a chunk": (STREAM + b"%x\r\n" % len(A) + A, A),
    "in the last chunk": (STREAM + frame(A) + b"0\r\n", A),
    "with a coding in capitals": (OK + SSE + CHUNKED.replace(b"chunked", b"CHUNKED") + frame(A), A),
    "short of its length": (OK + SSE + b"content-length: 500\r\n\r\n" + A, A),
}
BAD_LENGTHS = (b"-2", b"two", b"+2", b"2 2", b"2, 3", b"0x2", b"2.0", b"9" * 30, b"18446744073709551616", b"")
BAD_CODINGS = (b"gzip, chunked", b"chunked, gzip", b"chunked, chunked", b"xchunked", b"chunked;q=1")
BAD_CHUNKS = {
    "a size that is no number": b"xyz\r\n",
    "a negative size": b"-5\r\nhello\r\n",
    "no size": b"\r\nhello\r\n",
    "a size with 0x": b"0x5\r\nhello\r\n",
    "a size beyond 64 bits": b"f" * 17 + b"\r\n",
    "a size behind a blank": b" 5\r\nhello\r\n",
    "a size ended by CR": b"5\rhello\r\n",
    "a size ended by LF": b"5\nhello\n0\n\n",
    "more data than its size": b"2\r\nhello\r\n0\r\n\r\n",
    "no line end behind the data": b"5\r\nhello5\r\nhello\r\n",
    "data outside of it": b"data: x\n\n",
    "NUL for a size": b"\0\r\n",
}
LENIENT_IN_STOCK = {
    "a size beyond 64 bits", "a size ended by LF", "data outside of it", "NUL for a size",
}  # fmt: skip


async def reset_under_done(peer: Peer) -> None:
    await peer.request()
    await peer.send(STREAM + frame(A) + frame(DONE))
    peer.reset()


def length(value: bytes, body: bytes = b"{}") -> bytes:
    return OK + JSON + b"content-length: " + value + b"\r\n\r\n" + body


def coding(value: bytes, body: bytes = FRAMES) -> bytes:
    return OK + SSE + b"transfer-encoding: " + value + b"\r\n\r\n" + body


CASES = [
    # Lengths.
    *[
        Case(
            f"length {value.decode() or 'without a number'}",
            reply(length(value)),
            "protocol",
            "headers",
            "reset",
            stock=len(value) < 19,
        )
        for value in BAD_LENGTHS
    ],
    Case(
        "two lengths",
        reply(OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}"),
        "protocol",
        "headers",
        "reset",
    ),
    whole("a length of zeros and blanks", reply(length(b"  0002 ")), body=b"{}"),
    Case("less than the length", reply(length(b"20")), "network", "body", "reset", body=b"{}"),
    Case(
        "less than the length, then a reset",
        reply(length(b"20"), then="reset"),
        "network",
        "body",
        "reset",
        body=b"{}",
    ),
    Case(
        "less than the length, then silence",
        reply(length(b"20"), then="silence"),
        "timeout",
        "body",
        "stall",
        body=b"{}",
    ),
    whole("more than the length", reply(length(b"2", b"{}{}{}")), body=b"{}"),
    whole("more than the length without end", flooding(length(b"2"), b"{}" * 500), body=b"{}"),
    whole("a second response behind the first", reply(sized(b"{}") + sized(b"evil")), body=b"{}"),
    whole("204 with a body", reply(b"HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n{}"), body=b""),
    whole("304 with a body", reply(b"HTTP/1.1 304 Same\r\ncontent-length: 2\r\n\r\n{}"), body=b"", status=304),
    whole(
        "204 with a chunked body to come",
        reply(b"HTTP/1.1 204 No Content\r\n" + CHUNKED, then="silence"),
        body=b"",
    ),
    # Transfer codings.
    *[
        Case(
            f"transfer coding {value.decode()}",
            reply(coding(value)),
            "protocol",
            "headers",
            "reset",
            stock=False,
        )
        for value in BAD_CODINGS
    ],
    whole("transfer coding Chunked", reply(coding(b"Chunked")), body=A),
    Case(
        "length and chunked",
        reply(OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        "protocol",
        "headers",
        stock=False,
    ),
    Case(
        "chunked and length",
        reply(OK + b"transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n0\r\n\r\n"),
        "protocol",
        "headers",
        stock=False,
    ),
    # Chunks.
    *[
        Case(
            f"a chunk with {name}{pause}",
            reply(STREAM + frame(A) + bad, then="silence" if pause else "close"),
            "protocol",
            "stream",
            "reset",
            body=A if bad[:1] != b"2" and bad[:6] != b"5\r\nhel" else None,
            stock=name not in LENIENT_IN_STOCK,
        )
        for name, bad in BAD_CHUNKS.items()
        for pause in ("", ", then silence")
    ],
    whole(
        "an extension of a chunk",
        reply(OK + SSE + CHUNKED + b'%x;a=b;c="d"\r\n' % len(A) + A + b"\r\n0\r\n\r\n"),
        body=A,
    ),
    whole(
        "a size with zeros before it",
        reply(OK + SSE + CHUNKED + b"0000%x\r\n" % len(A) + A + b"\r\n0\r\n\r\n"),
        body=A,
    ),
    whole(
        "a chunk for each byte",
        reply(OK + SSE + CHUNKED + b"".join(frame(A[at : at + 1]) for at in range(len(A))) + b"0\r\n\r\n"),
        body=A,
    ),
    whole("trailers", reply(chunked(A, last=b"0\r\nx-t: 1\r\n\r\n")), body=A),
    Case(
        "endless trailers",
        flooding(chunked(A, last=b"0\r\n"), b"x-trailer: y\r\n" * 10),
        "protocol",
        "stream",
        "limit",
        body=A,
        stock=False,
    ),
    Case(
        "endless chunk extension",
        flooding(STREAM + frame(A) + b"5;", b"e" * 1000),
        "protocol",
        "stream",
        "limit",
        body=A,
        stock=False,
    ),
    Case(
        "endless zeros before a size",
        flooding(STREAM + frame(A), b"0" * 1000),
        "protocol",
        "stream",
        None,
        body=A,
        stock=False,
    ),
    # Ends.
    *[
        Case(
            f"{ending} {where}",
            reply(part, then=ending),
            kind,
            "stream",
            end,
            body=body,
            stock="in a size" not in where,
        )
        for where, (part, body) in CUTS.items()
        for ending, (kind, end) in ENDINGS.items()
    ],
    whole("no length, closed", reply(OK + JSON + b"connection: close\r\n\r\n{}"), body=b"{}"),
    Case("no length, reset", reply(OK + JSON + b"\r\n{", then="reset"), "network", "body", "reset", body=b"{"),
    whole("HTTP/1.0", reply(b"HTTP/1.0 200 OK\r\n" + JSON + b"\r\n{}"), body=b"{}"),
    whole(
        "HTTP/1.0 kept alive",
        reply(b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}", then="silence"),
        body=b"{}",
    ),
    Case("drip of a byte at a time", dripping(OK + SSE + b"\r\n", b":"), "timeout", "stream", "limit", TOTAL),
    whole(
        "redirect to itself",
        reply(b"HTTP/1.1 302 Found\r\nlocation: /v1/chat/completions\r\ncontent-length: 0\r\n\r\n"),
        status=302,
    ),
    # The terminator.
    Case("done", reply(chunked(A, DONE)), None, None, "done"),
    *[
        Case(
            f"{ending} behind done",
            reply(STREAM + frame(A) + frame(DONE), then=ending),
            None,
            None,
            "done",
            body=A + DONE,
        )
        for ending in ENDINGS
    ],
    Case("reset right under done", reset_under_done, None, None, "done", body=A + DONE),
    Case(
        "open after done",
        reply(chunked(A, DONE, last=b""), then="silence"),
        None,
        None,
        "done",
        flag="open_after_done",
    ),
    Case("a flood behind done", flooding(OK + SSE + b"\r\n" + A + DONE, A * 10), None, None, "done"),
    Case(
        "a drip behind done",
        dripping(OK + SSE + b"\r\n" + A + DONE, b":\n"),
        None,
        None,
        "done",
        flag="open_after_done",
    ),
    Case("framing breaks behind done", reply(chunked(DONE, last=b"xyz\r\n")), None, None, "done"),
    Case(
        "late bytes behind done are kept",
        reply(chunked(DONE, event("late"))),
        None,
        None,
        "done",
        body=DONE + event("late"),
    ),
    Case(
        "done with CR for line ends",
        reply(OK + SSE + b"\r\n" + (A + DONE).replace(b"\n", b"\r"), then="silence"),
        None,
        None,
        "done",
    ),
    Case(
        "done in a stream labelled JSON",
        reply(OK + JSON + b"\r\n" + A + DONE, then="silence"),
        None,
        None,
        "done",
        flag="open_after_done",
    ),
    whole("no done", reply(chunked(A))),
    Case(
        "done without its blank line",
        reply(OK + SSE + b"\r\n" + A + DONE[:-1], then="silence"),
        "timeout",
        "stream",
        "stall",
    ),
    whole("done in words only", reply(chunked(event("[DONE]"), event("x"))), body=event("[DONE]") + event("x")),
]
