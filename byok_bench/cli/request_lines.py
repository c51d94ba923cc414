"""`byok-bench send --jsonl`: one request a line in, one Exchange a line out, in the order of the input."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from byok_bench.cli import endpoint_options
from byok_bench.cli.console import Exit, note
from byok_bench.cli.endpoint_fields import EndpointOptions
from byok_bench.cli.send import print_exchange, read_json_object, send_one, to_printable_text
from byok_bench.errors import ByokBenchError, EndpointError
from byok_bench.scenarios.request_lines import as_standard_roles

if TYPE_CHECKING:
    from byok_bench.dialects.exchange import Exchange
    from byok_bench.endpoints.endpoint import Endpoint
    from byok_bench.endpoints.permission import EgressRules


class RequestLine(NamedTuple):
    """What one line asks for."""

    target: "Endpoint"
    body: dict[str, Any]
    model: str | None
    """In place of the body's own."""

    @property
    def replaced_model(self) -> str | None:
        """The body's own model, if another is sent."""
        own = self.body.get("model")
        return own if isinstance(own, str) and self.model not in (None, own) else None


async def send_lines(
    text: str,
    endpoint: "Endpoint | None",
    model: str | None,
    rules: "EgressRules",
    concurrency: int,
    as_json: bool,
    with_bytes: bool,
) -> Exit:
    """Every line; one that cannot be sent is told, has an Exchange that says why, and the others go on."""
    from byok_bench.wire.client import Client

    refused = 0
    replaced: Counter[str] = Counter()
    async with Client() as client:
        slots = asyncio.Semaphore(concurrency)

        async def one(line: str) -> "Exchange | ByokBenchError":
            try:
                asked = read_line(line, endpoint, model)
                if asked.replaced_model is not None:
                    replaced[asked.replaced_model] += 1
                async with slots:
                    return await send_one(asked.target, asked.body, asked.model, rules, client)
            except ByokBenchError as error:
                return error

        tasks = [(number, asyncio.ensure_future(one(line))) for number, line in iterate_numbered_lines(text)]
        answered: set[str] = set()
        for number, task in tasks:
            result = await task
            which = f"line {number}: "
            if isinstance(result, ByokBenchError):
                refused += 1
                note(f"byok-bench: {which}{result}")
                if as_json:
                    print_exchange(make_unsent_exchange(result), as_json, which, with_bytes=with_bytes)
            else:
                url = result.request.url
                print_exchange(result, as_json, which, with_bytes=with_bytes, route_answered=url in answered)
                answered |= {url} if result.error is None else set()
    for own, count in replaced.items():
        lines = "1 line names" if count == 1 else f"{count} lines name"
        note(f"byok-bench: {lines} the model {to_printable_text(own)!r}; --model sent {model!r} in its place")
    return Exit.USAGE if refused else Exit.OK


def read_line(text: str, endpoint: "Endpoint | None", model: str | None) -> RequestLine:
    """Whom a line asks, and what. `{"base_url": …, "request": …}` names its own target and model.

    Raises ByokBenchError for a line that is no request.
    """
    line = read_json_object(text, "it")
    body = line
    if isinstance(line.get("request"), dict) and "messages" not in line:
        body = line["request"]
        if "base_url" in line:
            return RequestLine(make_own_target(line, body.get("model", model)), as_standard_roles(body), None)
    if endpoint is None:
        raise EndpointError("it names no base_url, and the command line names no endpoint", code="no_endpoint")
    return RequestLine(endpoint, as_standard_roles(body), model)


def make_own_target(line: dict[str, Any], model: Any) -> "Endpoint":
    """The endpoint that a line describes; `model` is the one it asks for if it says no other."""
    defaults = {"base_url": "", "model": model or "", "key_env": "", "schema": "chat"}
    fields = {name: line.get(name, default) for name, default in defaults.items()}
    for name, value in fields.items():
        if not isinstance(value, str):
            raise EndpointError(f"its {name} must be a string", code="line_invalid")
    given = EndpointOptions(
        base_url=fields["base_url"],
        model=[fields["model"]] if fields["model"] else None,
        key_env=fields["key_env"] or None,
        schema=fields["schema"],
    )
    return endpoint_options.make_ad_hoc_endpoint(given)


def make_unsent_exchange(reason: ByokBenchError) -> "Exchange":
    """The Exchange of a line that is no request: nothing was sent, and its error says why."""
    from time import perf_counter_ns
    from uuid import uuid4

    from byok_bench.dialects.exchange import Exchange
    from byok_bench.wire.failures import make_failure
    from byok_bench.wire.raw_exchange import Phases, RawExchange, RawRequest

    now = perf_counter_ns()
    raw = RawExchange(
        request=RawRequest(id=str(uuid4()), method="POST", url="", headers=(), body=b""),
        phases=Phases(start=now, end=now),
        failure=make_failure("invalid_request", "config", str(reason), code=reason.code),
        end="reset",
    )
    return Exchange(raw, label="", base_url="", schema="chat", model="")


def iterate_numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that hold something, counted from 1."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line
