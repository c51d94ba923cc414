"""How answers are read where other verifiers err: each of their known mistakes, not made here."""

import json
from typing import Any

import pytest
from support.made_run import failed, row
from support.recorded import answer, chunk, exchange, raw_exchange
from support.vendor_worlds import PLAN, SAMPLE, SCENARIO, TOOLS, VendorRun, make_call, make_text

from byok_bench.dialects.exchange import Exchange
from byok_bench.report.vendor.answers import Answer, find_request_tools, judge_call, list_answers
from byok_bench.report.vendor.comparison import choose_sides
from byok_bench.report.vendor.details import count_finishes
from byok_bench.report.vendor.k2vv_files import iterate_results, summarize_results, write_k2vv_results
from byok_bench.runs.judging import make_row
from byok_bench.runs.storage.ledger import ExchangeState

BODY = {"model": "m", "messages": [], "tools": TOOLS, "stream": True}


def judge(made: Exchange, target: int = 0, repeat: int = 1, id_: int = 0) -> Any:
    """The row of an exchange, as a run has it."""
    state = ExchangeState(
        id=id_, key=f"k{id_}", first_key=f"k{id_}", turn=1, target=target, stage=0, scenario=SCENARIO, sample=SAMPLE,
        repeat=repeat, status="done", attempt=1, owner=None, kind=None, phase=None, final="",
    )  # fmt: skip
    return make_row(PLAN, state, made)


def read(made: Exchange) -> Answer:
    """The answer that a comparison sees."""
    (found,) = list_answers(VendorRun([judge(made)], {0: made}))
    return found


CALLS = [
    ("get_time", '{"city": "Rome"}', "valid"),
    ("get_time", '{"city": ', "InvalidJson"),
    ("get_time", '{"town": "Rome"}', "SchemaMismatch"),
    ("get_time", "", "SchemaMismatch"),
    ("get_time", '"{}"', "SchemaMismatch"),
    ("get_weather", "{}", "UnknownName"),
]


@pytest.mark.parametrize(("name", "arguments", "verdict"), CALLS)
def test_a_call_is_one_of_four(name: str, arguments: str, verdict: str) -> None:
    """OpenRouter's three classes, and fine."""
    assert [call.verdict for call in read(make_call(name, arguments)).calls] == [verdict]


def test_a_tool_without_a_schema_takes_anything() -> None:
    """A missing schema is no mismatch."""
    made = make_call("ping", '{"any": 1}')
    offered = {"ping": {"name": "ping"}}
    assert judge_call(made.output.tool_calls[0], offered).verdict == "valid"


@pytest.mark.parametrize("finish", ["stop", "tool_calls", "length"])
def test_calls_are_judged_whatever_the_finish_reason_says(finish: str) -> None:
    """A wrong call with `stop` is wrong, and a trigger it is, too."""
    found = read(make_call(arguments="{", finish=finish))
    assert found.has_called
    assert [call.verdict for call in found.calls] == ["InvalidJson"]


def test_calls_without_an_index_stay_apart() -> None:
    """No index is not index 0: two calls do not melt into one."""
    two = [
        {"id": name, "type": "function", "function": {"name": "get_time", "arguments": json.dumps({"city": name})}}
        for name in ("a", "b")
    ]
    chunks = [(float(n), chunk({"tool_calls": [one]})) for n, one in enumerate(two, 1)]
    made = exchange(raw_exchange([*chunks, (9.0, chunk({}, "tool_calls") + b"data: [DONE]\n\n")], body=BODY))
    assert [call.value for call in read(made).calls] == [{"city": "a"}, {"city": "b"}]


def make_cut() -> Exchange:
    """A stream that ends in the middle: no finish reason, no [DONE]."""
    return exchange(raw_exchange([(5.0, chunk({"content": "half"}))], body=BODY, end="eof"))


def test_a_stream_that_was_cut_is_a_failure_and_no_stop() -> None:
    """Neither a "no" nor an answer that ended."""
    found = read(make_cut())
    assert found.kind is not None
    run = VendorRun([judge(make_cut())], {0: make_cut()})
    (result,) = iterate_results(run, 0)
    assert (result["status"], result["finish_reason"]) == ("failed", None)
    assert summarize_results([result], "m")["finish_stop"] == 0


def test_usage_is_that_of_the_last_chunk_without_choices() -> None:
    """Where OpenAI's API puts it."""
    made = answer("hi", body=BODY)
    (result,) = iterate_results(VendorRun([judge(made)], {0: made}), 0)
    assert result["response"]["usage"] == {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
    assert summarize_results([result], "m")["usage"]["prompt_tokens"] == 3


def test_a_refused_request_is_no_no() -> None:
    """A 429 has a place of its own in the confusion matrix, and none in the trigger."""
    rows = [
        judge(make_call(), 0, 1, 0),
        failed("rate_limit", scenario=SCENARIO, sample=SAMPLE, target=1, exchange_id=1),
    ]
    sides = choose_sides(VendorRun(rows, {0: make_call()}), "A")
    assert count_finishes(sides.by_target[0], sides.by_target[1]) == {"tool_calls": {"failed: rate_limit": 1}}
    assert sides.by_target[1].group_first_turns() == {}


def test_attempts_are_no_queries() -> None:
    """An exchange that took three attempts is one in every denominator."""
    made = make_text()
    kept = judge(made)
    third = row(**{name: getattr(kept, name) for name in ("scenario", "sample", "finish_reason")}, attempt=3)
    results = list(iterate_results(VendorRun([third], {0: made}), 0))
    assert summarize_results(results, "m")["success_count"] == 1


@pytest.mark.parametrize("kind", ["server", "timeout", "invalid_request"])
def test_a_failure_keeps_its_kind(kind: str) -> None:
    """A 5xx is not "parameter rejected": kinds are counted apart."""
    (found,) = list_answers(VendorRun([failed(kind, scenario=SCENARIO)], {}))
    assert (found.kind, found.is_good) == (kind, False)


def test_results_are_written_in_the_shape_of_k2vv(tmp_path: Any) -> None:
    """Their members, one exchange a line, and the counts beside them."""
    made = {0: make_call(), 1: make_call(arguments="{"), 2: make_text()}
    rows = [judge(one, 0, n + 1, n) for n, one in made.items()]
    paths = write_k2vv_results(VendorRun(rows, made), tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in paths[:2]] == ["A/results.jsonl", "A/summary.json"]
    lines = [json.loads(line) for line in paths[0].read_text().splitlines()]
    assert set(lines[0]) == {
        "data_index", "request", "extra_body", "response", "status", "finish_reason", "tool_calls_valid",
        "last_run_at", "duration_ms", "hash",
    }  # fmt: skip
    assert [line["tool_calls_valid"] for line in lines] == [True, False, None]
    assert len({line["hash"] for line in lines}) == 1
    summary = json.loads(paths[1].read_text())
    wanted = {"success_count": 3, "finish_tool_calls": 2, "finish_stop": 1, "schema_validation_error_count": 1}
    assert {name: summary[name] for name in wanted} == wanted


def test_tools_are_read_from_the_request_itself() -> None:
    """Request lines bring their own, whatever the library knows."""
    assert list(find_request_tools(make_call())) == ["get_time"]
    assert find_request_tools(None) == {}
