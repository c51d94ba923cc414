"""The report page: whole, by itself, and deaf to what a server says."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.made_run import MadeRun, failed, plan, row
from support.recorded import answer

from byok_bench.checks.finding import Finding
from byok_bench.dialects.exchange import Exchange
from byok_bench.errors import ExportError
from byok_bench.report.html import render_report_page, write_html
from byok_bench.report.page_tables import render_pivot
from byok_bench.report.pivots import Cell, Pivot, make_pivot
from byok_bench.report.table_text import NA
from byok_bench.report.tables import list_table_lines

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&\x1b[31m\x00\ud800"
INDEX = Finding(check="tool.index-missing", severity="error", message="no index")
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Recorded(MadeRun):
    """Each row has the same short stream behind it."""

    def find_exchange(self, exchange_id: int) -> Exchange:  # type: ignore[override]
        return answer("a", "b")


class Tags(HTMLParser):
    """Every tag with its attributes; complains about tags that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def hostile() -> MadeRun:
    """A run in which labels, messages and findings try to be markup."""
    finding = Finding(check="stream.utf8", severity="error", message=EVIL)
    rows = [
        row(ttft_ms=10.0, e2e_ms=20.0, findings=(finding,), tool_calls=(EVIL,)),
        failed(repeat=2, message=EVIL),
        row("forced-tool", why=(EVIL,), outcome="unmet", tool_calls=(EVIL,)),
    ]
    return Recorded(rows, plan(("an <u>underlined</u> label",)), note=EVIL, status="interrupted")


def test_nothing_that_a_server_said_becomes_markup() -> None:
    """Its text is shown, escaped, without terminal controls."""
    text = render_report_page(hostile())
    tags = Tags(text)
    assert tags.open == []
    names = {tag for tag, _ in tags.seen}
    assert not names & {"script", "img", "iframe", "object", "link", "base", "form", "u"}
    assert not [name for _, attributes in tags.seen for name in attributes if name.startswith("on")]
    assert "&lt;script&gt;alert(1)" in text
    assert "\x1b" not in text
    assert "\x00" not in text
    text.encode("utf-8")


def test_the_page_asks_for_nothing() -> None:
    """No address in it is loaded, and its policy would forbid it."""
    text = render_report_page(hostile())
    loading = [
        value
        for _, attributes in Tags(text).seen
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href", "data", "action", "srcset")
    ]
    assert not [value for value in loading if value and not value.startswith("#")]
    assert not re.search(r"url\((?!#|\"#|&quot;#)", text)
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_the_verdicts_come_first_and_plumbing_last() -> None:
    """Which to take, two figures, what to fix, the tables, and at the end how it was measured."""
    text = render_report_page(hostile())
    titles = re.findall(r"<h2>(.*?)</h2>", text)
    assert titles == [
        "At a glance", "What to fix", "Summary", "Latency", "Streaming correctness", "Error handling", "Tool calls",
        "How it was measured", "What the columns mean",
    ]  # fmt: skip
    assert text.index("not usable") < text.index("<h2>")
    assert text.count("<svg") == 2


def test_the_figures_tell_under_the_pointer_what_each_mark_is() -> None:
    """Each has titles, which need no script: a tick of a first token its time, a stretch of an answer its length."""
    first, streams = re.findall(r"<svg.*?</svg>", render_report_page(hostile()), flags=re.S)
    assert re.search(r"<title>[^<]*ms: 10[^<]*</title>", first)
    assert re.search(r"<title>wait[^<]* ms</title>", streams)


def test_a_head_leads_to_its_meaning_and_na_says_why() -> None:
    """Each head is a link to its line in the glossary; a cell without a number says what it would take."""
    text = render_report_page(MadeRun([row(ttft_ms=10.0), row(target=1)], plan()))
    assert '<a href="#term-ttft_ms">TTFT ms</a>' in text
    assert '<dt id="term-ttft_ms">TTFT ms</dt><dd>request written' in text
    assert re.search(r'<td class="na number" title="not to be had">NA', text)


def test_every_link_leads_somewhere() -> None:
    """Contents and cards link inside the page, to one place each."""
    text = render_report_page(hostile())
    ids = re.findall(r'\bid="([^"]+)"', re.sub(r"<svg.*?</svg>", "", text, flags=re.S))
    links = re.findall(r'href="#([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(links) <= set(ids)
    assert any(link.startswith("x") for link in links)


def test_what_to_fix_has_the_reason_the_clients_and_the_words() -> None:
    """One fold a rule and endpoint, and one a way of failing."""
    text = render_report_page(Recorded([row(findings=(INDEX,)), failed(message="out of memory")], plan(("one",))))
    assert text.count('<details class="fix') == 2
    for part in ("why it matters", "who breaks", "out of memory", "what to do"):
        assert part in text


def test_an_answer_that_was_not_as_expected_is_something_to_fix() -> None:
    """With what was not met; the card's clause links to it."""
    why = ("arguments of get_weather: not JSON",)
    text = render_report_page(MadeRun([row("forced-tool", exchange_id=7, outcome="unmet", why=why)], plan(("one",))))
    assert "not as expected: forced-tool" in text
    assert "<dt>not met</dt><dd>arguments of get_weather: not JSON</dd>" in text
    assert '<a href="#x7">tools: ' in text


def test_the_table_of_tools_ends_with_what_was_not_as_expected() -> None:
    """Columns that would push it over the edge stand behind a click."""
    text = render_report_page(MadeRun([row("forced-tool", outcome="unmet", why=("no call",))], plan(("one",))))
    few, every = re.findall(r"<table><caption>Agent prompts that ask.*?</table>", text, flags=re.S)
    assert ("not as expected" in few, "ok 95 % CI" in few, "ok 95 % CI" in every) == (True, False, True)


def test_a_refusal_that_was_wanted_is_nothing_to_fix() -> None:
    """Beside one of the wrong kind in the same scenario, which is."""
    rows = [
        failed("auth", scenario="bad-key", wants_failure=True, outcome="ok"),
        failed("server", scenario="bad-key", repeat=2, wants_failure=True, outcome="unmet"),
    ]
    text = render_report_page(MadeRun(rows, plan(("one",))))
    assert "failed: server in bad-key" in text
    assert "failed: auth in bad-key" not in text


def test_columns_that_hold_nothing_are_told_in_a_line() -> None:
    """Instead of a column of NA, what it would take."""
    text = render_report_page(MadeRun([row(ttft_ms=10.0, e2e_ms=20.0)], plan(("one",))))
    assert "TTFT p90 needs 10 samples" in text
    assert ">TTFT p90</th>" not in text


def test_endpoints_are_compared_down_a_column() -> None:
    """The quickest is bold, failures stand beside the number."""
    rows = [row(ttft_ms=10.0, e2e_ms=20.0), row(target=1, ttft_ms=30.0, e2e_ms=40.0), failed(target=1, repeat=2)]
    pivot = make_pivot(list_table_lines(MadeRun(rows, plan()), "latency"), "ttft_ms")
    assert [[(cell.text, cell.is_best, cell.failed) for cell in line if cell] for line in pivot.cells] == [
        [("10.0", True, 0)],
        [("30.0", False, 1)],
    ]


def test_models_of_one_endpoint_are_rows_of_their_own() -> None:
    """Each with its number: a row of an endpoint's name alone would show the last one for all."""
    first, second = (row(target=n, ttft_ms=10.0 + 20 * n, e2e_ms=40.0) for n in range(2))
    pivot = make_pivot(
        list_table_lines(MadeRun([first, second], plan(("one",), models=("a", "b"))), "latency"), "ttft_ms"
    )
    assert pivot.rows == ("one · a", "one · b")
    assert [cell.text for line in pivot.cells for cell in line if cell] == ["10.0", "30.0"]
    assert pivot.targets == ({"endpoint": "one", "model": "a"}, {"endpoint": "one", "model": "b"})


def test_a_comparison_of_many_scenarios_is_told_in_tables_that_fit_paper() -> None:
    """Each names which scenarios it shows; none is in two."""
    names = [f"scenario-{n}" for n in range(20)]
    line = tuple(Cell(text=str(n), share=0.5, is_best=False, failed=0) for n in range(20))
    pivot = Pivot(title="Time", rows=("one",), targets=({},), columns=tuple(names), cells=(line,))
    page = render_pivot(pivot)
    assert re.findall(r"<caption>(.*?)</caption>", page) == [
        "Time, scenario-0 to scenario-7", "Time, scenario-8 to scenario-15", "Time, scenario-16 to scenario-19",
    ]  # fmt: skip
    assert re.findall(r'<th scope="col" class="number">(.*?)</th>', page) == names


def test_a_run_without_answers_still_makes_a_page() -> None:
    """All failed, or nothing was sent: the counts are there."""
    for rows in ([], [failed()], [row(status="planned", outcome=None)]):
        assert "Latency" in render_report_page(MadeRun(rows, plan()))


def test_intervals_and_missing_numbers_are_written_out() -> None:
    """A median with its interval, NA where there is none."""
    rows = [row(repeat=n, ttft_ms=10.0 + n, e2e_ms=50.0) for n in range(1, 8)]
    text = render_report_page(MadeRun([*rows, *(failed(target=1, repeat=n) for n in range(3))], plan()))
    assert re.search(r">14\.0</td><td class=\"ci\">1[\d.]+–1[\d.]+</td>", text)
    assert NA in text


def test_the_file_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that cannot be finished leaves the old one, and no scraps."""
    path = tmp_path / "out" / "report.html"
    write_html(hostile(), path)
    before = path.read_text(encoding="utf-8")
    monkeypatch.setattr("byok_bench.report.export.os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(ExportError, match="disk full"):
        write_html(MadeRun([], plan()), path)
    assert path.read_text(encoding="utf-8") == before
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]


def test_a_median_stands_beside_its_interval() -> None:
    """From too few samples there is none, and a line says what it takes."""
    enough = render_report_page(
        MadeRun([row(repeat=n, ttft_ms=10.0 + n, e2e_ms=20.0) for n in range(1, 9)], plan(("one",)))
    )
    assert re.search(r'<td class="ci">1\d\.\d–1\d\.\d</td>', enough)


def test_what_is_not_as_wanted_is_marked_and_a_wanted_failure_is_not() -> None:
    """A good refusal is no trouble; an answer to an unknown model is."""
    rows = [
        failed("auth", scenario="bad-key", wants_failure=True, outcome="ok"),
        row("unknown-model", wants_failure=True, outcome="unmet"),
    ]
    text = render_report_page(MadeRun(rows, plan(("one",))))
    assert text.count('class="bad number"') == 1
