"""One exchange, event by event: when each came, how long after the one before, at which byte, and what it says."""

import json
from collections.abc import Sequence
from html import escape
from typing import Final

from IPython.display import HTML

from byok_bench.dialects.exchange import Exchange
from byok_bench.report.evidence import compute_arrival_ms
from byok_bench.report.printable_text import replace_surrogates
from byok_bench.report.table_text import NA, render_cell
from byok_bench.ui.html_table import render_html_table, render_small_print

CHARACTERS: Final = 150
"""Of an event's data in a line."""
BLOCK_CHARACTERS: Final = 4000
"""Of a body in a block."""
WORTH_LEAVING_OUT: Final = 40
"""Characters that all events of a table begin with."""


def render_events(exchange: Exchange, around: int | None = None, most: int = 8) -> HTML:
    """The events of a stream as a table; `most` of them before and at the event `around`, else from the start."""
    every = exchange.events
    last = len(every) if around is None else min(around + 2, len(every))
    first = max(0, last - most) if around is not None else 0
    shown = range(first, min(first + most, len(every)))
    times = {at: compute_arrival_ms(exchange, at) for at in range(max(0, first - 1), len(every))}
    same = _find_common_start([every[at].data for at in shown])
    table = [
        {
            "event": str(at),
            "at ms": render_cell(times[at]),
            "after ms": _render_gap(times.get(at - 1), times[at]),
            "byte": str(every[at].offset),
            "data": _shorten_data("…" * bool(same) + every[at].data.removeprefix(same)),
        }
        for at in shown
    ]
    told = f"Events {first} to {shown[-1]} of {len(every)}" if table else "No events"
    begin = render_small_print(f"All begin with {same}") if same else ""
    rows = render_html_table(
        table,
        code=("data",),
        once=(),
        bad=lambda line: [*line][:-1] if line["event"] == str(around) else (),
    )
    return HTML(  # type: ignore[no-untyped-call]
        render_small_print(f"{told}. at: since the request was written; after: since the event before.") + rows + begin
    )


def render_exchange(exchange: Exchange) -> str:
    """The request, and what came of it: the events of a stream, else the body; both as HTML, escaped and shortened."""
    response = exchange.response
    asked = json.dumps(exchange.request.body, indent=1, ensure_ascii=False) if exchange.request.body else ""
    head = f"{exchange.request.method} {exchange.request.url}"
    came = f"{response.status} after {exchange.timing.e2e or 0:.0f} ms" if response else "no response"
    if exchange.events:
        answer = str(render_events(exchange).data)
    else:
        answer = _render_block(b"".join(data for _, data in exchange.reading.body.chunks).decode(errors="replace"))
    return render_small_print(head) + _render_block(asked) + render_small_print(f"{came} · {exchange.id}") + answer


def _render_block(text: str) -> str:
    shown = text if len(text) <= BLOCK_CHARACTERS else f"{text[:BLOCK_CHARACTERS]} …"
    style = "white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px;max-height:20em;overflow:auto"
    return f"<pre tabindex='0' style='{style}'>{escape(replace_surrogates(shown))}</pre>" if text else ""


def _find_common_start(data: Sequence[str]) -> str:
    """What all begin with, up to a comma of theirs; empty if that is not worth leaving out."""
    first, last = min(data, default=""), max(data, default="")  # in order, what these share, all share
    length = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    same = first[: first.rfind(",", 0, length) + 1]
    return same if len(data) > 1 and len(same) > WORTH_LEAVING_OUT else ""


def _render_gap(before: float | None, now: float | None) -> str:
    return NA if before is None or now is None else render_cell(now - before)


def _shorten_data(data: str) -> str:
    return data if len(data) <= CHARACTERS else data[: CHARACTERS - 1] + "…"
