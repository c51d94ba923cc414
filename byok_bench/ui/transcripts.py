"""Transcripts side by side: a column an endpoint, a row a turn; each answer opens in the drawer."""

from collections.abc import Sequence
from html import escape
from typing import Any, Final

from byok_bench.report.conversation import Saying
from byok_bench.report.printable_text import to_printable_line
from byok_bench.report.table_text import render_cell
from byok_bench.report.transcripts import Transcript, TranscriptTurn, make_transcripts
from byok_bench.runs.results import Run
from byok_bench.ui.answer_links import render_answer_link
from byok_bench.ui.html_table import BAD, LINE
from byok_bench.ui.run_faces import RunFace

_COLUMN: Final = (
    f"padding:6px 12px 6px 0;vertical-align:top;text-align:left;border-bottom:1px solid {LINE};min-width:15em"
)
_SOFT: Final = "opacity:.75;font-size:12px"
LONGEST: Final = 1_200
"""Characters of one saying; the whole of it is behind the link."""


class Transcripts(RunFace):
    """What was said in one sample on every endpoint: calls, results, times, and what was not as expected.

    `scenario` and `sample` None: the first of the run.
    """

    def __init__(
        self, run: Run | None = None, scenario: str | None = None, sample: str | None = None, repeat: int = 1
    ) -> None:
        self.scenario, self.sample, self.repeat = scenario, sample, repeat
        super().__init__(run)

    def _render(self, run: Run) -> str:
        return _render_side_by_side(run, make_transcripts(run, self.scenario, self.sample, self.repeat))


def _render_side_by_side(run: Run, transcripts: Sequence[Transcript]) -> str:
    heads = "".join(f"<th scope='col' style='{_COLUMN}'>{_render_head(one)}</th>" for one in transcripts)
    count = max((len(one.turns) for one in transcripts), default=0)
    rows = "".join(
        "<tr style='background:none'>"
        + "".join(
            f"<td style='{_COLUMN}'>{_render_turn(run, one.turns[at]) if at < len(one.turns) else ''}</td>"
            for one in transcripts
        )
        + "</tr>"
        for at in range(count)
    )
    return (
        "<div style='overflow-x:auto' tabindex='0' role='region' aria-label='transcripts'>"
        f"<table style='border-collapse:collapse;font-size:13px'><thead><tr>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _render_head(one: Transcript) -> str:
    good = one.outcome == "ok"
    mark = "✔" if good else "✘" if one.outcome in ("unmet", "failed") else "·"
    why = "".join(f"<div style='color:{BAD};font-weight:400'>{_escape(text)}</div>" for text in one.why)
    return f"{_escape(one.endpoint)} <span style='{'' if good else f'color:{BAD}'}'>{mark} {one.outcome}</span>{why}"


def _render_turn(run: Run, turn: TranscriptTurn) -> str:
    times = [("TTFT", turn.ttft_ms, "ms"), ("E2E", turn.e2e_ms, "ms")]
    told = [f"{name} {render_cell(value)} {unit}" for name, value, unit in times if value is not None]
    told += [f"{turn.tokens} tokens"] if turn.tokens is not None else []
    link = render_answer_link(
        f"turn {turn.number}", run, [turn.exchange_id], about=f"turn {turn.number}: open the answer"
    )
    bad = "".join(f"<div style='color:{BAD}'>{_escape(text)}</div>" for text in (turn.failure, *turn.findings) if text)
    asked, answered = "".join(map(_render_saying, turn.asked)), "".join(map(_render_saying, turn.answered))
    return f"{asked}{answered}{bad}<div style='{_SOFT}'>{link} · {_escape(' · '.join(told))}</div>"


def _render_saying(said: Saying) -> str:
    text = said.text if len(said.text) <= LONGEST else f"{said.text[:LONGEST]}…"
    body = "<br>".join(_escape(line) for line in text.split("\n"))
    return f"<div style='margin:0 0 4px'><span style='{_SOFT}'>{_escape(said.who)}</span><br>{body}</div>"


def _escape(text: Any) -> str:
    return escape(to_printable_line(str(text)))
