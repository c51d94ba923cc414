"""One answer as data and its faces: what happened, along time, to the byte; nothing a server said is obeyed."""

import shlex
import subprocess
import time
from typing import Any

import pytest
from support.made_run import MadeRun, failed, plan, row
from support.recorded import DONE, chunk, exchange, raw_exchange

from byok_bench.checks.finding import Finding
from byok_bench.dialects.exchange import Exchange
from byok_bench.report.answer_bytes import LONGEST, MOST_PIECES, escape_bytes, list_pieces
from byok_bench.report.answer_details import AnswerDetails, make_answer_details
from byok_bench.report.answer_html import TITLES, render_answer, render_sections
from byok_bench.report.answer_index import list_answers_behind, list_answers_breaking, list_answers_of_failure
from byok_bench.report.answer_timeline import MOST_TICKS, make_timeline
from byok_bench.report.conversation import list_sayings
from byok_bench.report.curl_command import render_curl_command
from byok_bench.report.evidence import list_failures
from byok_bench.wire.raw_exchange import RawRequest

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"&"
BROKEN = Finding(check="stream.truncated", severity="error", message=EVIL, event=2, offset=None)


class Recorded(MadeRun):
    """Each row has the same answer behind it."""

    answer: Exchange

    def find_exchange(self, exchange_id: int) -> Exchange:  # type: ignore[override]
        return self.answer


def details_of(answer: Exchange, **fields: Any) -> AnswerDetails:
    run = Recorded([row(exchange_id=7, **fields)], plan(("one",)))
    run.answer = answer
    return make_answer_details(run, 7)


def a_stream(times: list[float], text: str = "word ") -> Exchange:
    chunks = [(at, chunk({"content": text})) for at in times]
    end = times[-1] + 1
    return exchange(raw_exchange([*chunks, (end, chunk({}, "stop")), (end, DONE)]))


def test_the_spans_of_an_answer_follow_each_other() -> None:
    """Waiting, thinking, calling, and what comes behind: each begins where the one before it ends."""
    call = {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]}
    chunks = [(40.0, chunk({"reasoning_content": "hm"})), (60.0, chunk({"content": "a"})), (80.0, chunk(call))]
    line = make_timeline(exchange(raw_exchange([*chunks, (90.0, chunk({}, "tool_calls")), (95.0, DONE)])))
    told = [(span.kind, span.start_ms, span.end_ms) for span in line.spans]
    assert told == [
        ("wait", 0.0, 40.0), ("reasoning", 40.0, 60.0), ("text", 60.0, 80.0), ("tool", 80.0, 80.0),
        ("rest", 80.0, 95.0),
    ]  # fmt: skip
    assert (line.start_ms, line.end_ms, line.all_packets) == (0.0, 95.0, 5)


@pytest.mark.parametrize(
    ("times", "stalls"),
    [
        ([10, 20, 30, 1030, 1040], [(30.0, 1030.0)]),
        ([10, 20, 30, 100, 110], []),  # 70 ms: nobody notices
        ([500, 1000, 1500, 2000, 2500], []),  # slow, and even
        ([10], []),
    ],
)
def test_a_stall_is_a_silence_that_one_notices(times: list[float], stalls: list[tuple[float, float]]) -> None:
    """At least 200 ms, and ten times the median gap: a slow stream that is even does not stall."""
    assert [(one.start_ms, one.end_ms) for one in make_timeline(a_stream(times)).stalls] == stalls


def test_packets_that_would_lie_on_one_another_are_drawn_once() -> None:
    """A picture is no heavier than its pixels, and says how many there were."""
    line = make_timeline(a_stream([float(at) for at in range(5_000)]))
    assert len(line.packets) <= MOST_TICKS + 1
    assert line.all_packets == 5_002


def test_what_was_never_sent_has_no_timeline() -> None:
    """A refused address, say."""
    raw = raw_exchange([])
    raw.phases.written = None
    assert make_timeline(exchange(raw)).spans == ()


def test_the_broken_byte_is_marked_in_its_piece() -> None:
    """Where a finding says at which byte; the text before and behind it is whole."""
    answer = a_stream([1, 2, 3])
    at = answer.events[1].offset + 10
    piece = list_pieces(answer, [Finding(check="sse.x", severity="error", message="m", event=1, offset=at)])[0][1]
    data = answer.reading.body.data
    assert piece.broken == escape_bytes(data[at : at + 1])
    assert piece.before == escape_bytes(data[answer.events[1].offset : at])
    assert piece.behind == escape_bytes(data[at + 1 : answer.events[2].offset])
    assert piece.checks == ("sse.x",)


def test_a_long_answer_is_shown_around_its_findings() -> None:
    """Its beginning, its end, three pieces to each side of what is broken, and how many lie between."""
    answer = a_stream([float(at) for at in range(1_000)])
    finding = Finding(check="sse.x", severity="error", message="m", event=500)
    pieces, count = list_pieces(answer, [finding])
    numbers = [one.number for one in pieces]
    assert numbers == [*range(5), *range(497, 504), *range(count - 5, count)]
    assert sum(one.left_out for one in pieces) + len(pieces) == count == 1_002


def test_what_lies_around_a_byte_is_shown_if_it_is_asked_for() -> None:
    """A click on a packet in the middle of a long answer shows that packet."""
    answer = a_stream([float(at) for at in range(1_000)])
    pieces, _ = list_pieces(answer, [], answer.events[500].offset + 3)
    assert [one.number for one in pieces] == [*range(5), *range(497, 504), *range(997, 1_002)]


def test_an_answer_of_ten_megabytes_stays_small() -> None:
    """Whatever came: what is shown is bounded, and made in a moment."""
    answer = a_stream([float(at) for at in range(1_000)], text="x" * 10_000)
    begun = time.perf_counter()
    details = details_of(answer, findings=(BROKEN,))
    page = render_answer(details)
    assert details.body_bytes > 10_000_000
    assert len(details.pieces) <= MOST_PIECES
    assert len(page) < 400_000
    assert time.perf_counter() - begun < 60  # seconds; a bound of the test, no measurement


def test_a_whole_answer_is_cut_into_pieces() -> None:
    """One long piece is shown around its broken byte; bytes that are no text are escapes."""
    raw = raw_exchange([(5.0, b"\x00\xff" + b"a" * 500)], content_type="application/json")
    pieces, count = list_pieces(exchange(raw), [])
    assert pieces[0].before.startswith("\\x00\\xff")
    assert (count, sum(one.bytes for one in pieces)) == (4, 502)
    long = a_stream([1.0], text="x" * 9_000)
    piece = list_pieces(long, [Finding(check="c", severity="error", message="", event=0, offset=5_000)])[0][0]
    assert len(piece.before) <= LONGEST
    assert piece.before.startswith("…")
    assert piece.behind.endswith("…")


ENDS = {
    "good": (row(exchange_id=7, e2e_ms=20.0, ttft_ms=9.6), "good", "Answered after 20 ms, first token after 10 ms."),
    "broken": (row(exchange_id=7, findings=(BROKEN,)), "finding", "one rule is broken: stream.truncated"),
    "unmet": (row(exchange_id=7, outcome="unmet", why=("no call",)), "bad", "Not as expected: no call."),
    "refused": (
        failed("auth", exchange_id=7, wants_failure=True, outcome="ok", http_status=401, message="no"),
        "good",
        "As wanted",
    ),
    "failed": (failed("rate_limit", exchange_id=7, http_status=429, message="slow down"), "bad", "HTTP 429"),
    "open": (row(exchange_id=7, status="planned", outcome=None), "bad", "No answer: planned."),
}


@pytest.mark.parametrize("end", ENDS)
def test_what_happened_is_a_sentence(end: str) -> None:
    """With its tone, and advice where something is to be done."""
    made, tone, words = ENDS[end]
    details = make_answer_details(MadeRun([made], plan(("one",))), 7)
    assert (details.tone, words in details.sentence) == (tone, True), details.sentence
    assert bool(details.advice) == (end == "failed")


def test_nothing_that_a_server_said_is_obeyed() -> None:
    """Markup and terminal controls in text, headers and messages are shown as text."""
    raw = raw_exchange(
        [(1.0, chunk({"content": f"{EVIL}\x1b[31m"})), (2.0, DONE)], headers=(("x-evil", EVIL),), body={"messages": [{
            "role": EVIL, "content": EVIL}]},
    )  # fmt: skip
    page = render_answer(details_of(exchange(raw), findings=(BROKEN,)))
    assert "<script" not in page
    assert "<img" not in page
    assert "\x1b" not in page
    assert page.count("&lt;script&gt;") >= 4


def test_a_page_has_every_section_without_a_script() -> None:
    """Static `<details>` are enough: on paper, in a report, without a kernel."""
    details = details_of(a_stream([1, 2, 900]), findings=(BROKEN,))
    page = render_answer(details)
    for name in ("timeline", "bytes", "request"):
        assert f"<details><summary>{TITLES[name]}</summary>" in page
    assert "ms of silence" in page
    assert "Who breaks:" in render_sections(details)["what"]
    assert "on" not in {part.partition("=")[0][:2] for part in page.split() if "=" in part} - {"on"}


def test_a_copied_command_names_the_key_and_runs() -> None:
    """The key is a variable; quotes and dollars in the body reach the server as they were."""
    body = '{"q": "it\'s $5 `x`"}'
    request = RawRequest(
        id="i", method="POST", url="http://h/v1?k=[redacted]", body=body.encode(),
        headers=(("authorization", "[redacted]"), ("x-org", "[redacted]"), ("host", "h"), ("x-q", 'a"b')),
    )  # fmt: skip
    command = render_curl_command(request, "MY_KEY")
    echoed = f'MY_KEY=k X_ORG=o; curl() {{ printf "%s\\n" "$@"; }}; {command}'
    said = subprocess.run(["sh", "-c", echoed], capture_output=True, text=True, check=True).stdout
    for line in ("authorization: Bearer k", "x-org: o", 'x-q: a"b', "http://h/v1?k=k", body):
        assert line in said.splitlines()
    assert "host" not in said
    assert shlex.split(command)[0] == "curl"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}, [("user", "hi")]),
        (
            {"messages": [{"role": "assistant", "content": None, "tool_calls": [{"function": {
                "name": "f", "arguments": "{}"}}]}, {"role": "tool", "content": "7"}]},
            [("assistant", "calls f({})"), ("tool", "7")],
        ),
        (
            {"instructions": "be brief", "input": [{"type": "function_call", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "output": "7"}]},
            [("system", "be brief"), ("assistant", "calls f({})"), ("tool", "7")],
        ),
        (
            {"system": "s", "messages": [{"role": "assistant", "content": [{"type": "tool_use", "name": "f",
                "input": {"a": 1}}]}]},
            [("system", "s"), ("assistant", 'calls f({"a": 1})')],
        ),
        ({"input": "hi"}, [("user", "hi")]),
        ("no object", []),
        ({"messages": [3, None, {"role": "user"}]}, []),
    ],
)  # fmt: skip
def test_a_conversation_is_read_in_every_dialect(body: Any, said: list[tuple[str, str]]) -> None:
    """Who said what, calls and results included; what is no conversation is none."""
    assert [(one.who, one.text) for one in list_sayings(body, None)] == said


def test_a_number_leads_to_its_answers() -> None:
    """Those that a cell counts, and no others."""
    rows = [
        row(exchange_id=1), row(exchange_id=2, findings=(BROKEN,)), failed("auth", exchange_id=3),
        row("forced-tool", exchange_id=4, outcome="unmet"), row(exchange_id=5, target=1, findings=(BROKEN,)),
        row(exchange_id=6, repeat=0, findings=(BROKEN,)),
        failed("auth", scenario="bad-key", exchange_id=7, wants_failure=True, outcome="ok"),
        failed("auth", scenario="bad-key", exchange_id=8, sample="t", wants_failure=True, outcome="unmet"),
    ]  # fmt: skip
    run = MadeRun(rows, plan(("one", "two")))
    assert list_answers_behind(run, {"endpoint": "one"}, "failed") == [3, 7, 8]
    assert list_answers_behind(run, {"endpoint": "one", "scenario": "plain-answer"}, "errors") == [2]
    assert list_answers_behind(run, {"endpoint": "one", "scenario": "agent prompts"}, "as_wanted") == [3, 4]
    assert list_answers_behind(run, {"endpoint": "one"}, "ttft_ms") == []
    assert list_answers_breaking(run, 1, "stream.truncated") == [5]
    assert [list_answers_of_failure(run, line) for line in list_failures(run)] == [[3], [8], [7]]
