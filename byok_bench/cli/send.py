"""`byok-bench send`: one request, or one a line, and the Exchange that came of it."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from byok_bench.cli import adhoc
from byok_bench.cli.console import Exit, emit_json, fail, note
from byok_bench.errors import ByokBenchError

if TYPE_CHECKING:
    from byok_bench.dialects.exchange import Exchange
    from byok_bench.endpoints.endpoint import Endpoint
    from byok_bench.wire.client import Client


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("send")(send)


def send(
    endpoint: adhoc.EndpointArgument = None,
    base_url: adhoc.BaseUrl = None,
    model: adhoc.ModelId = None,
    key_env: adhoc.KeyEnv = None,
    schema: adhoc.Schema = "chat",
    profile: adhoc.Profile = "local",
    prompt: Annotated[
        str | None, typer.Option(help="Text of one user message; the answer is streamed.")
    ] = None,
    request: Annotated[
        str | None, typer.Option(help="File with the request body as JSON; - for stdin.")
    ] = None,
    jsonl: Annotated[str | None, typer.Option(help="File with one request body a line; - for stdin.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Lines of --jsonl in flight at once.")] = 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="The Exchange as JSON on stdout, one a line.")
    ] = False,
) -> None:
    """Send one request (--prompt or --request), or one a line (--jsonl), and print what came back."""
    if sum(given is not None for given in (prompt, request, jsonl)) != 1:
        fail("give exactly one of --prompt, --request and --jsonl")
    chosen = adhoc.endpoint_from(
        endpoint, base_url=base_url, model=model, key_env=key_env, schema=schema, optional=jsonl is not None
    )
    if jsonl is not None:
        raise typer.Exit(int(asyncio.run(send_lines(chosen, jsonl, model, profile, concurrency, as_json))))
    assert chosen is not None
    body = (
        first_body(prompt, schema) if prompt is not None else parsed(read_text(request or "-"), "the request")
    )
    exchange = asyncio.run(send_one(chosen, body, model, profile))
    show(exchange, as_json)
    raise typer.Exit(int(exit_code(exchange)))


def first_body(prompt: str, schema: str) -> dict[str, Any]:
    """A streamed request with one user message, in the dialect's words."""
    message = [{"role": "user", "content": prompt}]
    if schema == "responses":
        return {"input": prompt, "stream": True}
    if schema == "messages":
        return {"messages": message, "max_tokens": 1024, "stream": True}
    return {"messages": message, "stream": True, "stream_options": {"include_usage": True}}


async def send_one(
    endpoint: "Endpoint",
    body: dict[str, Any],
    model: str | None,
    profile: str,
    client: "Client | None" = None,
) -> "Exchange":
    """One request; a body's own model wins over the endpoint's first."""
    from byok_bench.endpoints.send import send as send_request

    return await send_request(
        endpoint,
        body,
        model=model,
        profile=adhoc.egress_profile(profile),
        policy=adhoc.egress_policy(),
        client=client,
    )


async def send_lines(
    endpoint: "Endpoint | None", source: str, model: str | None, profile: str, concurrency: int, as_json: bool
) -> Exit:
    """Every line in input order; a line that cannot be sent is told and the others go on."""
    from byok_bench.wire.client import Client

    failed = 0
    async with Client() as client:
        slots = asyncio.Semaphore(concurrency)

        async def one(number: int, line: str) -> "Exchange | str":
            try:
                target, body = line_target(endpoint, parsed(line, f"line {number}"), number)
                async with slots:
                    return await send_one(target, body, model, profile, client)
            except ByokBenchError as error:
                return f"line {number}: {error}"

        tasks = [asyncio.ensure_future(one(number, line)) for number, line in numbered(read_text(source))]
        for task in tasks:
            result = await task
            if isinstance(result, str):
                failed += 1
                note(f"byok-bench: {result}")
            else:
                show(result, as_json)
    return Exit.USAGE if failed else Exit.OK


def line_target(
    endpoint: "Endpoint | None", line: dict[str, Any], number: int
) -> tuple["Endpoint", dict[str, Any]]:
    """Endpoint and body of a line: `{"base_url": …, "request": …}` names its own target."""
    if isinstance(line.get("request"), dict) and "messages" not in line:
        body = line["request"]
        if "base_url" in line:
            named = adhoc.endpoint_from(
                None,
                base_url=line["base_url"],
                model=line.get("model") or body.get("model"),
                key_env=line.get("key_env"),
                schema=line.get("schema", "chat"),
            )
            assert named is not None
            return named, body
    else:
        body = line
    if endpoint is None:
        raise ByokBenchError("it names no base_url, and the command line names no endpoint")
    return endpoint, body


def numbered(text: str) -> Iterator[tuple[int, str]]:
    """Lines that hold something, counted from 1."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def read_text(source: str) -> str:
    """A file's text, or stdin's for `-`."""
    if source == "-":
        return sys.stdin.read()
    try:
        return Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"cannot read {source}: {error.strerror if isinstance(error, OSError) else 'it is not UTF-8'}")


def parsed(text: str, what: str) -> dict[str, Any]:
    """A JSON object, or a ByokBenchError that says where it breaks."""
    import msgspec

    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ByokBenchError(f"{what} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ByokBenchError(f"{what} must be a JSON object, not {type(value).__name__}")
    return value


def show(exchange: "Exchange", as_json: bool) -> None:
    """The exchange as JSON on stdout, or in a few lines for a person on stderr and the text on stdout."""
    from byok_bench.checks.registry import run_checks

    findings = run_checks(exchange)
    if as_json:
        emit_json(exchange.to_json(findings))
        return
    if exchange.output.reasoning:
        note(f"reasoning: {printable(exchange.output.reasoning)}")
    if exchange.output.text:
        typer.echo(printable(exchange.output.text))
    for call in exchange.output.tool_calls:
        typer.echo(printable(f"{call.name}({call.arguments})"))
    timing = exchange.timing
    told = [
        f"{name} {value:.1f} ms"
        for name in ("ttfb", "ttft", "e2e")
        if (value := getattr(timing, name)) is not None
    ]
    finish = exchange.output.finish_reason
    note(" · ".join([*told, *([f"finish_reason {finish}"] if finish else [])]))
    for finding in findings:
        place = "" if finding.event is None else f" (event {finding.event}, byte {finding.offset})"
        note(f"{finding.severity}: {finding.check}: {printable(finding.message)}{place}")
    if exchange.error is not None:
        from byok_bench.checks.advice import advice

        note(
            f"byok-bench: {exchange.error.kind} ({exchange.error.phase}): {printable(advice(exchange.error))}"
        )


def printable(text: str) -> str:
    """A server's text without the control characters that steer a terminal."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def exit_code(exchange: "Exchange") -> Exit:
    """0 for an answer; 2 if the configuration kept it from being sent; 3 if none came."""
    if exchange.error is None:
        return Exit.OK
    return Exit.USAGE if exchange.error.phase in ("config", "policy") else Exit.UNFINISHED
