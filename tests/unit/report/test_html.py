"""The report page: whole, by itself, and deaf to what a server says."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.made_run import MadeRun, failed, plan, row

from byok_bench.checks.finding import Finding
from byok_bench.errors import ExportError
from byok_bench.report.html import render_report_page, write_html
from byok_bench.report.table_text import NA

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&\x1b[31m\x00\ud800"
VOID = {"meta", "br", "img", "link", "input", "hr"}


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
    return MadeRun(rows, plan(("a <b>bold</b> label",)), note=EVIL, status="interrupted")


def test_nothing_that_a_server_said_becomes_markup() -> None:
    """Its text is shown, escaped, without terminal controls."""
    text = render_report_page(hostile())
    tags = Tags(text)
    assert tags.open == []
    names = {tag for tag, _ in tags.seen}
    assert not names & {"script", "img", "iframe", "object", "link", "base", "form", "b"}
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


def test_the_three_tables_come_first_and_the_plots_after() -> None:
    """What was asked for is on top."""
    text = render_report_page(hostile())
    titles = re.findall(r"<h2>(.*?)</h2>", text)
    assert titles[:4] == ["Latency", "Streaming correctness", "Error handling", "Over time"]
    assert text.count("<svg") == 2
    assert "Findings" in titles


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


def test_a_median_never_stands_without_its_interval() -> None:
    """From too few samples the interval is NA, and it is there."""
    few = render_report_page(MadeRun([row(ttft_ms=10.0, e2e_ms=20.0)], plan(("one",))))
    assert ">TTFT 95 % CI</th>" in few
    assert f'<td class="na ci">{NA}</td>' in few
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
