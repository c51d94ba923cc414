"""Limits found from outside, over real sockets: bounds, the command and the book.

That maps are right to the last cell is held in virtual time (tests/unit/runs/test_limits_search.py).
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from support.killing import REPO
from support.program import Here

from byok_bench.backends.simulator.server import Simulator
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model, Price
from byok_bench.errors import PlanError
from byok_bench.runs.limits.limits_map import LimitsMap
from byok_bench.runs.limits.search import find_limits


async def find_of(limits: dict[str, Any], **bounds: Any) -> LimitsMap:
    """The map of a simulator with these limits; its minute is two seconds, named so."""
    async with Simulator(ttft_ms=200, gap_ms=0, limits={**limits, "window_s": 2.0}) as server:
        wanted = {"max_requests": 180, "widest": 4, "window_s": 2.0, "large_tokens": 0}
        return await find_limits(server.endpoint, **{**wanted, **bounds})


async def test_places_are_found_over_sockets() -> None:
    """Two are let in, and of three some are refused."""
    found = await find_of({"concurrency": 2}, max_requests=24)
    assert (found.concurrency.low, found.concurrency.high) == (2, 3), str(found)


async def test_a_bound_of_requests_holds_and_the_map_says_at_least() -> None:
    """No more is sent, and what was not reached is no limit."""
    found = await find_of({"requests": 500}, max_requests=12, window_s=0.2, widest=2)
    assert found.spending.requests <= 12
    cells = {one.name: one for one in found.verdicts}
    assert cells["concurrency"].sentence.startswith("not reached: at least 2 at a time")
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


@pytest.fixture(autouse=True)
def _nobody_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a script."""
    monkeypatch.setattr(sys, "stdin", None)


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


QUICK = ("--max-requests", "20", "--window-s", "0.2", "--large-tokens", "0", "--widest", "4")


@pytest.mark.usefixtures("book")
def test_a_dry_run_says_what_it_would_take_and_sends_nothing(here: Here) -> None:
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
def test_nothing_is_sent_without_a_bound_and_consent(here: Here, given: tuple[str, ...], said: str) -> None:
    """One line says what is missing."""
    code, out, err = here("limits", "Mine", *given)
    assert (code, out, said in err.splitlines()[-1]) == (2, "", True), err


def test_the_command_prints_one_document_and_keeps_the_map_in_the_book(here: Here, book: EndpointBook) -> None:
    """Version 2, and `limits.*` in the record, which a later look at capabilities leaves there."""
    code, out, _ = here("limits", "Mine", *QUICK, "--yes", "--save", "--json")
    document = json.loads(out)
    assert (code, document["version"]) == (0, 2)
    assert len(document["exchanges"]) == document["requests"] <= 20
    assert here("capabilities", "Mine", "--only", "streaming", "--save")[0] == 0
    book.refresh()
    record = book["Mine"].models[0].record
    assert record is not None
    (kept,) = (book.path.parent / "evidence").glob("*.limits.json")
    assert json.loads(kept.read_text())["limits"] == document["limits"]
    assert ("limits.concurrency" in record.found, record.found["streaming"].state) == (True, "yes")


def test_nothing_that_answers_is_an_unfinished_command(here: Here) -> None:
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
        found = await find_limits(endpoint, max_cost=0.005, window_s=1.0, large_tokens=0, widest=2)
    assert 0.001 < (found.spending.cost or 0) <= 0.005
