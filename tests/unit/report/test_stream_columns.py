"""All answers to one prompt as columns: beside each other, with flags, ghosts and numbers of a stretch of time."""

import re
from array import array
from collections import Counter
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree

import pytest
from support.made_run import MadeRun, failed, plan, row
from support.recorded import DONE, chunk, exchange, raw_exchange

from byok_bench.checks.finding import Finding
from byok_bench.dialects.exchange import Exchange
from byok_bench.errors import PlanError
from byok_bench.report.prompts import Prompt, choose_prompt, list_prompts
from byok_bench.report.stream_columns import (
    HUES,
    KINDS,
    LONGEST_US,
    MOST_LANES,
    StreamColumns,
    make_stream_columns,
    to_bytes,
    to_us,
)
from byok_bench.report.stream_picture import MOST_ROWS, render_streams_svg
from byok_bench.report.stream_selection import ENOUGH_FOR_P95, measure_stretch, render_stretches

PROMPT = Prompt(scenario="plain-answer", sample="s")
BROKEN = Finding(check="stream.truncated", severity="error", message="<cut>", event=1, offset=30)
WHOLE = Finding(check="usage.missing", severity="warn", message="none")


class Recorded(MadeRun):
    """Answers by exchange id; all others are the first one."""

    def __init__(self, rows: Any, *answers: Exchange, labels: tuple[str, ...] = ("one", "two")) -> None:
        super().__init__(rows, plan(labels))
        self.answers = answers

    def find_exchange(self, exchange_id: int) -> Exchange | None:  # type: ignore[override]
        return self.answers[min(exchange_id, len(self.answers) - 1)]


def a_stream(*times: float) -> Exchange:
    chunks = [(at, chunk({"content": "a"})) for at in times]
    return exchange(raw_exchange([*chunks, (times[-1] + 1, DONE)]))


def columns_of(*rows: Any, answers: tuple[Exchange, ...] = (), **more: Any) -> StreamColumns:
    return make_stream_columns(Recorded(rows, *(answers or (a_stream(10, 20, 30),)), **more), PROMPT)


def test_packets_stand_lane_after_lane_in_whole_microseconds() -> None:
    """`firsts` says where each lane begins; a packet knows its first byte and how many deltas it completed."""
    packed = exchange(raw_exchange([(5.5, chunk({"content": "a"}) + chunk({"content": "b"})), (7.0, DONE)]))
    made = columns_of(row(exchange_id=0), row(exchange_id=1, target=1), answers=(a_stream(10, 20), packed))
    assert list(made.firsts) == [0, 3, 5]
    assert list(made.packet_us) == [10_000, 20_000, 21_000, 5_500, 7_000]
    assert list(made.packet_deltas) == [1, 1, 0, 2, 0]
    length = len(chunk({"content": "a"}))
    assert list(made.packet_offset) == [0, length, 2 * length, 0, 2 * length]


def test_spans_and_silences_name_their_lane() -> None:
    """Wait, text and the end; a silence of 200 ms and more."""
    made = columns_of(row(), answers=(a_stream(10, 20, 30, 40, 600),))
    spans = [tuple(made.spans[at : at + 4]) for at in range(0, len(made.spans), 4)]
    assert [(lane, KINDS[kind]) for lane, kind, _, _ in spans] == [(0, "wait"), (0, "text"), (0, "rest")]
    assert [span[2:] for span in spans] == [(0, 10_000), (10_000, 600_000), (600_000, 601_000)]
    assert list(made.stalls) == [0, 40_000, 600_000]


def test_columns_go_over_as_little_endian_numbers_of_32_bits() -> None:
    """A front end lays an Int32Array over them; what is longer than they hold stands at their end."""
    assert to_bytes(array("i", [1, -2])) == b"\x01\0\0\0\xfe\xff\xff\xff"
    assert to_us(1e12) == LONGEST_US


def test_lanes_stand_by_endpoint_and_repeat() -> None:
    """Each names its repeat where there are several; what has no record is no lane."""
    rows = [row(target=1), row(repeat=2), row(), row(repeat=0), row(status="planned", repeat=3)]
    made = columns_of(*rows)
    assert [lane.name for lane in made.lanes] == ["one, repeat 1", "one, repeat 2", "two, repeat 1"]
    assert [lane.name for lane in columns_of(row(), row(target=1)).lanes] == ["one", "two"]


def test_of_many_answers_the_first_repeats_are_taken() -> None:
    """No more lanes than are drawn quickly, and how many were left out."""
    rows = [row(target=at % 2, repeat=1 + at // 2) for at in range(MOST_LANES + 6)]
    made = columns_of(*rows)
    assert (made.shown, made.left_out) == (MOST_LANES, 6)
    assert max(lane.repeat for lane in made.lanes) == MOST_LANES // 2


def test_flags_stand_where_their_event_came_or_at_the_end() -> None:
    """In the order in which one goes through them."""
    made = columns_of(row(findings=(WHOLE, BROKEN)), row(target=1, findings=(BROKEN,)))
    assert [(flag.lane, flag.check, flag.at_us, flag.offset) for flag in made.flags] == [
        (0, "stream.truncated", 20_000, 30), (0, "usage.missing", 31_000, None), (1, "stream.truncated", 20_000, 30),
    ]  # fmt: skip


def test_a_ghost_is_the_answer_of_the_baseline_of_the_same_endpoint_and_repeat() -> None:
    """Of another repeat where it has not that one; an endpoint that it has not has no ghost, and a ghost no flag."""
    run = Recorded([row(), row(repeat=2), row(target=1)], a_stream(10))
    rows = [row(exchange_id=0, findings=(BROKEN,)), row(exchange_id=1, repeat=3)]
    before = Recorded(rows, a_stream(1, 2), a_stream(3), labels=("one",))
    made = make_stream_columns(run, PROMPT, before)
    assert (made.shown, len(made.lanes), made.flags) == (3, 5, ())
    assert [lane.ghost for lane in made.lanes[:3]] == [3, 4, -1]
    assert made.packet_us[made.firsts[3]] == 1_000


def test_numbers_of_a_stretch_are_those_between_its_ends() -> None:
    """Tokens by the share of deltas; gaps and rate between packets with output."""
    made = columns_of(row(tokens=8, tokens_from="usage"), answers=(a_stream(10, 20, 40, 100),))
    part = measure_stretch(made, 0, 15_000, 100_000)
    assert (part.packets, part.deltas, part.tokens, part.is_exact) == (3, 3, 6.0, False)
    assert (part.median_ms, part.p95_ms, part.longest_ms) == (40.0, None, 60.0)
    assert part.tokens_per_s == pytest.approx(4 / 0.08)
    whole = measure_stretch(made, 0, 0, 200_000)
    assert (whole.packets, whole.tokens, whole.is_exact) == (5, 8.0, True)


def test_a_p95_needs_twenty_gaps() -> None:
    """One is expected beyond it; an empty stretch has no numbers."""
    made = columns_of(row(), answers=(a_stream(*range(10, 11 + ENOUGH_FOR_P95)),))
    assert measure_stretch(made, 0, 0, 99_000).p95_ms == 1.0
    assert measure_stretch(made, 0, 0, 29_000).p95_ms is None
    assert render_stretches([measure_stretch(made, 0, 0, 5)])[0] == ["one", "0", "0", "NA", "NA", "NA", "NA", "NA"]


def test_a_share_of_tokens_is_marked_as_one() -> None:
    """Nobody takes it for what the server counted."""
    made = columns_of(row(tokens=8, tokens_from="usage"), answers=(a_stream(10, 20, 40, 100),))
    shares = [measure_stretch(made, 0, 0, end_us) for end_us in (20_000, 200_000)]
    assert [line[3] for line in render_stretches(shares)] == ["≈ 4", "8"]


def test_prompts_are_named_by_what_tells_them_apart() -> None:
    """Scenario, and sample, turn or load where there are several; in the order of the plan."""
    rows = [row("tool-round-trip", turn=2), row("tool-round-trip"), row(), row(status="planned", turn=9)]
    run = Recorded(rows, a_stream(1))
    assert [one.title for one in list_prompts(run)] == [
        "plain-answer", "tool-round-trip, turn 1", "tool-round-trip, turn 2",
    ]  # fmt: skip


def test_the_prompt_with_most_output_is_shown_first() -> None:
    """Unless one is named; what had to be refused is none to begin with."""
    rows = [row(deltas=3), row("forced-tool", deltas=9), failed(scenario="bad-key", deltas=99, wants_failure=True)]
    run = Recorded(rows, a_stream(1))
    titles = [one.title for one in list_prompts(run)]
    assert titles[choose_prompt(run) or 0] == "forced-tool"
    assert titles[choose_prompt(run, "plain-answer") or 0] == "plain-answer"
    assert choose_prompt(Recorded([], a_stream(1))) is None


def test_a_prompt_that_there_is_not_is_answered_with_the_nearest() -> None:
    """Scenario and sample."""
    run = Recorded([row()], a_stream(1))
    with pytest.raises(PlanError, match="did you mean 'plain-answer'"):
        choose_prompt(run, "plain-anser")
    with pytest.raises(PlanError, match="this run has no sample"):
        choose_prompt(run, "plain-answer", "nowhere")


def test_the_picture_is_well_formed_and_brings_its_colours() -> None:
    """A row an answer, ticks as one path, flags with their words, and nothing that a page would obey."""
    made = columns_of(row(findings=(BROKEN,)), row(target=1), labels=("<b>", "two"))
    picture = ElementTree.fromstring(render_streams_svg(made, "<what>"))
    texts = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert picture.get("aria-label") == "<what>"
    assert {"<b>", "two"} <= set(texts)
    assert "stream.truncated: <cut>" in [element.text for element in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert HUES["text"] in [element.get("fill") for element in picture.iter("{http://www.w3.org/2000/svg}rect")]


def test_a_picture_of_many_long_answers_stays_small() -> None:
    """Rows beyond the most are counted; packets that lie on one another are one tick."""
    rows = [row(target=at % 2, repeat=1 + at // 2) for at in range(MOST_ROWS + 2)]
    picture = render_streams_svg(columns_of(*rows, answers=(a_stream(*range(1, 700)),)), "much")
    assert len(picture) < 150_000
    assert "and 2 answers more" in picture


def test_a_long_name_keeps_both_ends_and_its_repeat() -> None:
    """Endpoints that differ at their ends can be told apart."""
    labels = ("The gateway of the company in Frankfurt", "The gateway of the company in Dublin")
    rows = [row(target=target, repeat=repeat) for target in range(2) for repeat in (1, 2)]
    picture = render_streams_svg(columns_of(*rows, labels=labels), "names")
    assert re.findall(r">(The [^<]*)<", picture) == [
        "The gateway of…ankfurt, repeat 1", "The gateway of…ankfurt, repeat 2",
        "The gateway of… Dublin, repeat 1", "The gateway of… Dublin, repeat 2",
    ]  # fmt: skip


def test_a_picture_without_room_for_all_has_every_endpoint() -> None:
    """As many answers of the last one as of the first."""
    rows = [row(target=target, repeat=1 + at) for target in range(2) for at in range(MOST_ROWS)][: MOST_LANES - 4]
    names = re.findall(r"text-anchor='end' fill='#77828d'>(\w+), repeat", render_streams_svg(columns_of(*rows), "much"))
    assert Counter(names) == {"one": MOST_ROWS - 20, "two": 20}


def test_what_there_is_no_room_for_is_not_what_went_worst() -> None:
    """Of each endpoint what failed stays, then what broke a rule, then what took longest."""
    quick, slow = ({"start_ns": 0, "end_ns": ms * 10**6} for ms in (10, 30))
    rows = [
        row(repeat=1, **quick), row(repeat=2, **slow), row(repeat=3, findings=(BROKEN,), **quick),
        failed(target=1, repeat=3), row(target=1, repeat=1, **slow), row(target=1, repeat=2, **quick),
    ]  # fmt: skip
    made = make_stream_columns(Recorded(rows, a_stream(10, 20)), PROMPT, most=4, worst_first=True)
    assert [(lane.endpoint, lane.repeat) for lane in made.lanes] == [("one", 2), ("one", 3), ("two", 1), ("two", 3)]
    assert made.left_out == 2


def test_hues_are_those_of_the_answer_drawer() -> None:
    """One kind has one colour, wherever it is drawn."""
    sheet = (files("byok_bench.report") / "answer.css").read_text("utf-8")
    assert dict(re.findall(r'rect\[data-kind="(\w+)"\].*?--kind: (#\w+)', sheet)) == HUES
