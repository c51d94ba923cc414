"""What our own mistakes do to a server is not put down to it: order, windows, waits, cooldowns."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
from support.bench_server import KEY, MODEL, serving
from support.made_run import failed, plan, row
from support.moody_server import COOLDOWN_WORDS, MoodyServer
from support.nine import NINE

from byok_bench.dialects.model_list import read_context_windows
from byok_bench.endpoints import rate_limit_waits
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model
from byok_bench.report.export import write_csv
from byok_bench.report.run_notes import list_run_notes
from byok_bench.report.tables import list_table_lines
from byok_bench.runs.measuring import recovery
from byok_bench.runs.own_failures import mark_caused
from byok_bench.runs.planning.blocks import order_jobs
from byok_bench.runs.planning.plan import make_jobs
from byok_bench.runs.progress import ExchangeFinished, RunEvent, Waiting
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row
from byok_bench.runs.runner import resume, run
from byok_bench.wire.failures import Failure, make_failure
from byok_bench.wire.limits import Timeouts

SHORT = Timeouts(connect=5, first_byte=0.2, idle=0.2, total=5)
TOLD_NS = 200_000_000
"""The delay that the servers here ask for."""


def endpoint(server: MoodyServer, label: str = "e", **more: Any) -> Endpoint:
    """An endpoint of the server."""
    fields: dict[str, Any] = {"models": [Model(MODEL)], "key": KeyRef.session(KEY)} | more
    return Endpoint(label=label, base_url=server.base_url, **fields)


def over_long(server: MoodyServer) -> list[int]:
    """Words of each over-long prompt that came."""
    contents = (message["content"] or "" for body in server.requests for message in body["messages"])
    return [content.count(" apple") - 1 for content in contents if " apple apple" in content]


def told_by(kind: Any, delay_s: float | None) -> Failure:
    """A failure that names a delay."""
    return msgspec.structs.replace(make_failure(kind, "body", "later"), retry_after_s=delay_s)


class TestOrder:
    """When mistakes are made."""

    def test_error_scenarios_come_last_and_over_long_prompts_at_the_very_end(self) -> None:
        """Whatever the load: every good prompt of every target first, then mistakes, then over-long prompts alone."""
        for loads in (plan().loads, plan(loads=(plan().loads[0],) * 2).loads):
            made = plan(loads=loads)
            blocks = order_jobs(made, make_jobs(made))
            kinds = [
                made.get_scenario(job.scenario).wants_failure + made.get_scenario(job.scenario).has_overlong_prompt
                for block in blocks
                for job in block.jobs
            ]
            assert kinds == sorted(kinds)
            assert {0, 1, 2} == set(kinds)
            last = [block for block in blocks if made.get_scenario(block.jobs[0].scenario).has_overlong_prompt]
            assert all(len(block.jobs) == 1 for block in last)

    def test_mistakes_are_shuffled_by_the_seed(self) -> None:
        """No mistake always finds what the same other one left behind."""

        def order(seed: int) -> list[str]:
            made = msgspec.structs.replace(plan(["one"]), seed=seed)
            jobs = [job for block in order_jobs(made, make_jobs(made)) for job in block.jobs]
            return [job.scenario for job in jobs if job.scenario in ("bad-key", "unknown-model")]

        orders = {tuple(order(seed)) for seed in range(8)}
        assert len(orders) > 1
        assert order(3) == order(3)


class TestWindows:
    """How long an over-long prompt is."""

    async def test_a_listed_window_sizes_the_prompt_and_is_asked_for_once(self) -> None:
        """A quarter more than what /models says, for each endpoint of the run, and kept with its plan."""
        async with serving(MoodyServer()) as server:
            server.window = 400
            made = await run(endpoint(server), NINE, repeats=2)
        assert over_long(server) == [500, 500]
        assert server.lists == 1
        assert [target.listed_window for target in Run.open("last").plan.targets] == [400]
        assert made.plan.targets[0].context_window is None

    async def test_a_declared_window_wins(self) -> None:
        """And then nothing is asked."""
        async with serving(MoodyServer()) as server:
            server.window = 400
            declared = endpoint(server, models=[Model(MODEL, context_window_tokens=80)])
            await run(declared, "over-long-context", repeats=1)
        assert (over_long(server), server.lists) == ([100], 0)

    async def test_a_generated_context_is_held_against_the_listed_window(self) -> None:
        """A fill that the server says it cannot take is left out, and not sent to be cut or refused."""
        async with serving(MoodyServer()) as server:
            server.window = 400
            made = await run(endpoint(server), "depths", repeats=1)
        assert server.lists == 1
        assert {row.outcome for row in made.rows if not row.is_warmup} == {"excluded"}

    async def test_nothing_is_asked_where_no_prompt_is_over_long(self) -> None:
        """A list costs a request that a run without such prompts has no use for."""
        async with serving(MoodyServer()) as server:
            await run(endpoint(server), "plain-answer", repeats=1)
        assert server.lists == 0

    async def test_a_run_that_goes_on_sends_the_same_prompts(self) -> None:
        """The window is not asked for again, and a server that lists another by now changes no plan."""

        def stop(event: RunEvent) -> None:
            if isinstance(event, ExchangeFinished):
                raise ConnectionAbortedError

        async with serving(MoodyServer()) as server:
            server.window = 400
            mine = endpoint(server)
            with pytest.raises(ConnectionAbortedError):
                await run(mine, "over-long-context", repeats=3, warmup=0, on_progress=stop)
            server.window = 80
            went_on = await run(mine, "over-long-context", repeats=3, warmup=0)
        assert (over_long(server), server.lists) == ([500] * 3, 1)
        assert len(went_on.rows) == 3

    @pytest.mark.parametrize(
        ("entry", "window"),
        [
            ({"max_model_len": 2048}, 2048),
            ({"context_length": 131072, "top_provider": {"context_length": 1}}, 131072),
            ({"meta": {"n_ctx": 512, "n_ctx_train": 8192}}, 512),
            ({"meta": {"n_ctx_train": 8192}}, None),
            ({"max_model_len": None, "context_length": 16}, 16),
            ({"max_model_len": "2048"}, None),
            ({"max_model_len": True}, None),
            ({"max_model_len": 0}, None),
            ({"meta": []}, None),
        ],
    )
    def test_windows_are_read_where_servers_say_them(self, entry: dict[str, Any], window: int | None) -> None:
        """vLLM, OpenRouter, llama.cpp; what a model was trained with is not what is served."""
        listed = read_context_windows({"data": [entry | {"id": "m"}, {"id": "other"}, 7]})
        assert listed == ({} if window is None else {"m": window})


class TestToldToWait:
    """A 429 stays a row, and the next sample waits."""

    async def test_the_next_sample_waits_as_long_as_the_429_told(self) -> None:
        """The wait stands in its row and in no time of its answer, and is told once."""
        told: list[Waiting] = []

        def listen(event: RunEvent) -> None:
            if isinstance(event, Waiting):
                told.append(event)

        async with serving(MoodyServer()) as server:
            server.limits = 1
            made = await run(endpoint(server), "plain-answer", repeats=3, warmup=0, on_progress=listen)
        first, second, third = sorted(made.rows, key=lambda one: one.start_ns or 0)
        assert (first.kind, first.status, first.waited_ms) == ("rate_limit", "failed", None)
        assert (second.kind, third.waited_ms) == (None, None)
        assert second.waited_ms is not None
        assert second.start_ns is not None
        assert second.start_ns - (first.end_ns or 0) >= TOLD_NS
        assert [(event.target, event.why) for event in told] == [(made.plan.targets[0].name, "as its 429 asked")]

    async def test_a_schedule_moves_by_what_was_waited(self) -> None:
        """What an open loop held back does not come as a burst, and counts as no lateness."""
        async with serving(MoodyServer()) as server:
            server.limits = 1
            made = await run(endpoint(server), "plain-answer", repeats=4, warmup=0, rate=50.0, arrivals="constant")
        rows = sorted(made.rows, key=lambda one: one.start_ns or 0)
        limited = next(one for one in rows if one.kind == "rate_limit")
        waited = next(one for one in rows if one.waited_ms)
        after = [one for one in rows if (one.start_ns or 0) >= (waited.start_ns or 0)]
        assert (waited.start_ns or 0) - (limited.end_ns or 0) >= TOLD_NS - 20_000_000
        gaps = [(b.start_ns or 0) - (a.start_ns or 0) for a, b in itertools.pairwise(after)]
        assert all(gap >= 19_000_000 for gap in gaps)

    async def test_a_measuring_process_tells_its_waits(self) -> None:
        """What it waits for is heard in the process that shows it."""
        told: list[RunEvent] = []
        async with serving(MoodyServer()) as server:
            server.limits = 1
            await run(endpoint(server), "plain-answer", repeats=2, warmup=0, process=True, on_progress=told.append)
        assert [event.at_most_s <= 0.2 for event in told if isinstance(event, Waiting)] == [True]

    async def test_no_more_than_a_minute_is_waited(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A server that asks for an hour is asked again after the bound."""
        assert rate_limit_waits.LONGEST_WAIT_S == 60
        monkeypatch.setattr(rate_limit_waits, "LONGEST_WAIT_S", 0.05)
        told: list[float] = []
        held = rate_limit_waits.RateLimitWaits(2, lambda target, seconds: told.append(seconds))
        held.note(1, told_by("rate_limit", 3600))
        assert await held.wait(0) == 0
        assert await held.wait(1) > 0
        assert await held.wait(1) == 0
        assert len(told) == 1
        assert told[0] <= 0.05

    @pytest.mark.parametrize(("kind", "delay"), [("rate_limit", None), ("overloaded", 5.0), ("server", 5.0)])
    async def test_only_a_limit_that_names_a_time_is_waited_for(self, kind: Any, delay: float | None) -> None:
        """Nothing is guessed."""
        held = rate_limit_waits.RateLimitWaits(1, lambda target, seconds: None)
        held.note(0, told_by(kind, delay))
        held.note(0, None)
        assert await held.wait(0) == 0


class TestRecovery:
    """After an over-long prompt that was not refused."""

    async def test_what_comes_next_waits_until_a_plain_request_is_answered(self) -> None:
        """The second target on the same server is not called slow for what the first one's prompt did."""
        told: list[RunEvent] = []
        async with serving(MoodyServer()) as server:
            server.busy_s = 0.6
            server.window = 100_000
            made = await run(
                [endpoint(server, "a"), endpoint(server, "b")],
                "over-long-context",
                repeats=1,
                timeouts=SHORT,
                warmup=0,
                on_progress=told.append,
            )
        assert [one.kind for one in made.rows] == ["timeout", "timeout"]
        assert [one.answered for one in made.recoveries] == [True, True]
        plain = [body for body in server.requests if body["stream"] is False]
        assert len(plain) == sum(one.requests for one in made.recoveries) > 0
        assert len([event for event in told if isinstance(event, Waiting)]) == 2
        assert sum("answered again after" in note for note in list_run_notes(made)) == 2

    async def test_the_wait_has_a_bound_and_is_not_made_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A server that does not come back is told, and the run goes on."""
        assert recovery.LONGEST_WAIT_S == 120
        monkeypatch.setattr("byok_bench.runs.measuring.executor.LONGEST_WAIT_S", 0.2)
        async with serving(MoodyServer()) as server:
            server.busy_s = 30.0
            server.window = 100_000
            made = await run(endpoint(server), "over-long-context", repeats=2, timeouts=SHORT, warmup=0)
        assert len(made.rows) == 2
        assert [one.answered for one in made.recoveries] == [False]
        assert any("did not answer again" in note for note in list_run_notes(made))

    async def test_a_prompt_that_was_refused_costs_no_request_more(self) -> None:
        """A server that answers is free."""
        async with serving(MoodyServer()) as server:
            made = await run(endpoint(server), "over-long-context", repeats=2, warmup=0)
        assert (made.recoveries, len(server.requests)) == ([], 2)


class TestCooldown:
    """429s that we caused."""

    async def test_429s_of_our_own_cooldown_are_counted_apart(self, tmp_path: Path) -> None:
        """They stay rows, and are in no table's `failed`: a look, a resume and a second judging say the same."""
        async with serving(MoodyServer()) as server:
            server.breaks_on_model, server.cooldown_s = True, 0.1
            made = await run(endpoint(server), ["plain-answer", "unknown-model"], repeats=4, warmup=0)
            caused = [one for one in made.rows if one.caused_by_us]
            assert caused
            assert {(one.status, one.kind, one.http_status, one.outcome) for one in caused} == {
                ("failed", "rate_limit", 429, "excluded")
            }
            told = {line["scenario"]: line for line in list_table_lines(made, "errors")}["unknown-model"]
            assert told["caused_by_us"] == len(caused)
            assert told["n"] == told["planned"] == told["failed"] == 4 - len(caused)
            assert "rate_limit" not in told["seen"]
            written = pd.read_csv(next(path for path in write_csv(made, tmp_path) if path.stem == "exchanges"))
            assert written["caused_by_us"].sum() == len(caused)
            ids = {one.exchange_id for one in caused}
            assert {one.exchange_id for one in made.judge_again() if one.caused_by_us} == ids
            again = await resume(made.id)
            assert {one.exchange_id for one in again.rows if one.caused_by_us} == ids

    @staticmethod
    def rows(*kinds: str) -> list[Row]:
        """Rows of one target, a tenth of a second each."""
        made = []
        for number, kind in enumerate(kinds):
            place = {
                "exchange_id": number,
                "start_ns": 10**12 + number * 10**8,
                "end_ns": 10**12 + number * 10**8 + 10**7,
            }
            limited = {"http_status": 429, "kind": "rate_limit"}
            match kind:
                case "good":
                    made.append(row(**place))
                case "mistake breaks it":
                    made.append(failed("server", scenario="unknown-model", wants_failure=True, **place))
                case "mistake is refused":
                    refused = {"http_status": 404, "kind": "not_found_model"}
                    made.append(failed(**(place | refused), scenario="unknown-model", wants_failure=True))
                case "prompt breaks it":
                    made.append(failed("server", **place))
                case "limited":
                    made.append(failed(**(place | limited)))
                case "cooled":
                    made.append(failed(**(place | limited | {"message": COOLDOWN_WORDS})))
                case "much later":
                    late = {"start_ns": 10**12 + 61 * 10**9, "end_ns": 10**12 + 62 * 10**9}
                    made.append(failed(**(place | limited | late)))
                case "out of credit":
                    made.append(failed(**(place | limited | {"kind": "quota"})))
        return made

    @pytest.mark.parametrize(
        ("seen", "caused"),
        [
            (("good", "mistake breaks it", "limited", "limited"), [2, 3]),
            (("good", "mistake is refused", "limited"), []),
            (("good", "mistake is refused", "cooled"), [2]),
            (("good", "prompt breaks it", "limited"), []),
            (("good", "limited"), []),
            (("mistake breaks it", "good", "limited"), []),
            (("limited", "mistake breaks it", "limited"), []),
            (("limited", "good", "mistake breaks it", "limited"), [3]),
            (("mistake breaks it", "much later"), []),
            (("mistake breaks it", "out of credit"), []),
            (("mistake breaks it", "mistake is refused", "limited"), [2]),
        ],
        ids=lambda value: " → ".join(value) if isinstance(value, tuple) else "",
    )
    def test_a_429_is_ours_only_behind_a_mistake_of_ours(self, seen: tuple[str, ...], caused: list[int]) -> None:
        """A server that limits anyway, one that answered since, and one that is asked much later are themselves."""
        marked = mark_caused(plan(["one"]), self.rows(*seen))
        assert [one.exchange_id for one in marked if one.caused_by_us] == caused

    def test_a_cooldown_holds_for_every_dialect_of_a_server_and_for_no_other_server(self) -> None:
        """Endpoints at one origin share it."""
        made = plan(["one", "two", "three"])
        targets = [
            msgspec.structs.replace(target, base_url=url)
            for target, url in zip(made.targets, ("http://h:1/v1", "http://h:1/api", "http://h:2/v1"), strict=True)
        ]
        shared = msgspec.structs.replace(made, targets=tuple(targets))
        breaks, here, there = self.rows("mistake breaks it", "limited", "limited")
        rows = [breaks, msgspec.structs.replace(here, target=1), msgspec.structs.replace(there, target=2)]
        assert [one.caused_by_us for one in mark_caused(shared, rows)] == [False, True, False]


async def test_a_wait_is_cancelled_with_its_run() -> None:
    """Ctrl-C does not sit out a minute."""
    async with serving(MoodyServer()) as server:
        server.limits, server.limit_words = 1, "Please try again in 50s."
        waiting = asyncio.Event()
        task = asyncio.ensure_future(
            run(
                endpoint(server),
                "plain-answer",
                repeats=2,
                warmup=0,
                on_progress=lambda event: waiting.set() if isinstance(event, Waiting) else None,
            )
        )
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert Run.open("last").states == {"failed": 1, "planned": 1}
