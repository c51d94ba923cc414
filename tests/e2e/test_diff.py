"""`bb.diff` and `byok-bench diff`: a simulator directly, and another one that plays the proxy."""

import json

import pytest
from support.program import Here

from byok_bench.backends.simulator.server import DEFAULT_MODEL, Simulator
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.errors import EndpointError
from byok_bench.report.proxy_report import ProxyReport, diff
from byok_bench.runs.differential.pairs import Pair

QUICK = {"ttft_ms": 0.0, "gap_ms": 0.0}


async def compare(*scenarios: str, repeats: int = 2, profile: str | None = "openrouter") -> ProxyReport:
    """A correct simulator beside one with a profile, under the same model."""
    async with (
        Simulator(**QUICK, label="direct") as direct,
        Simulator(**QUICK, label="proxy", profile=profile, models=(DEFAULT_MODEL,)) as proxy,
    ):
        return await diff(direct.endpoint, proxy.endpoint, list(scenarios), repeats=repeats)


async def test_two_of_a_kind_show_no_change() -> None:
    """Ids, times and the pieces of a stream are those of any two answers."""
    report = await compare("plain-answer", "tool-round-trip", "unknown-model", "structured-output", profile=None)
    assert report.changes == ()


async def test_what_a_profile_does_is_found_to_the_last_member() -> None:
    """Generation ids, provider, native reasons and what usage holds more, and the header that names it."""
    report = await compare("plain-answer")
    assert [(one.place, one.kind, one.what) for one in report.changes] == [
        ("header", "added", "x-simulation"),
        ("body", "changed", "id"),
        ("body", "added", "choices[].native_finish_reason"),
        ("body", "added", "provider"),
        ("body", "added", "usage.cost"),
        ("body", "added", "usage.is_byok"),
        ("body", "added", "usage.cost_details"),
    ]
    assert all(one.pairs == one.of == len(report.pairs) for one in report.changes)


async def test_both_sides_get_the_same_requests_in_turns() -> None:
    """The conversation of the first goes to both, and each is first half of the time."""
    heard: list[Pair] = []
    async with Simulator(**QUICK, label="direct") as direct, Simulator(**QUICK, label="proxy") as proxy:
        await diff(direct.endpoint, proxy.endpoint, ["tool-round-trip"], repeats=3, on_pair=heard.append)
    assert max(pair.turn for pair in heard) > 1
    assert all(pair.a.request.body == pair.b.request.body for pair in heard)
    firsts = [pair.a.raw.phases.start < pair.b.raw.phases.start for pair in heard if pair.turn == 1]
    assert firsts.count(True) == firsts.count(False)


async def test_the_pair_that_warms_up_is_compared_and_not_timed() -> None:
    """Three pairs of one sample, two of which have times."""
    report = await compare("plain-answer", repeats=2)
    samples = len({pair.sample for pair in report.pairs})
    assert len(report.pairs) == 3 * samples
    assert {one.difference.n for one in report.times} == {2 * samples}


async def test_two_dialects_cannot_get_the_same_request() -> None:
    """It is said before anything is sent."""
    async with Simulator(**QUICK) as server:
        with pytest.raises(EndpointError, match="needs one dialect"):
            await diff(server.endpoint, server.get_endpoint("messages"), ["plain-answer"])


def make_dead_endpoint(label: str) -> Endpoint:
    """Nobody listens on it."""
    return Endpoint(label=label, base_url="http://127.0.0.1:9/v1", models=[Model("m")])


def test_an_endpoint_that_is_down_is_told_and_the_command_is_unfinished(here: Here) -> None:
    """Exit code 3: nothing could be compared."""
    book = EndpointBook.open()
    for label in ("one", "two"):
        book.add(make_dead_endpoint(label))
    code, out, err = here("diff", "one", "two", "--scenario", "plain-answer", "--repeats", "1", "--json")
    assert code == 3
    assert "This sends at least" in err
    assert json.loads(out)["sentences"][0].startswith("No pair was good on both sides")
