"""Look for a planted key in everything that a program leaves behind: files, output, process list."""

import base64
import contextlib
import functools
import json
import sqlite3
import threading
import urllib.parse
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from byok_bench.runs.figures import expand_column
from byok_bench.runs.storage.records import expand_meta

KEYS = {
    "env": "sk-sentinel/Env+aaQ7f=Zz1",
    "session": "sk-sentinel/Ses+bbR8g=Yy2",
    "keyring": "sk-sentinel/Rng+ccS9h=Xx3",
    "header": "sk-sentinel/Hdr+ddT0i=Ww4",
}
"""A key for each source, with characters that look different in each encoding."""
MODELS = ("good", "wrong-key", "page", "stream", "cut", "token-by-token", "late-error")
"""What the echoing server lists: each shows the key in a way of its own."""


@functools.cache
def forms(key: str) -> dict[str, bytes]:
    """How the key could be written: plain, base64 at each alignment, percent-encoded, JSON-escaped."""
    found = {
        "plain": key,
        "percent": urllib.parse.quote(key, safe=""),
        "percent, lower case": urllib.parse.quote(key, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
        "percent, every byte": "".join(f"%{byte:02X}" for byte in key.encode()),
        "JSON, slashes": key.replace("/", "\\/"),
        "JSON, as Go writes it": key.replace("=", "\\u003d"),
        "JSON, every character": "".join(f"\\u{ord(one):04x}" for one in key),
        "hex": key.encode().hex(),
    }
    for before in range(3):
        # The characters that depend on the key alone, whatever stands around it.
        text = base64.b64encode(bytes(before) + key.encode()).decode()
        core = text[(0, 2, 3)[before] : (before + len(key)) * 8 // 6]
        found[f"base64 {before}"] = core
        found[f"base64url {before}"] = core.replace("+", "-").replace("/", "_")
    return {name: text.encode() for name, text in found.items()}


def finds(where: str, content: bytes) -> list[str]:
    """Which key stands in `content`, in which form."""
    return [
        f"{where}: the key of {source}, {name}"
        for source, key in KEYS.items()
        for name, form in forms(key).items()
        if form in content
    ]


def search(folder: Path) -> list[str]:
    """Finds in every file below `folder`, and inside the compressed cells of every database."""
    found = []
    # Read first: opening a database makes files of its own come and go.
    contents = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    for path, content in contents.items():
        found += finds(str(path), content)
        if content.startswith(b"SQLite format 3"):
            for table, cell in cells(path):
                found += finds(f"{path}, table {table}", cell)
        if content.startswith(b"PAR1"):
            import pandas as pd

            found += finds(f"{path}, values", pd.read_parquet(path).to_json().encode())
    return found


def cells(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every cell of a database, inflated where it is compressed."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            for row in database.execute(f'select * from "{table}"'):
                for cell in row:
                    content = cell if isinstance(cell, bytes) else str(cell).encode(errors="surrogatepass")
                    yield table, content
                    for inflate in (zlib.decompress, expand_meta, expand_column):
                        with contextlib.suppress(zlib.error):
                            yield table, inflate(content)


class ProcessList(threading.Thread):
    """Reads the command line of every process, again and again, and keeps those that hold a key."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.found: set[str] = set()
        self.seen = 0
        """Command lines of ours that were looked at."""
        self._lines: set[bytes] = set()
        self._over = threading.Event()

    def run(self) -> None:
        """Until stopped."""
        while not self._over.wait(0.01):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    line = path.read_bytes()
                    if line not in self._lines:
                        self._lines.add(line)
                        self.seen += b"byok_bench" in line
                        self.found.update(finds("command line", line))

    def __enter__(self) -> "ProcessList":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


class Echo(BaseHTTPRequestHandler):
    """A server that shows every caller its own key, in header, error, page and stream; what the model names."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The list of models."""
        self._send(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in MODELS]})

    def do_POST(self) -> None:
        """An answer of the kind that the model's name asks for."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        asked: dict[str, Any] = {"model": "page"}
        with contextlib.suppress(ValueError):
            asked = json.loads(body)
        greeting = f"You sent {self.headers.get('authorization')}."
        match asked.get("model"):
            case "wrong-key":
                message = f"Incorrect API key provided: {self._said()}"
                self._send(401, {"error": {"message": message, "code": "bad"}})
            case "page":
                text = f"<html><pre>{self.headers.as_string()} {self._said()}</pre></html>"
                self._send(500, text.encode())
            case _ if not asked.get("stream"):
                message = {"role": "assistant", "content": greeting}
                choice = {"index": 0, "message": message, "finish_reason": "stop"}
                self._send(200, {"id": "c-1", "object": "chat.completion", "model": "m", "choices": [choice]})
            case "cut":
                self._stream([self._delta(greeting), None])
            case "token-by-token":
                pieces = [greeting[at : at + 3] for at in range(0, len(greeting), 3)]
                self._stream([*map(self._delta, pieces), self._delta("", "stop"), "[DONE]"])
            case "late-error":
                error = {"message": f"Incorrect API key: {self._said()}", "code": 401}
                self._stream([self._delta("It is"), json.dumps({"error": error}), "[DONE]"])
            case "stream":
                text = f"You sent {self.headers.as_string()}"
                self._stream([self._delta(text), self._delta("", "stop"), "[DONE]"])
            case _:
                self._stream([self._delta("Hello."), self._delta("", "stop"), "[DONE]"])

    def _said(self) -> str:
        """The keys, in every form."""
        values = [*self.headers.get_all("authorization", []), *self.headers.get_all("x-org", [])]
        sent = [value.removeprefix("Bearer ") for value in values]
        return " ".join(text for one in sent for text in (*map(bytes.decode, forms(one).values()), base64_of(one)))

    def _delta(self, text: str, finish: str | None = None) -> str:
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
        chunk = {
            "id": "c-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [choice],
        }
        return json.dumps(chunk).replace("/", "\\/")

    def _stream(self, events: list[str | None]) -> None:
        """Server-sent events; None cuts the connection."""
        self._head(200, "text/event-stream", [("transfer-encoding", "chunked")])
        for event in events:
            if event is None:
                self.close_connection = True
                return
            data = f"data: {event}\n\n".encode()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")

    def _send(self, status: int, content: Any) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        kind = "text/html" if isinstance(content, bytes) else "application/json"
        self._head(status, kind, [("content-length", str(len(data)))])
        self.wfile.write(data)

    def _head(self, status: int, kind: str, fields: list[tuple[str, str]]) -> None:
        self.send_response(status)
        for name, value in [("content-type", kind), ("x-request-id", self._said()[:200]), *fields]:
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing is printed."""


def base64_of(key: str) -> str:
    """Basic credentials."""
    return base64.b64encode(f"user:{key}".encode()).decode()


@contextlib.contextmanager
def echoing() -> Iterator[str]:
    """The server's base URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()
