"""Case files: Markdown that says what a server sent and what must be read from it. No sockets, no judging.

A file holds cases, each under a `## Title` with a sentence that says why. Lines of the form `schema: NAME`
(chat, responses, messages, models; chat if not said) stand by themselves. Fenced blocks, in this order:

    request   the recorded request body, JSON (or, if it does not parse, its bytes); starts an exchange
    response  status line, then headers; default `200` and what the body block implies
    sse json html text   the body as it stands
    bytes     the body, one network chunk a line with Python bytes escapes, and commands
    raw       the same for a whole connection: the server adds no HTTP framing at all
    findings  `[optional] severity id [event=N] [offset=N]` a line; no block = none
    output    JSON, the members that are asserted
    failure   `kind`, `retryable`, `retry_after_s`, `message`, `status` as `name: value`; no block = none;
              the single word `any` = not asserted

Commands: `@pause SECONDS`, `@reset` (connection reset), `@eof` (connection closed at once, nothing added;
without it the body is ended as its framing asks), `@repeat N BYTES` (one chunk), `@each N SECONDS BYTES`
(N chunks, a pause before each), `@gzip`, `@deflate`, `@rawdeflate` (coding of all that follows, chunk by chunk).
"""

import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

HERE = Path(__file__).parent.parent
PAGES = HERE / "checks" / "cases"
STREAMS = HERE / "streams"
ANSWERS = HERE / "answers"

IDLE_S = 0.5
"""Idle limit under which cases are read; a pause above it is a stall."""

Step = bytes | float | Literal["reset", "eof"]
"""One network chunk, a pause in seconds, or an abrupt end."""

_CHAT = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
DEFAULT_REQUESTS = {
    "chat": _CHAT,
    "messages": {**_CHAT, "max_tokens": 100},
    "responses": {"model": "m", "stream": True, "input": "Hi"},
    "models": {},
}
_MEDIA = {
    "sse": "text/event-stream",
    "bytes": "text/event-stream",
    "json": "application/json",
    "html": "text/html",
    "text": "text/plain",
    "raw": "",
}
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FACT = re.compile(r"^(schema): *(\S+)$", re.MULTILINE)
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|[nrt\\\"'])")
_CODINGS = {"@gzip": 31, "@deflate": 15, "@rawdeflate": -15}
"""Command → zlib's window bits."""
_PLAIN = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"\\": b"\\", b'"': b'"', b"'": b"'"}


@dataclass(frozen=True)
class Reply:
    """What the server does on one connection."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]
    raw: bool = False
    """The steps are the whole connection, status line included."""

    def header(self, name: str) -> str | None:
        """Value of a header, `name` in lower case."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def stalls(self) -> bool:
        """Whether a pause is longer than the idle limit."""
        return any(isinstance(step, float) and step > IDLE_S for step in self.steps)


@dataclass(frozen=True)
class Turn:
    """One request and its reply."""

    request: bytes
    reply: Reply

    @property
    def body(self) -> dict[str, Any]:
        """The request body as an object."""
        value: dict[str, Any] = json.loads(self.request)
        return value


@dataclass(frozen=True)
class Expected:
    """One line of a `findings` block."""

    check: str
    severity: str
    event: int | None = None
    offset: int | None = None
    optional: bool = False


@dataclass(frozen=True)
class Case:
    """One case of a file."""

    file: str
    title: str
    why: str
    schema: str
    turns: tuple[Turn, ...]
    findings: tuple[Expected, ...] = ()
    output: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None
    """None: none expected; empty: not asserted."""
    blocks: tuple[tuple[str, str], ...] = field(default=(), compare=False, repr=False)
    """(kind, text) as written, for the pages."""

    def __str__(self) -> str:
        return f"{self.file}/{re.sub(r'[^a-z0-9]+', '-', self.title.lower()).strip('-')}"

    @property
    def bad(self) -> bool:
        """Whether the rule that names the file is broken in it."""
        return any(expected.check == self.file for expected in self.findings)


@cache
def load(folder: Path) -> tuple[Case, ...]:
    """Every case of every file in a folder, in the order of names and lines."""
    return tuple(case for path in sorted(folder.glob("*.md")) for case in parse(path.stem, path.read_text("utf-8")))


def parse(file: str, text: str) -> Iterator[Case]:
    """The cases of one file; ValueError names the case that cannot be read."""
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, rest = section.partition("\n")
        try:
            yield _case(file, title.strip(), rest)
        except (ValueError, KeyError, IndexError) as error:
            raise ValueError(f"{file}.md, case {title.strip()!r}: {error}") from error


def _case(file: str, title: str, text: str) -> Case:
    blocks = tuple((kind, body) for kind, body in _FENCE.findall(text))
    prose = _FENCE.sub("", text)
    facts = dict(_FACT.findall(prose))
    after = {kind: body for kind, body in blocks if kind in ("findings", "output", "failure")}
    schema = facts.get("schema", "chat")
    turns = tuple(_turns(blocks, schema))
    if not turns:
        raise ValueError("no body block")
    return Case(
        file=file,
        title=title,
        why=" ".join(_FACT.sub("", prose).split()),
        schema=schema,
        turns=turns,
        findings=tuple(_expected(line) for line in after.get("findings", "").splitlines() if line.strip()),
        output=json.loads(after["output"]) if "output" in after else None,
        failure=_failure(after["failure"]) if "failure" in after else None,
        blocks=blocks,
    )


def _turns(blocks: tuple[tuple[str, str], ...], schema: str) -> Iterator[Turn]:
    request: str | None = None
    response = ""
    for kind, text in blocks:
        if kind == "request":
            request = text
        elif kind == "response":
            response = text
        elif kind in _MEDIA:
            yield Turn(_request(request, schema), _reply(response, kind, text))
            request, response = None, ""
        elif kind not in ("findings", "output", "failure"):
            raise ValueError(f"unknown block {kind!r}")


def _request(text: str | None, schema: str) -> bytes:
    if text is None:
        return json.dumps(DEFAULT_REQUESTS[schema]).encode()
    try:
        return json.dumps(json.loads(text)).encode()
    except ValueError:
        return text.strip().encode()


def _reply(response: str, kind: str, text: str) -> Reply:
    lines = [line for line in response.splitlines() if line.strip()]
    status, _, reason = (lines.pop(0) if lines and lines[0][:3].isdigit() else "200 OK").partition(" ")
    headers = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    names = {name.lower() for name, _ in headers}
    if "content-type" not in names and _MEDIA[kind]:
        headers.insert(0, ("content-type", _MEDIA[kind]))
    body = text.encode()
    steps = tuple(_steps(text)) if kind in ("bytes", "raw") else (body,) if body else ()
    if kind in ("json", "html", "text") and "transfer-encoding" not in names:
        headers.append(("content-length", str(len(body))))
    return Reply(
        status=int(status),
        reason=reason,
        # `content-type: none` in a case file stands for a response without the header.
        headers=tuple((name, value) for name, value in headers if value != "none"),
        steps=steps,
        raw=kind == "raw",
    )


def _steps(text: str) -> Iterator[Step]:
    coder = None
    for line in text.split("\n"):
        command, _, rest = line.partition(" ")
        if not line:
            continue
        if command == "@pause":
            yield float(rest)
        elif command == "@reset":
            yield "reset"
        elif command == "@eof":
            yield "eof"
        elif command in _CODINGS:
            coder = zlib.compressobj(wbits=_CODINGS[command])
        elif command == "@repeat":
            count, _, data = rest.partition(" ")
            yield _coded(coder, unescape(data) * int(count))
        elif command == "@each":
            count, seconds, data = rest.split(" ", 2)
            for _ in range(int(count)):
                yield float(seconds)
                yield _coded(coder, unescape(data))
        elif command.startswith("@"):
            raise ValueError(f"unknown command {command!r}")
        else:
            yield _coded(coder, unescape(line))
    if coder is not None:
        yield coder.flush()


def _coded(coder: Any, data: bytes) -> bytes:
    return data if coder is None else coder.compress(data) + coder.flush(zlib.Z_SYNC_FLUSH)


def unescape(line: str) -> bytes:
    """A line of a `bytes` block as the bytes it stands for."""

    def one(match: re.Match[bytes]) -> bytes:
        code = match[1]
        return bytes([int(code[1:], 16)]) if code[:1] == b"x" else _PLAIN[code]

    return _ESCAPE.sub(one, line.encode())


def _expected(line: str) -> Expected:
    words = line.split()
    optional = words[0] == "optional"
    severity, check, *places = words[optional:]
    if severity not in ("error", "warn", "info"):
        raise ValueError(f"no severity {severity!r}")
    where = {name: int(value) for name, _, value in (place.partition("=") for place in places)}
    return Expected(check, severity, where.get("event"), where.get("offset"), optional)


def _failure(text: str) -> dict[str, Any]:
    if text.strip() == "any":
        return {}
    found: dict[str, Any] = {}
    for line in text.strip().splitlines():
        name, _, value = line.partition(":")
        if name not in ("kind", "retryable", "retry_after_s", "message", "status"):
            raise ValueError(f"unknown member of failure: {name!r}")
        value = value.strip()
        found[name] = value if name in ("kind", "message") else json.loads(value)
    return found
