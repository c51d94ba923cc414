"""`byok-bench send`: one request, or one a line, and the Exchange that came of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from byok_bench.cli import endpoint_options
from byok_bench.cli.console import Exit, emit_json, fail, note, run_async
from byok_bench.cli.settings import OwnSettings
from byok_bench.cli.standard_streams import read_stdin
from byok_bench.errors import ByokBenchError

if TYPE_CHECKING:
    from byok_bench.dialects.exchange import Exchange
    from byok_bench.endpoints.endpoint import Endpoint
    from byok_bench.endpoints.permission import EgressRules
    from byok_bench.wire.client import Client


def add_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("send", short_help="Send requests; print the whole exchange")(send_requests)


def send_requests(
    endpoint: endpoint_options.EndpointArgument = None,
    base_url: endpoint_options.BaseUrl = None,
    model: endpoint_options.ModelId = None,
    key_env: endpoint_options.KeyEnv = None,
    schema: endpoint_options.Schema = None,
    settings: OwnSettings = None,
    profile: endpoint_options.Profile = "local",
    prompt: Annotated[str | None, typer.Option(help="Text of one user message; the answer is streamed.")] = None,
    request: Annotated[str | None, typer.Option(help="File with the request body as JSON; - for stdin.")] = None,
    jsonl: Annotated[str | None, typer.Option(help="File with one request body a line; - for stdin.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Lines of --jsonl in flight at once.")] = 1,
    from_line: Annotated[int, typer.Option(min=1, help="Line of --jsonl to begin with.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="The Exchange as JSON on stdout, one a line.")] = False,
    with_bytes: Annotated[
        bool, typer.Option("--bytes", help="Beside --json: every byte of the answer, with its time.")
    ] = False,
) -> None:
    """Send one request (--prompt or --request), or one a line (--jsonl), and print what came back."""
    from byok_bench.endpoints.permission import find_rules

    if sum(given is not None for given in (prompt, request, jsonl)) != 1:
        fail("give exactly one of --prompt, --request and --jsonl")
    given = endpoint_options.collect_options(base_url, model, key_env, schema, settings)
    rules = find_rules(profile, None)
    if jsonl is not None:
        from byok_bench.cli.request_lines import LineSettings, send_lines

        named = endpoint is not None or base_url is not None
        default = endpoint_options.choose_endpoint(endpoint, given) if named else None
        series = LineSettings(default, model, rules, concurrency, as_json, with_bytes)
        raise typer.Exit(int(send_lines(read_file_or_stdin(jsonl), from_line, series)))
    chosen = endpoint_options.choose_endpoint(endpoint, given)
    body = (
        build_prompt_body(prompt, find_asked_schema(chosen, model))
        if prompt is not None
        else read_json_object(read_file_or_stdin(request or "-"), "the request")
    )
    exchange = run_async(send_one(chosen, body, model, rules))
    print_exchange(exchange, as_json, with_bytes=with_bytes)
    raise typer.Exit(int(choose_exit_code(exchange)))


def find_asked_schema(endpoint: "Endpoint", model: str | None) -> str:
    """The dialect of the model that is asked: the one named, else the endpoint's first."""
    from byok_bench.endpoints.model_requests import find_schema

    known = endpoint.find_model(model) if model is not None else next(iter(endpoint.models), None)
    return find_schema(endpoint, known.name) if known is not None else endpoint.schema


def build_prompt_body(prompt: str, schema: str) -> dict[str, Any]:
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
    rules: "EgressRules",
    client: "Client | None" = None,
) -> "Exchange":
    """One request; `model` wins over the body's own, that over the endpoint's first."""
    from byok_bench.endpoints.send import send as send_request

    return await send_request(
        endpoint,
        body,
        model=model,
        profile=rules.profile,
        policy=rules.policy,
        client=client,
    )


def read_file_or_stdin(source: str) -> str:
    """A file's text, or stdin's for `-`."""
    if source == "-":
        piped = read_stdin()
        if piped is None:
            fail("there is nothing to read: stdin is closed")
        return piped
    try:
        return Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"cannot read {source}: {error.strerror if isinstance(error, OSError) else 'it is not UTF-8'}")


def read_json_object(text: str, what: str) -> dict[str, Any]:
    """A JSON object, or a ByokBenchError that says where it breaks."""
    import msgspec

    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ByokBenchError(f"{what} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ByokBenchError(f"{what} must be a JSON object, not {type(value).__name__}")
    return value


def print_exchange(
    exchange: "Exchange",
    as_json: bool,
    which: str = "",
    *,
    with_bytes: bool = False,
    route_answered: bool = False,
) -> None:
    """The exchange as JSON on stdout, or its text there and the rest on stderr, each line after `which`.

    `route_answered`: the same route answered before, which advice must not go against.
    """
    from byok_bench.checks.registry import run_checks

    findings = run_checks(exchange)
    if as_json:
        emit_json(exchange.to_json(findings, with_bytes=with_bytes))
    else:
        print_answer(exchange, which)
        for finding in findings:
            place = "" if finding.event is None else f" (event {finding.event}, byte {finding.offset})"
            note(f"{which}{finding.severity}: {finding.check}: {to_printable_text(finding.message)}{place}")
    if exchange.error is not None and not (as_json and which):
        from byok_bench.checks.advice import describe_failure, has_sent_key

        error = exchange.error
        said = to_printable_text(
            describe_failure(error, route_answered=route_answered, key_sent=has_sent_key(exchange))
        )
        note(f"byok-bench: {which}{error.kind} ({error.phase}): {said}")


def print_answer(exchange: "Exchange", which: str) -> None:
    """What the model said on stdout; its times and why it stopped on stderr."""
    if exchange.output.reasoning:
        note(f"{which}reasoning: {to_printable_text(exchange.output.reasoning)}")
    if exchange.output.text:
        typer.echo(to_printable_text(exchange.output.text))
    for call in exchange.output.tool_calls:
        typer.echo(to_printable_text(f"{call.name}({call.arguments})"))
    timing, finish = exchange.timing, exchange.output.finish_reason
    times = {"TTFB": timing.ttfb, "TTFT": timing.ttft, "E2E": timing.e2e}
    told = [f"{name} {value:.1f} ms" for name, value in times.items() if value is not None]
    told += [f"finish_reason {to_printable_text(finish)}"] if finish else []
    if told:
        note(which + " · ".join(told))


def to_printable_text(text: str) -> str:
    """A server's text without the control characters that steer a terminal."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text)


def choose_exit_code(exchange: "Exchange") -> Exit:
    """0 for an answer; 2 if the configuration kept it from being sent; 3 if none came.

    A name without an address may be a typo or a network that is down: none came.
    """
    error = exchange.error
    if error is None:
        return Exit.OK
    return Exit.USAGE if error.phase in ("config", "policy") else Exit.UNFINISHED
