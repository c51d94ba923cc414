"""Limits found from outside: maps of simulators with known limits that are right to the last cell, in virtual time.

A minute is one; that the same is found over sockets is held by the end-to-end tests, and by `make limits`.
"""

from typing import Any

import pytest
from support.virtual_server import VirtualServer, run_virtually

from byok_bench.runs.limits.limits_map import LimitsMap
from byok_bench.runs.limits.search import STOPPED, find_limits
from byok_bench.runs.measuring.stop_switch import StopSwitch

SET_UPS: dict[str, dict[str, Any]] = {
    "places": {"concurrency": 3},
    "window of requests": {"requests": 20},
    "bucket of requests, headers silent": {"requests": 20, "style": "bucket", "headers": "none"},
    "window of tokens, delays too short": {"tokens": 4100, "requests": 30, "retry_after": "short"},
    "places and tokens, delays too long, headers wrong": {
        "concurrency": 5, "tokens": 4100, "retry_after": "long", "headers": "wrong",
    },
    "bucket of tokens, no delays": {"tokens": 4100, "style": "bucket", "retry_after": "none"},
    "no limits": {},
}  # fmt: skip
"""Limits that a simulator holds, and what it tells of them."""
UNMET = {"recovery": "unknown", "retry_after": "unknown", "budget_headers": "absent"}
STATES: dict[str, dict[str, str]] = {
    "places": {"concurrency": "found", "requests": "not_reached", "tokens": "not_reached", **UNMET},
    "window of requests": {
        "concurrency": "not_reached", "requests": "found", "tokens": "not_reached", "recovery": "found",
        "retry_after": "true", "budget_headers": "true",
    },
    "bucket of requests, headers silent": {
        "concurrency": "not_reached", "requests": "found", "tokens": "not_reached", "recovery": "found",
        "retry_after": "true", "budget_headers": "absent",
    },
    "window of tokens, delays too short": {
        "concurrency": "not_reached", "requests": "found", "tokens": "found", "recovery": "found",
        "retry_after": "false", "budget_headers": "true",
    },
    "places and tokens, delays too long, headers wrong": {
        "concurrency": "found", "requests": "not_reached", "tokens": "found", "recovery": "found",
        "retry_after": "false", "budget_headers": "false",
    },
    "bucket of tokens, no delays": {
        "concurrency": "not_reached", "requests": "not_reached", "tokens": "found", "recovery": "found",
        "retry_after": "absent", "budget_headers": "true",
    },
    "no limits": {"concurrency": "not_reached", "requests": "not_reached", "tokens": "not_reached", **UNMET},
}  # fmt: skip
"""The cells of each map, but for `safe_concurrency`, which is always found."""


@pytest.fixture(scope="module")
def maps() -> dict[str, LimitsMap]:
    """The map of each set-up."""

    async def find(limits: dict[str, Any]) -> LimitsMap:
        most = 600 if {"requests", "tokens"} & limits.keys() else 100
        server = VirtualServer(limits)
        with pytest.MonkeyPatch.context() as patch:
            server.install(patch)
            return await find_limits(server.endpoint, max_requests=most, widest=8, large_tokens=400)

    return {name: run_virtually(find(limits)) for name, limits in SET_UPS.items()}


@pytest.mark.parametrize("name", SET_UPS)
def test_every_cell_of_a_map_is_right(maps: dict[str, LimitsMap], name: str) -> None:
    """What is held is found, what is not held is not, and what is told is believed only if it is so."""
    wanted = {**STATES[name], "safe_concurrency": "found"}
    assert {one.name: one.state for one in maps[name].verdicts} == wanted, str(maps[name])


@pytest.mark.parametrize("name", SET_UPS)
def test_the_numbers_hold_the_truth(maps: dict[str, LimitsMap], name: str) -> None:
    """Places and requests to the one, tokens to one request, windows to two polls, a bucket to a third."""
    held, found = SET_UPS[name], maps[name].to_json()["limits"]
    if places := held.get("concurrency"):
        assert (found["concurrency"]["low"], found["concurrency"]["high"]) == (places, places + 1)
    for kind, exact in (("requests", 0.0), ("tokens", 0.12)):
        cell = found[kind]
        if cell["state"] != "found":
            continue
        if held.get("style") == "bucket":
            assert is_close(cell["burst"], held[kind], 0.35)
            assert is_close(cell["per_minute"], held[kind], 0.35)
        else:
            assert is_close(cell["per_window"], held[kind], exact)
            assert is_close(cell["window_s"], 60.0, 0.25)


def is_close(span: list[float], truth: float, width: float) -> bool:
    """Whether a span holds the truth, and is no wider than this share of it."""
    low, high = span
    return low <= truth <= high and high - low <= width * truth


@pytest.mark.parametrize(("name", "width"), [("places", 3), ("window of requests", 1), ("no limits", 8)])
def test_the_cheapest_width_is_the_narrowest_that_gives_the_most(
    maps: dict[str, LimitsMap], name: str, width: int
) -> None:
    """Of three places the third is needed; where 20 a minute are let through, one at a time is enough."""
    wave = maps[name].safe_wave
    assert wave is not None
    assert wave.width == width


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


def test_a_search_that_is_stopped_tells_what_it_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wave in flight is over, no window is waited for, and the map says that it is partial."""
    stop = StopSwitch()

    def press(said: str) -> None:
        if said.startswith(("4 at a time", "waiting")):
            stop.press()

    async def find() -> LimitsMap:
        server = VirtualServer({})
        server.install(monkeypatch)
        return await find_limits(server.endpoint, max_requests=100, widest=8, on_progress=press, stop=stop)

    found = run_virtually(find())
    assert (found.stopped, found.concurrency.low, found.is_answered) == (STOPPED, 4, True)
    assert [wave.width for wave in found.concurrency.waves if wave.is_complete] == [1, 2, 4]
    assert found.seconds < 60
    states = {one.name: one.state for one in found.verdicts}
    assert (states["concurrency"], states["requests"], states["safe_concurrency"]) == (
        "not_reached",
        "unknown",
        "found",
    )
