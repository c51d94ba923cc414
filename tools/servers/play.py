"""Start one server, and what has to run behind it; ask it everything in each of its dialects."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.servers.asking import ask_all
from tools.servers.places import LOOPBACK, RESULTS
from tools.servers.process import free_port, running
from tools.servers.server import Server
from tools.servers.summary import summarise


def play(server: Server, all_servers: Mapping[str, Server], schemas: list[str]) -> list[str]:
    """A summary a dialect. Raises CannotBeHad."""
    folder = RESULTS / server.name
    folder.mkdir(parents=True, exist_ok=True)
    chosen = schemas or list(server.schemas)
    summaries: list[str] = []
    for together in [[one] for one in chosen] if server.is_blocked_afterwards else [chosen]:
        with up(server, all_servers, folder) as (url, upstream_url):
            summaries += _ask_in(together, server, url, upstream_url, folder)
    (folder / "summary.txt").write_text("\n".join(summaries) + "\n")
    return summaries


def _ask_in(schemas: list[str], server: Server, url: str, upstream_url: str, folder: Path) -> list[str]:
    version = server.version()
    (folder / "version.json").write_text(json.dumps({"server": server.name, "version": version}))
    summaries = []
    for schema in schemas:
        asked = ask_all(f"{url}/v1", schema, server.options(upstream_url), server.key(), folder)
        summaries.append(summarise(server.name, version, asked))
    return summaries


@contextmanager
def up(server: Server, all_servers: Mapping[str, Server], folder: Path, port: int = 0) -> Iterator[tuple[str, str]]:
    """The server's root URL and that of its upstream, both running for as long as the block."""
    server.install()
    upstream = all_servers[server.upstream] if server.upstream else None
    if upstream is None:
        with _up(server, "", folder, port) as url:
            yield url, ""
        return
    with (
        up(upstream, all_servers, folder) as (upstream_url, _),
        _up(server, upstream_url, folder, port) as url,
    ):
        yield url, upstream_url


@contextmanager
def _up(server: Server, upstream_url: str, folder: Path, port: int) -> Iterator[str]:
    port = port or free_port()
    url = f"http://{LOOPBACK}:{port}"
    command, log = server.command(port, upstream_url), folder / f"{server.name}.log"
    ready = url + server.ready_path
    with running(command, server.environment(), ready, server.start_timeout_s, log):
        yield url
