"""`byok-bench send --jsonl`: one request a line in, one Exchange a line out, in the order of the input."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from byok_bench.cli import endpoint_options
from byok_bench.cli.console import Exit, build_own_command, exit_stopped, note, run_async
from byok_bench.cli.endpoint_fields import EndpointOptions
from byok_bench.cli.send import print_exchange, read_json_object, send_one, to_printable_text
from byok_bench.errors import ByokBenchError, EndpointError
from byok_bench.report.printable_text import describe_count
from byok_bench.scenarios.request_lines import as_standard_roles

if TYPE_CHECKING:
    from byok_bench.dialects.exchange import Exchange
    from byok_bench.endpoints.endpoint import Endpoint
    from byok_bench.endpoints.permission import EgressRules
    from byok_bench.wire.client import Client


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


class LineSettings(NamedTuple):
    """How the lines are sent and printed."""

    endpoint: "Endpoint | None"
    """For lines that name no target of their own."""
    model: str | None
    rules: "EgressRules"
    concurrency: int
    as_json: bool
    with_bytes: bool


class LineSeries:
    """Lines to be sent in their order, until they are through or `stop` is pressed."""

    def __init__(self, text: str, first: int, settings: LineSettings) -> None:
        """`first`: number of the line to begin with."""
        from byok_bench.runs.measuring.stop_switch import StopSwitch

        self.stop = StopSwitch()
        self._lines = [(number, line) for number, line in iterate_numbered_lines(text) if number >= first]
        self._settings = settings
        self._printed = 0
        self._refused = 0
        self._replaced: Counter[str] = Counter()
        self._answered: set[str] = set()

    @property
    def next_line(self) -> int | None:
        """The first line that is not printed yet; None if all are."""
        return self._lines[self._printed][0] if self._printed < len(self._lines) else None

    def describe_kept_lines(self) -> str:
        """How far it came, and the command that goes on."""
        if self.next_line is None:
            return ""
        every = describe_count(len(self._lines), "line")
        return f"; {self._printed} of {every} sent. Go on with: {build_own_command('--from-line', str(self.next_line))}"

    async def send(self) -> Exit:
        """Every line; one that cannot be sent is told, has an Exchange that says why, and the others go on."""
        from byok_bench.wire.client import Client

        async with Client() as client:
            slots = asyncio.Semaphore(self._settings.concurrency)
            with self.stop.enable():
                for number, task in [
                    (number, asyncio.ensure_future(self._send_line(line, client, slots)))
                    for number, line in self._lines
                ]:
                    result = await task
                    if result is None:
                        break  # the lines behind it are not sent either
                    self._print_result(f"line {number}: ", result)
        for own, count in self._replaced.items():
            lines = "1 line names" if count == 1 else f"{count} lines name"
            sent = self._settings.model
            note(f"byok-bench: {lines} the model {to_printable_text(own)!r}; --model sent {sent!r} in its place")
        return Exit.USAGE if self._refused else Exit.OK

    async def _send_line(
        self, line: str, client: "Client", slots: asyncio.Semaphore
    ) -> "Exchange | ByokBenchError | None":
        """What came of a line; None if it was to be sent no more."""
        try:
            asked = read_line(line, self._settings.endpoint, self._settings.model)
            async with slots:
                if self.stop.is_pressed:
                    return None
                if asked.replaced_model is not None:
                    self._replaced[asked.replaced_model] += 1
                return await send_one(asked.target, asked.body, asked.model, self._settings.rules, client)
        except ByokBenchError as error:
            return error

    def _print_result(self, which: str, result: "Exchange | ByokBenchError") -> None:
        as_json, with_bytes = self._settings.as_json, self._settings.with_bytes
        self._printed += 1
        if isinstance(result, ByokBenchError):
            self._refused += 1
            note(f"byok-bench: {which}{result}")
            if as_json:
                print_exchange(make_unsent_exchange(result), as_json, which, with_bytes=with_bytes)
            return
        url = result.request.url
        print_exchange(result, as_json, which, with_bytes=with_bytes, route_answered=url in self._answered)
        self._answered |= {url} if result.error is None else set()


def send_lines(text: str, first: int, settings: LineSettings) -> Exit:
    """Send the lines from the first one on; a series that was cut short exits with a line that says how to go on."""
    series = LineSeries(text, first, settings)
    try:
        code = run_async(series.send(), finish=series.stop.press)
    except KeyboardInterrupt:
        exit_stopped(series.describe_kept_lines())
    if series.next_line is not None:
        exit_stopped(series.describe_kept_lines())
    return code


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
