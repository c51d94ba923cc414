"""A run is refused before it burns, and belongs to its endpoints."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from msgspec.structs import replace
from support.bench_server import KEY, MODEL, BenchServer, serving

from byok_bench.endpoints.endpoint import Endpoint, Tls
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model
from byok_bench.errors import EndpointError, PlanError
from byok_bench.runs.planning.plan import Plan, PlanSettings, make_plan
from byok_bench.runs.play_settings import PlaySettings
from byok_bench.runs.progress import ExchangeFinished, RunEvent, RunStarted
from byok_bench.runs.results import Run, list_runs
from byok_bench.runs.runner import resume, run
from byok_bench.runs.start_conditions import find_difference
from byok_bench.runs.storage.result_path import locate_store
from byok_bench.scenarios.selection import load_library

ELSEWHERE = "https://api.example.com/v1"


def endpoint(label: str = "e", base_url: str = ELSEWHERE, **more: Any) -> Endpoint:
    """An endpoint with a model."""
    return Endpoint(label=label, base_url=base_url, **({"models": [Model(MODEL)]} | more))


UNUSABLE: dict[str, tuple[Endpoint, str]] = {
    "variable not set": (endpoint("bad", key=KeyRef.env("NOT_SET_HERE")), "NOT_SET_HERE is not set"),
    "session over": (endpoint("bad", key=KeyRef(kind="session", name="over")), "enter it again"),
    "no keyring": (endpoint("bad", key=KeyRef.keyring(user="e")), "no keyring"),
    "header by reference": (
        endpoint("bad", headers={"x-team": KeyRef.env("NO_TEAM")}),
        "NO_TEAM is not set",
    ),
    "malformed address": (endpoint("bad", "http://"), "no host"),
    "blocked address": (endpoint("bad", "http://169.254.169.254/v1"), "never called"),
    "proxy that is no URL": (endpoint("bad", proxy="foo"), "the proxy is no URL"),
    "proxy of an unknown kind": (endpoint("bad", proxy="ftp://127.0.0.1:21"), "the proxy is no URL"),
    "no CA file": (endpoint("bad", tls=Tls(ca_file="/nonexistent.pem")), "CA file cannot be read"),
    "no model": (endpoint("bad", models=[]), "needs a model"),
    "no address": (endpoint("bad", ""), "needs a base URL"),
}


@pytest.mark.parametrize("name", UNUSABLE)
async def test_an_endpoint_that_cannot_be_used_makes_no_run(name: str) -> None:
    """Nothing is stored, and the error says which endpoint it is and what to change."""
    bad, says = UNUSABLE[name]
    with pytest.raises(EndpointError, match=says) as raised:
        await run(bad, "plain-answer")
    assert "'bad'" in str(raised.value)
    assert not locate_store(None).exists()


async def test_each_of_several_unusable_endpoints_is_named() -> None:
    """One line for all, so that they are mended together."""
    bad = [replace(one, label=f"bad {n}") for n, (one, _) in enumerate(UNUSABLE.values())]
    with pytest.raises(EndpointError) as raised:
        await run(bad, "plain-answer")
    assert [f"'{one.label}'" in str(raised.value) for one in bad] == [True] * len(bad)


@pytest.mark.parametrize("name", UNUSABLE)
async def test_an_unusable_endpoint_has_no_rows_and_stops_nobody(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The other one is measured; who listens to nothing finds a warning in the log."""
    bad, says = UNUSABLE[name]
    events: list[RunEvent] = []
    async with serving(BenchServer()) as server:
        good = endpoint("good", server.base_url)
        with caplog.at_level(logging.WARNING, logger="byok_bench"):
            result = await run([bad, good], "plain-answer", repeats=2, warmup=0)
        await run([bad, good], "plain-answer", repeats=2, warmup=0, on_progress=events.append)
    assert [(row.target, row.outcome) for row in result.rows] == [(0, "ok")] * 2
    assert [target.label for target in result.plan.targets] == ["good"]
    assert [says in record.message for record in caplog.records] == [True]
    (told,) = [event.unusable for event in events if isinstance(event, RunStarted)]
    assert len(told) == 1
    assert says in told[0]


@pytest.mark.parametrize(
    ("more", "says"),
    [({"profile": "foo"}, "profile"), ({"policy": {"deny_hosts": ["127.0.0.1"]}}, "deny_hosts")],
    ids=["unknown profile", "denied host"],
)
async def test_what_blocks_every_endpoint_makes_no_run(more: dict[str, Any], says: str) -> None:
    """An unknown profile, or a policy that has the host."""
    async with serving(BenchServer()) as server:
        with pytest.raises((PlanError, EndpointError), match=says):
            await run(endpoint("e", server.base_url), "plain-answer", **more)
        assert server.ids == []
    assert not locate_store(None).exists()


async def stop_after(exchanges: int, start: Callable[..., Any]) -> None:
    """Cancel what `start(listener)` started, once so many exchanges are stored."""
    reached, seen = asyncio.Event(), 0

    def listen(event: RunEvent) -> None:
        nonlocal seen
        seen += isinstance(event, ExchangeFinished)
        if seen >= exchanges:
            reached.set()

    task = asyncio.ensure_future(start(listen))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def stored() -> list[tuple[Any, ...]]:
    """Every row of exchanges and attempts, and how the runs stand."""
    with closing(sqlite3.connect(locate_store(None))) as db:
        return [
            *db.execute("select * from exchange order by id"),
            *db.execute("select exchange_id, attempt, ended from attempt order by exchange_id, attempt"),
            *db.execute("select id, status, note from run order by id"),
        ]


async def test_a_resume_whose_keys_are_gone_marks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are as they were, and the run goes on to its end once the key is back."""
    monkeypatch.setenv("BENCH_TEST_KEY", KEY)
    async with serving(BenchServer()) as server:
        keyed = endpoint("e", server.base_url, key=KeyRef.env("BENCH_TEST_KEY"))
        await stop_after(2, lambda listen: run(keyed, "plain-answer", repeats=6, on_progress=listen))
        before = stored()
        monkeypatch.delenv("BENCH_TEST_KEY")
        with pytest.raises(EndpointError, match="BENCH_TEST_KEY is not set"):
            await resume("last")
        with pytest.raises(EndpointError, match="BENCH_TEST_KEY is not set"):
            await run(keyed, "plain-answer", repeats=6)
        assert stored() == before
        monkeypatch.setenv("BENCH_TEST_KEY", KEY)
        result = await resume("last")
    assert [row.outcome for row in result.rows if not row.is_warmup] == ["ok"] * 6


@pytest.mark.parametrize("how", ["by the plan", "by the id"])
async def test_a_resume_goes_on_with_the_endpoints_that_are_left(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """The other's exchanges stay planned, the run says why it is not finished, and ends when the key is back."""
    monkeypatch.setenv("BENCH_TEST_KEY", KEY)
    async with serving(BenchServer()) as server:
        both = [
            endpoint("keyed", server.base_url, key=KeyRef.env("BENCH_TEST_KEY")),
            endpoint("free", server.base_url),
        ]

        async def start(listen: Any = None) -> Run:
            return await run(both, "plain-answer", repeats=6, warmup=0, on_progress=listen)

        await stop_after(2, start)
        unfinished = Run.open()
        monkeypatch.delenv("BENCH_TEST_KEY")
        half = await (start() if how == "by the plan" else resume(unfinished.id))
        monkeypatch.setenv("BENCH_TEST_KEY", KEY)
        whole = await (start() if how == "by the plan" else resume(unfinished.id))
    assert half.id == whole.id == unfinished.id
    assert {row.status for row in whole.rows} == {"done"}
    assert len(whole.rows) == 12


async def test_a_half_that_was_left_is_planned_and_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is marked, and the run is interrupted, not finished."""
    monkeypatch.setenv("BENCH_TEST_KEY", KEY)
    async with serving(BenchServer()) as server:
        both = [
            endpoint("keyed", server.base_url, key=KeyRef.env("BENCH_TEST_KEY")),
            endpoint("free", server.base_url),
        ]
        await stop_after(1, lambda listen: run(both, "plain-answer", repeats=6, warmup=0, on_progress=listen))
        monkeypatch.delenv("BENCH_TEST_KEY")
        half = await resume("last")
    assert half.status == "interrupted"
    assert "BENCH_TEST_KEY is not set" in half.reason
    assert {row.status for row in half.rows if row.target == 1} == {"done"}
    assert {row.status for row in half.rows if row.target == 0} <= {"done", "planned"}
    assert half.states["planned"] > 0


@pytest.mark.parametrize("more", [{"process": True}, {"processes": 2}], ids=["beside", "two"])
async def test_what_is_left_is_also_measured_by_processes_of_their_own(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    """They are told of nobody whose key is gone."""
    monkeypatch.setenv("BENCH_TEST_KEY", KEY)
    async with serving(BenchServer()) as server:
        both = [
            endpoint("keyed", server.base_url, key=KeyRef.env("BENCH_TEST_KEY")),
            endpoint("free", server.base_url),
        ]
        await stop_after(1, lambda listen: run(both, "plain-answer", repeats=3, warmup=0, on_progress=listen))
        monkeypatch.delenv("BENCH_TEST_KEY")
        half = await resume("last", means=PlaySettings(**more))
    assert {row.status for row in half.rows if row.target == 1} == {"done"}
    assert "failed" not in half.states


async def test_a_key_that_nothing_more_needs_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that has nothing left to send can be finished without it."""
    monkeypatch.setenv("BENCH_TEST_KEY", KEY)
    async with serving(BenchServer()) as server:
        keyed = endpoint("e", server.base_url, key=KeyRef.env("BENCH_TEST_KEY"))
        done = await run(keyed, "plain-answer", repeats=2)
        monkeypatch.delenv("BENCH_TEST_KEY")
        assert (await resume(done.id)).status == "finished"


async def test_a_run_of_another_label_is_not_gone_on_with() -> None:
    """Same address, same model, and a name that nobody asked for now: a new run, and a line that says so."""
    events: list[RunEvent] = []
    async with serving(BenchServer()) as server:
        alpha, beta = endpoint("alpha", server.base_url), endpoint("beta", server.base_url)
        await stop_after(1, lambda listen: run(alpha, "plain-answer", repeats=4, on_progress=listen))
        result = await run(beta, "plain-answer", repeats=4, on_progress=events.append)
    assert {target.label for target in result.plan.targets} == {"beta"}
    assert [one.status for one in list_runs()] == ["interrupted", "finished"]
    (told,) = [event.passed_over for event in events if isinstance(event, RunStarted)]
    assert "'alpha', not 'beta'" in told
    assert f"run --resume {list_runs()[0].id}" in told


@pytest.mark.parametrize(("created", "same"), [("-23 hours", True), ("-25 hours", False)])
async def test_a_run_of_another_day_is_gone_on_with_only_by_name(created: str, same: bool) -> None:
    """What it measured then and what would be measured now are two things."""
    async with serving(BenchServer()) as server:
        target = endpoint("e", server.base_url)
        await stop_after(1, lambda listen: run(target, "plain-answer", repeats=4, on_progress=listen))
        with closing(sqlite3.connect(locate_store(None))) as db, db:
            db.execute("update run set created = strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now', ?)", (created,))
        unfinished = Run.open()
        result = await run(target, "plain-answer", repeats=4)
        assert (result.id == unfinished.id) is same
        assert (await resume(unfinished.id)).status == "finished"


def plan_of(*endpoints: Endpoint) -> Plan:
    """A plan over them."""
    return make_plan(endpoints, (load_library()["plain-answer"],), PlanSettings(repeats=1, warmup=0))


CHANGES: dict[str, dict[str, Any]] = {
    "label": {"label": "other"},
    "address": {"base_url": "https://other.example.com/v1"},
    "model": {"models": [Model("other")]},
    "schema": {"schema": "responses"},
    "header": {"headers": {"X-Title": "other"}},
    "header's name": {"headers": {"X-Other": "title"}},
    "no header": {"headers": {}},
    "query field": {"query": {"api-version": "2"}},
    "reference in a header": {"headers": {"X-Title": KeyRef.env("OTHER")}},
    "proxy": {"proxy": "http://127.0.0.1:3128"},
    "exception from the proxy": {"no_proxy": ["*"]},
    "header of a model": {"models": [Model("m", headers={"X-Title": "other"})]},
    "source of the key": {"key": KeyRef.env("OTHER_KEY")},
    "certificate check": {"tls": Tls(verify=False)},
    "client certificate": {"tls": Tls(cert_file="/etc/own.pem")},
    "accepted coding": {"accept_encoding": "gzip"},
    "transport": {"transport": "httpx"},
}
BEFORE = endpoint("e", headers={"X-Title": "title"}, query={"api-version": "1"}, key=KeyRef.env("A_KEY"))


NO_OTHER_REQUEST = {
    "config_key": "names it in the book",
    "key_origin": "follows from the address",
    "key_set_at": "a label",
    "timeouts": "cut an answer, and change no request",
    "body": "is in the key of each exchange",
    "retention": "is said of its operator, and changes no request",
}


def test_every_field_of_an_endpoint_is_compared_or_decides_nothing() -> None:
    """A new field of endpoints has to be thought of here."""
    compared = {field for change in CHANGES.values() for field in change}
    assert compared | set(NO_OTHER_REQUEST) | {"key_style", "key_header"} == set(Endpoint.__struct_fields__)


@pytest.mark.parametrize("name", CHANGES)
def test_an_endpoint_that_changed_is_another(name: str) -> None:
    """Whatever decides where requests go, as whose, and how a table calls it."""
    assert find_difference(plan_of(BEFORE), [replace(BEFORE, **CHANGES[name])])


@pytest.mark.parametrize(
    "same",
    [
        BEFORE,
        replace(BEFORE, headers={"x-title": "title"}),
        replace(BEFORE, config_key="7d9d4a2e-2c0e-4b4e-9d5e-0d9a3b1c2d3e"),
    ],
    ids=["equal", "header in small letters", "made anew"],
)
def test_an_endpoint_that_asks_the_same_is_the_same(same: Endpoint) -> None:
    """Its id and how a header's name is written decide nothing."""
    assert find_difference(plan_of(BEFORE), [same]) == ""


def test_a_plan_of_an_earlier_version_with_headers_is_another() -> None:
    """It says nothing of their values."""
    assert find_difference(replace(plan_of(BEFORE), extras=()), [BEFORE])
    bare = replace(BEFORE, headers={}, query={})
    assert find_difference(replace(plan_of(bare), extras=()), [bare]) == ""


def test_no_value_of_a_header_can_be_read_from_its_seal() -> None:
    """Two plans of the same endpoint have other salts; 32 bits are left of the hash."""
    (first,), (second,) = plan_of(BEFORE).extras, plan_of(BEFORE).extras
    assert first != second
    assert len(first.partition(":")[2]) == 8


async def test_an_endpoint_that_was_moved_is_not_gone_on_with() -> None:
    """The run's tables would name an address that was not asked. Others of the book may stand beside it."""
    async with serving(BenchServer()) as server:
        mine, other = endpoint("e", server.base_url), endpoint("other")
        done = await run(mine, "plain-answer", repeats=1)
        with pytest.raises(PlanError, match="another address"):
            await resume(done.id, endpoints=[endpoint("e")])
        assert (await resume(done.id, endpoints=[mine, other])).status == "finished"
