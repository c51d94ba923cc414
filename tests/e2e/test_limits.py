"""Limits found from outside, over real sockets: maps of simulators with known limits that are right to the last cell.

The simulators' minute is a second, named so. What is compared are states, and spans that hold the truth.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from support.killing import REPO

from byok_bench.backends.simulator.server import Simulator
from byok_bench.cli.main import main
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model, Price
from byok_bench.errors import PlanError
from byok_bench.runs.limits.limits_map import LimitsMap
from byok_bench.runs.limits.search import find_limits

MINUTE_S = 1.0
SET_UPS: dict[str, dict[str, Any]] = {
    "places": {"concurrency": 3},
    "window of requests": {"requests": 6},
    "bucket of requests, headers silent": {"requests": 8, "style": "bucket", "headers": "none"},
    "window of tokens, delays too short": {"tokens": 700, "requests": 10, "retry_after": "short"},
    "places and tokens, delays too long, headers wrong": {
        "concurrency": 3, "tokens": 700, "retry_after": "long", "headers": "wrong",
    },
}  # fmt: skip
"""Limits that a simulator holds, and what it tells of them."""
STATES: dict[str, dict[str, str]] = {
    "places": {
        "concurrency": "found", "requests": "not_reached", "tokens": "not_reached", "recovery": "unknown",
        "retry_after": "unknown", "budget_headers": "absent", "safe_concurrency": "found",
    },
    "window of requests": {
        "concurrency": "not_reached", "requests": "found", "tokens": "not_reached", "recovery": "found",
        "retry_after": "true", "budget_headers": "true", "safe_concurrency": "found",
    },
    "bucket of requests, headers silent": {
        "concurrency": "not_reached", "requests": "found", "tokens": "not_reached", "recovery": "found",
        "retry_after": "true", "budget_headers": "absent", "safe_concurrency": "found",
    },
    "window of tokens, delays too short": {
        "concurrency": "not_reached", "requests": "found", "tokens": "found", "recovery": "found",
        "retry_after": "false", "budget_headers": "true", "safe_concurrency": "found",
    },
    "places and tokens, delays too long, headers wrong": {
        "concurrency": "found", "requests": "not_reached", "tokens": "found", "recovery": "found",
        "retry_after": "false", "budget_headers": "false", "safe_concurrency": "found",
    },
}  # fmt: skip
"""The cells of each map."""


async def find_of(limits: dict[str, Any], **bounds: Any) -> LimitsMap:
    """The map of a simulator with these limits."""
    held = {**limits, "window_s": MINUTE_S} if limits else None
    async with Simulator(ttft_ms=120 if "concurrency" in limits else 20, gap_ms=0.5, limits=held) as server:
        wanted = {"max_requests": 180, "widest": 4, "window_s": MINUTE_S, "large_tokens": 200}
        return await find_limits(server.endpoint, **{**wanted, **bounds})


@pytest.fixture(scope="module")
def maps() -> dict[str, LimitsMap]:
    """The map of each set-up, all found at the same time."""

    async def find_all() -> list[LimitsMap]:
        few = {"places": {"max_requests": 60}}
        return await asyncio.gather(*(find_of(limits, **few.get(name, {})) for name, limits in SET_UPS.items()))

    return dict(zip(SET_UPS, asyncio.run(find_all()), strict=True))


@pytest.mark.parametrize("name", SET_UPS)
def test_every_cell_of_a_map_is_right(maps: dict[str, LimitsMap], name: str) -> None:
    """What is held is found, what is not held is not, and what is told is believed only if it is so."""
    assert {one.name: one.state for one in maps[name].verdicts} == STATES[name], str(maps[name])


@pytest.mark.parametrize("name", SET_UPS)
def test_the_numbers_hold_the_truth(maps: dict[str, LimitsMap], name: str) -> None:
    """Places and requests to the one, tokens to one request, windows to two polls, a bucket to a third."""
    held, found = SET_UPS[name], maps[name].to_json()["limits"]
    if "concurrency" in held:
        assert (found["concurrency"]["low"], found["concurrency"]["high"]) == (3, 4)
    if "requests" in held and held.get("style") != "bucket":
        assert found["requests"]["per_window"] == [held["requests"]] * 2
        assert is_close(found["requests"]["window_s"], MINUTE_S, 0.6)
    if held.get("style") == "bucket":
        assert is_close(found["requests"]["burst"], held["requests"], 0.5)
        assert is_close(found["requests"]["per_minute"], held["requests"] / MINUTE_S * 60, 0.7)
    if "tokens" in held:
        assert is_close(found["tokens"]["per_window"], held["tokens"], 0.4)
        assert is_close(found["tokens"]["window_s"], MINUTE_S, 0.6)


def is_close(span: list[float], truth: float, width: float) -> bool:
    """Whether a span holds the truth, and is no wider than this share of it."""
    low, high = span
    return low <= truth <= high and high - low <= width * truth


@pytest.mark.parametrize("name", SET_UPS)
def test_the_exchanges_behind_a_verdict_are_kept(maps: dict[str, LimitsMap], name: str) -> None:
    """Whoever doubts a cell finds what was sent and came back."""
    document = maps[name].to_json()
    kept = {one["exchange_id"] for one in document["exchanges"]}
    shown = [id_ for cell in document["limits"].values() for id_ in cell["exchange_ids"]]
    assert set(shown) <= kept
    empty = {cell for cell, one in document["limits"].items() if not one["exchange_ids"]}
    assert empty <= {"recovery", "retry_after"}
    assert len(kept) == document["requests"]


def test_the_cheapest_width_is_the_narrowest_that_gives_the_most(maps: dict[str, LimitsMap]) -> None:
    """Of three places the third is needed."""
    wave = maps["places"].safe_wave
    assert wave is not None
    assert wave.width == 3


async def test_a_bound_of_requests_holds_and_the_map_says_at_least() -> None:
    """No more is sent, and what was not reached is no limit."""
    found = await find_of({"requests": 500}, max_requests=40, window_s=0.2, large_tokens=0, widest=2)
    assert found.spending.requests <= 40
    cells = {one.name: one for one in found.verdicts}
    assert cells["requests"].state == "not_reached"
    assert cells["requests"].sentence.startswith("not reached: at least ")


async def test_a_bound_of_time_holds() -> None:
    """Nothing goes out after it, and what was seen until then is kept."""
    found = await find_of({}, max_requests=None, max_seconds=0.3, window_s=0.1)
    assert found.stopped == "the bound of 0.3 seconds was reached"
    assert found.concurrency.low


@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        ({"max_requests": None}, "no_bound"),
        ({"max_requests": None, "max_cost": 1.0}, "no_price"),
        ({"max_requests": 0}, "bad_plan"),
        ({"max_seconds": -1.0}, "bad_plan"),
    ],
)
async def test_what_cannot_bound_a_search_is_refused(bounds: dict[str, Any], code: str) -> None:
    """A search without an end is never begun."""
    with pytest.raises(PlanError) as refused:
        await find_of({}, **bounds)
    assert refused.value.code == code


async def test_a_wrong_key_ends_the_search_at_once() -> None:
    """What every request would meet is told once."""
    async with Simulator(api_key="sk-right-0123456789") as server:
        endpoint = Endpoint(label="no key", base_url=server.base_url, models=[Model(server.models[0])])
        found = await find_limits(endpoint, max_requests=50)
    assert found.spending.requests == 1
    assert {one.state for one in found.verdicts} == {"unknown"}


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """The program in this process: (exit code, stdout, stderr)."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["byok-bench", *arguments])
        monkeypatch.setattr(sys, "stdin", None)
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capfd.readouterr()

    return call


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A simulator with two places and a bucket, as `serve --limit` makes it."""
    limits = ("concurrency=2", "requests=500", "window_s=0.2", "style=bucket")
    command = [sys.executable, "-m", "byok_bench", "serve", "--json", "--ttft-ms", "20", "--gap-ms", "0"]
    command += [word for one in limits for word in ("--limit", one)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=REPO) as child:
        assert child.stdout is not None
        yield str(json.loads(child.stdout.readline())["base_url"])
        child.terminate()


@pytest.fixture
def book(url: str) -> EndpointBook:
    """The user's book with one endpoint."""
    book = EndpointBook.open()
    book.add(Endpoint(label="Mine", base_url=url, models=[Model("simulator-1")]))
    return book


QUICK = ("--max-requests", "60", "--window-s", "0.2", "--large-tokens", "0", "--widest", "4")


@pytest.mark.usefixtures("book")
def test_a_dry_run_says_what_it_would_take_and_sends_nothing(here: Call) -> None:
    """People see the bounds before they agree."""
    code, out, err = here("limits", "Mine", "--max-requests", "60", "--max-seconds", "300", "--dry-run")
    said = "This sends at most 60 requests, 62400 tokens, 300 seconds; requests are of about 40 and 1040 tokens."
    assert (code, out, err.splitlines()) == (0, "", [said])


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "give --max-requests, --max-cost or --max-seconds"),
        (("--max-requests", "5"), "there is nobody to ask: add --yes"),
        (("--max-requests", "5", "--longest-s", "3"), "--longest-s goes with --silence"),
    ],
)
def test_nothing_is_sent_without_a_bound_and_consent(here: Call, given: tuple[str, ...], said: str) -> None:
    """One line says what is missing."""
    code, out, err = here("limits", "Mine", *given)
    assert (code, out, said in err.splitlines()[-1]) == (2, "", True), err


def test_the_command_prints_one_document_and_keeps_the_map_in_the_book(here: Call, book: EndpointBook) -> None:
    """Version 2, and `limits.*` in the record, which a later look at capabilities leaves there."""
    code, out, _ = here("limits", "Mine", *QUICK, "--yes", "--save", "--json")
    document = json.loads(out)
    assert (code, document["version"], document["limits"]["concurrency"]["low"]) == (0, 2, 2)
    assert here("capabilities", "Mine", "--only", "streaming", "--save")[0] == 0
    book.refresh()
    record = book["Mine"].models[0].record
    assert record is not None
    assert (record.found["limits.concurrency"].state, record.found["streaming"].state) == ("yes", "yes")


def test_nothing_that_answers_is_an_unfinished_command(here: Call) -> None:
    """Exit code 3, and no cell is claimed."""
    nobody = ("--base-url", "http://127.0.0.1:9/v1", "--model", "m")
    code, out, _ = here("limits", *nobody, "--max-requests", "5", "--yes")
    assert code == 3
    assert out.startswith("concurrency        unknown      nothing was let in: network")


async def test_the_prices_bound_a_search_by_cost() -> None:
    """Nothing is sent that could pass the limit."""
    async with Simulator(ttft_ms=5, gap_ms=0) as server:
        model = replace(server.endpoint.models[0], price=Price(input=10.0, output=10.0))
        endpoint = replace(server.endpoint, models=[model])
        found = await find_limits(endpoint, max_cost=0.005, window_s=0.1, large_tokens=0)
    assert found.stopped == "the bound of a cost of 0.005 was reached"
    assert 0 < (found.spending.cost or 0) <= 0.005
