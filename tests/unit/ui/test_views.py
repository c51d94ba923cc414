"""What notebooks show: nothing cut off, nothing that a server said as markup, and every word explained."""

import re
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from support.made_run import MadeRun, failed, plan, row
from support.recorded import DONE, chunk, exchange, raw_exchange

from byok_bench.checks.finding import Finding
from byok_bench.dialects.exchange import Exchange
from byok_bench.runs.results import TABLES
from byok_bench.ui.errors_view import render_failures
from byok_bench.ui.exchange_view import render_events
from byok_bench.ui.findings_view import make_anchor, render_findings
from byok_bench.ui.html_table import render_html_table
from byok_bench.ui.results_view import render_results
from byok_bench.ui.run_faces import Results

EVIL = "<script>alert(1)</script>'\"><img src=x onerror=alert(2)>&\x1b[31m\x00\ud800"
LONG = "what a server said at length, " * 12 + "to the very end"
BROKEN = Finding(check="stream.truncated", severity="error", message=EVIL, event=1, offset=0)


def a_stream() -> Exchange:
    """Nine events of which the second is hostile."""
    texts = ["a", EVIL.encode("utf-8", "replace").decode(), *"bcdef"]
    chunks = [(20.0 + 10 * n, chunk({"content": text})) for n, text in enumerate(texts)]
    return exchange(raw_exchange([*chunks, (95.0, chunk({}, "stop")), (95.0, DONE)]))


class Recorded(MadeRun):
    """Each row has the same stream behind it."""

    def find_exchange(self, exchange_id: int) -> Exchange:  # type: ignore[override]
        return a_stream()


def hostile() -> MadeRun:
    """A run in which labels, messages and findings try to be markup."""
    rows = [
        row(findings=(BROKEN,), ttft_ms=10.0, e2e_ms=20.0, itl_ms=(1.0, 2.0)),
        failed("rate_limit", message=f"{EVIL} {LONG}", retry_after_s=2.0, retryable=True),
        failed("context_length", scenario="over-long-context", wants_failure=True, outcome="ok", message=EVIL),
        row("unknown-model", wants_failure=True, outcome="unmet"),
        row("forced-tool", tool_calls=(EVIL,), outcome="unmet", why=(EVIL,)),
    ]
    return Recorded(rows, plan(("a <b>bold</b> label",)), note=EVIL, status="interrupted")


class Tags(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name == "src"]

    def handle_data(self, data: str) -> None:
        self.text += data


VIEWS: dict[str, Any] = {name: lambda run, name=name: render_results(run, name) for name in TABLES} | {
    "failures": render_failures, "findings": render_findings, "events": lambda run: render_events(a_stream(), around=1),
}  # fmt: skip


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_that_a_server_said_becomes_markup(view: str) -> None:
    """Its text is shown, escaped, without controls."""
    page = VIEWS[view](hostile()).data
    seen = Tags(page)
    assert not seen.tags & {"script", "img", "b2", "iframe", "object", "style", "a"}
    assert "bold</b>" not in page
    assert not re.search(r"[\x00\x1b\ud800]", page)


def test_a_failure_without_words_and_status_is_shown_with_na() -> None:
    """Beside one that has both."""
    silent = failed("network", phase="connect", http_status=None, message=None)
    page = render_failures(Recorded([silent, failed("auth", http_status=401)], plan(("one",)))).data
    assert page.count(">NA<") == 3  # no status, and no wait of either
    assert page.count("It said:</b> NA<br>") == 1
    assert ">401<" in page


def test_nothing_is_cut_off() -> None:
    """What a client should do is read to its end; so is what the server said."""
    text = Tags(render_failures(hostile()).data).text
    assert "to the very end" in text
    assert "then send less at once." in text


@pytest.mark.parametrize(("around", "first", "last"), [(None, 0, 7), (1, 0, 7), (8, 1, 8)])
def test_events_are_shown_around_the_one_in_question(around: int | None, first: int, last: int) -> None:
    """With the time of each, the gap before it, and what all begin with left out once."""
    page = render_events(a_stream(), around=around).data
    text = Tags(page).text
    assert f"Events {first} to {last} of 9" in text
    assert ("font-weight:700" in page) == (around is not None)
    assert "All begin with" in text or last == 8
    assert "10.0" in text


def test_failures_say_whether_and_when_to_send_again() -> None:
    """Yes or no, and seconds; NA where the server said nothing."""
    text = Tags(render_failures(hostile()).data).text
    assert "yes" in text
    assert "no" in text
    assert "wait s" in text


def test_a_refusal_that_was_wanted_is_not_red_and_comes_last() -> None:
    """It is no trouble, and asks nobody to do a thing; one of the wrong kind in the same scenario is."""
    rows = [
        failed("auth", scenario="bad-key", wants_failure=True, outcome="ok"),
        failed("server", scenario="bad-key", repeat=2, wants_failure=True, outcome="unmet"),
    ]
    page = render_failures(Recorded(rows, plan(("one",)))).data
    wanted = page.index(">auth<")
    assert page.index(">server<") < wanted
    assert [found.start() < wanted for found in re.finditer("color:var.{,60}font-weight:700", page)] == [True]
    assert page.index("What a client should do") < wanted < page.index("As wanted: it had to be refused")


def test_a_rule_opens_to_its_evidence_and_its_page() -> None:
    """Its line counts, by endpoint; below stand event, byte, time, and the page with its examples."""
    page = render_findings(hostile()).data
    assert f"id='{make_anchor('stream.truncated')}'" in page
    text = Tags(page).text
    assert "a <b>bold</b> label" in text
    for words in ("Finish every stream that was begun", "30.0", "Bytes from there on", "## Reported"):
        assert words in text


def test_what_counts_against_an_endpoint_opens_its_answers() -> None:
    """On its card; what is good is text."""
    page = Results(MadeRun([row(exchange_id=1, ttft_ms=9.0), failed(exchange_id=2, target=1)], plan())).value
    cards = page.partition("<details")[0]
    assert re.findall(r"data-byok-answers='([\d ]+)'", cards) == ["2"]


def test_like_evidence_is_one_line_with_its_count() -> None:
    """Three answers that broke a rule at the same byte in the same words are one place, ×3; the number says of how
    many answers. What stands elsewhere is a line of its own.
    """
    elsewhere = msgspec.structs.replace(BROKEN, offset=1)
    rows = [row(exchange_id=at, repeat=at, findings=(BROKEN,)) for at in (1, 2, 3)]
    rows += [row(exchange_id=4, repeat=4, findings=(elsewhere,)), row(exchange_id=5, repeat=5)]
    text = Tags(render_findings(Recorded(rows, plan(("one",)))).data).text
    assert text.count("Bytes from there on") == 2
    assert "×3" in text
    assert "4 of 5" in text


def test_the_worst_rule_comes_first() -> None:
    """By severity, then by how many answers broke it, whatever the order of the catalogue."""
    many = Finding(check="usage.missing", severity="warn", message="none")
    rare = Finding(check="stream.done-terminator", severity="warn", message="none")
    error = Finding(check="tool.index-missing", severity="error", message="none")
    rows = [row(exchange_id=1, findings=(rare, many)), row(exchange_id=2, findings=(many, error))]
    page = render_findings(Recorded(rows, plan(("one",)))).data
    shown = re.findall(r"<details id='byok-check-([a-z-]+)'", page)
    assert shown == ["tool-index-missing", "usage-missing", "stream-done-terminator"]


def test_a_table_says_what_its_columns_mean_without_a_pointer() -> None:
    """Behind a click below it; a cell without a number says why under the pointer."""
    page = render_results(MadeRun([row(itl_ms=(1.0,)), row(target=1)], plan()), "streaming").data
    assert "What the columns mean" in page
    assert "answers with a finding of severity warn" in Tags(page).text
    assert "title='not to be had'" in page


def test_rules_have_a_column_for_those_alone_who_broke_one() -> None:
    """Twelve endpoints of which one is faulty fit a page; of the others is said whether they were judged at all."""
    labels = tuple(f"endpoint {n}" for n in range(12))
    rows = [row(target=target, exchange_id=target) for target in range(11)]
    rows[7] = row(target=7, exchange_id=7, findings=(BROKEN,))
    page = render_findings(Recorded([*rows, failed(target=11, streamed=None)], plan(labels))).data
    assert re.findall(r"text-align:right;overflow-wrap:anywhere'>(.*?)</b>", page) == ["endpoint 7"]
    assert "data-byok-answers='7'" in page
    text = Tags(page).text
    assert f"No rule was broken by {', '.join(labels[:7] + labels[8:11])}." in text
    assert "These rules are about no answer of endpoint 11." in text


def test_a_rule_says_which_clients_break_on_it() -> None:
    """As they were played; what breaks nobody says nothing."""
    assert "Who breaks: " in Tags(render_findings(hostile()).data).text


def test_what_shows_trouble_is_marked_and_what_is_missing_is_faint() -> None:
    """By name of the cell; NA is never marked."""
    lines = [{"endpoint": "e", "failed": "2"}, {"endpoint": "e", "failed": "NA"}]
    page = render_html_table(lines, bad=lambda line: {"failed"})
    assert page.count("font-weight:700") == 1
    assert page.count("opacity:.7") == 1
    assert page.count("opacity:0;") == 1  # the endpoint of the second line is read out, and not written twice


def test_a_column_says_what_it_is() -> None:
    """Under the pointer, in one line."""
    assert "title='request written → first delta" in render_results(hostile(), "latency").data


def test_a_run_without_findings_and_failures_says_so() -> None:
    """An empty table would look like a mistake."""
    clean = Recorded([row()], plan(("one",)))
    assert "No rule was broken" in render_findings(clean).data
    assert "Nothing failed" in render_failures(clean).data
    assert "No events" in render_events(exchange(raw_exchange([]))).data
