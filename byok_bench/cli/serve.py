"""`byok-bench serve`: an OpenAI-compatible server on this machine that simulates, breaks rules, or replays a run."""

import asyncio
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from byok_bench.cli.completion import complete_scenario
from byok_bench.cli.console import Exit, emit_json, fail, note
from byok_bench.errors import BackendError

if TYPE_CHECKING:
    from byok_bench.backends.simulator.http_backend import HttpBackend
    from byok_bench.backends.simulator.replay import Recording
    from byok_bench.backends.simulator.reply import Ending
    from byok_bench.wire.raw_exchange import RawExchange


def add_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve", short_help="Serve a simulator, its faults, or a replay")(serve_answers)


def serve_answers(
    fault: Annotated[
        list[str] | None,
        typer.Option(help="Break these rules: check ids, several with commas; --list names all."),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Behave like a known server: openrouter, vllm-old, ollama, lm-studio, gzip-proxy."),
    ] = None,
    together: Annotated[bool, typer.Option(help="All faults at once, not one at a time in turn.")] = False,
    every: Annotated[int, typer.Option(min=1, help="Only on every n-th request.")] = 1,
    probability: Annotated[float, typer.Option(min=0, max=1, help="Each fault only by this chance.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Decides which requests chance picks.")] = 0,
    replay: Annotated[str | None, typer.Option(help="Serve this run's recorded exchanges (an id, or `last`).")] = None,
    store: Annotated[Path | None, typer.Option(help="Result file of the run.")] = None,
    script: Annotated[
        list[str] | None,
        typer.Option(
            help="Answer as a perfect agent does: names, groups, sets or files of scenarios.",
            autocompletion=complete_scenario,
        ),
    ] = None,
    mistake: Annotated[int, typer.Option(min=0, help="Make the n-th mistake of every sample instead.")] = 0,
    endpoint: Annotated[str | None, typer.Option(help="Only the exchanges with this endpoint of the run.")] = None,
    speed: Annotated[float, typer.Option(min=0, help="Replay: 1 as recorded, 2 twice as fast, 0 at once.")] = 1.0,
    in_order: Annotated[bool, typer.Option(help="Replay in order, not matched by request.")] = False,
    model: Annotated[list[str] | None, typer.Option(help="Serve these model ids alone; without it, any.")] = None,
    key_env: Annotated[str | None, typer.Option(help="Demand the key in this environment variable.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    ttft_ms: Annotated[float, typer.Option(min=0, help="Time to the first token.")] = 50.0,
    gap_ms: Annotated[float, typer.Option(min=0, help="Time between tokens.")] = 10.0,
    tokens: Annotated[int, typer.Option(min=1, help="Length of a plain answer.")] = 32,
    context: Annotated[
        int | None, typer.Option(min=1, help="Context window, tokens: 4096, or a million with --script.")
    ] = None,
    reasoning: Annotated[bool, typer.Option(help="Think before each answer.")] = False,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Hold a rate limit: concurrency, requests, tokens (a window), window_s, style (window, bucket), "
            "retry_after (true, short, long, none), headers (true, wrong, none); may be repeated.",
        ),
    ] = None,
    list_faults: Annotated[bool, typer.Option("--list", help="List the faults and stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout: where it listens.")] = False,
) -> None:
    """Serve until Ctrl-C. Without --fault and --replay the answers are correct."""
    if list_faults:
        raise typer.Exit(int(print_faults(as_json)))
    if replay is not None:
        server = make_replay_server(list_recordings(replay, store, endpoint), speed=speed, in_order=in_order, port=port)
    else:
        server = make_simulator(
            faults=[id.strip() for text in fault or [] for id in text.split(",") if id.strip()],
            together=together,
            every=every,
            probability=probability,
            seed=seed,
            profile=profile,
            models=model or (),
            any_model=not model,
            api_key=read_demanded_key(key_env),
            ttft_ms=ttft_ms,
            gap_ms=gap_ms,
            tokens=tokens,
            context=context,
            reasoning=reasoning,
            script=list_script_entries(script or []),
            mistake=mistake,
            limits=read_limits(limit or ()),
            port=port,
        )
    asyncio.run(serve_until_interrupted(server, as_json))
    raise typer.Exit(int(Exit.OK))


def read_limits(given: Iterable[str]) -> dict[str, Any]:
    """Name → value of each NAME=VALUE. Exits with code 2 for what has no value."""
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            fail(f"--limit takes NAME=VALUE, not {text!r}")
        try:
            found[name] = float(value) if "." in value else int(value)
        except ValueError:
            found[name] = value
    return found


def list_script_entries(names: list[str]) -> list[dict[str, Any]]:
    """The script of these scenarios; empty without names."""
    if not names:
        return []
    from byok_bench.scenarios.scripts import make_script

    return make_script(names)


def make_simulator(**settings: Any) -> "HttpBackend":
    """A simulator; a fault or profile that there is none of is wrong usage."""
    from byok_bench.backends.simulator.server import Simulator

    try:
        return Simulator(**settings)
    except BackendError as error:
        fail(str(error) if error.code == "unknown_limit" else f"{error}; byok-bench serve --list names every fault")


def make_replay_server(found: "list[Recording]", **settings: Any) -> "HttpBackend":
    """A replay server."""
    from byok_bench.backends.simulator.replay import Replay

    return Replay(found, **settings)


async def serve_until_interrupted(server: "HttpBackend", as_json: bool) -> None:
    """Serve until SIGTERM or Ctrl-C, and say where."""
    stop = asyncio.Event()
    if os.name == "posix":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with server:
        if as_json:
            emit_json({"version": 1, "base_url": server.base_url, "models": server.models, "pid": os.getpid()})
        note(f"{server.label}: {server.base_url}, models {', '.join(server.models)}; Ctrl-C stops it")
        await stop.wait()


def print_faults(as_json: bool) -> Exit:
    """Every fault with what it does and what a request needs for it to show."""
    from byok_bench.backends.simulator.faults import list_faults

    if as_json:
        emit_json([{"id": one.id, "about": one.about, "needs": one.needs} for one in list_faults()])
    else:
        for one in sorted(list_faults(), key=lambda one: one.id):
            needs = f"  ({', '.join(one.needs)})" if one.needs else ""
            typer.echo(f"{one.id:<32}{one.about}{needs}")
    return Exit.OK


def read_demanded_key(name: str | None) -> str | None:
    """The key to demand; it is named, never given, on the command line."""
    if name is None:
        return None
    if not os.environ.get(name):
        fail(f"environment variable {name} is not set")
    return os.environ[name]


def list_recordings(run: str, store: Path | None, endpoint: str | None) -> "list[Recording]":
    """The recorded exchanges of a run, in their order."""
    from byok_bench.runs.results import Run

    opened = Run.open(run, store)
    labels = [target.label for target in opened.plan.targets]
    if endpoint is not None and endpoint not in labels:
        fail(f"run {opened.id} has no endpoint {endpoint!r}; it has {', '.join(dict.fromkeys(labels))}")
    found = [
        to_recording(exchange.raw)
        for row, exchange in opened.iterate_exchanges()
        if endpoint in (None, labels[row.target])
    ]
    if not found:
        fail(f"run {opened.id} has no recorded exchange to replay")
    return found


def to_recording(raw: "RawExchange") -> "Recording":
    """An exchange as the replay server takes it: plain data, times from the request written."""
    from urllib.parse import urlsplit

    from byok_bench.backends.simulator.replay import Recording
    from byok_bench.runs.storage.records import NOT_KEPT

    kept = tuple(pair for pair in raw.head.headers if pair[1] != NOT_KEPT) if raw.head else ()
    start = raw.phases.written or raw.phases.start
    endings: dict[str, Ending] = {"reset": "cut", "stall": "stall", "limit": "stall"}
    return Recording(
        path=urlsplit(raw.request.url).path,
        body=raw.request.body,
        status=raw.head.status if raw.head else None,
        headers=kept,
        head_ns=max(0, (raw.phases.head or start) - start),
        chunks=tuple((max(0, stamp - start), content) for stamp, content in raw.chunks),
        ending=endings.get(raw.end, "clean"),
    )
