"""The faces of one answer: sections of HTML that a drawer shows as tabs and a page as `<details>`. Computes nothing.

Everything that a server or a user wrote is escaped. Styles are in answer.css, which works in a notebook's themes and in
a page of its own; without it everything still reads.
"""

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Final

from byok_bench.report.answer_bytes import Piece
from byok_bench.report.answer_details import AnswerDetails, Flag
from byok_bench.report.answer_timeline import Timeline
from byok_bench.report.printable_text import to_printable_line

SPAN_WORDS: Final = {
    "dns": "name lookup",
    "connect": "connect",
    "tls": "TLS",
    "wait": "wait",
    "reasoning": "reasoning",
    "text": "text",
    "tool": "tool arguments",
    "rest": "end",
}
"""Kind of a span → what a legend calls it."""
TITLES: Final = {
    "what": "What happened",
    "timeline": "Timeline",
    "bytes": "Bytes",
    "request": "Request",
    "conversation": "Conversation",
}
"""Section → its title, in the order in which they are shown."""
WIDE_PERCENT: Final = 6.0
"""Spans and stalls of at least this share of the axis carry their length."""


def load_answer_css() -> str:
    """The style sheet of the sections."""
    return (files("byok_bench.report") / "answer.css").read_text("utf-8")


def render_answer(details: AnswerDetails) -> str:
    """One answer as a static `<details>`: its head is what happened, below it every section."""
    sections = render_sections(details)
    rest = "".join(
        f"<details><summary>{TITLES[name]}</summary>{body}</details>"
        for name, body in sections.items()
        if name != "what" and body
    )
    return (
        f"<details class='byok-answer' data-tone='{details.tone}'><summary>{render_title(details)}</summary>"
        f"{sections['what']}{rest}</details>"
    )


def render_title(details: AnswerDetails) -> str:
    """Whose answer it is."""
    turn = f", turn {details.turn}" if details.turn > 1 else ""
    return f"<b>{_escape(details.target)}</b> · {_escape(details.scenario)}, repeat {details.repeat}{turn}"


def render_sections(details: AnswerDetails) -> dict[str, str]:
    """Every section, by its name in TITLES; empty where there is nothing to show."""
    recorded = bool(details.method)
    return {
        "what": _render_what(details),
        "timeline": _render_timeline_section(details) if recorded else "",
        "bytes": _render_bytes(details) if recorded else "",
        "request": _render_request(details) if recorded else "",
        "conversation": _render_conversation(details),
    }


def _render_what(details: AnswerDetails) -> str:
    advice = f"<p><b>What to do:</b> {_escape(details.advice)}</p>" if details.advice else ""
    asked = f"<p class='byok-faint'>x-request-id: <code>{_escape(details.request_id)}</code></p>"
    return (
        f"<p class='byok-sentence' data-tone='{details.tone}'>{_escape(details.sentence)}</p>{advice}"
        f"{''.join(map(_render_flag, details.flags))}{asked if details.request_id else ''}"
    )


def _render_flag(flag: Flag) -> str:
    where = [
        f"event {flag.event}" if flag.event is not None else "",
        f"byte {flag.offset}" if flag.offset is not None else "",
        f"{flag.at_ms:.1f} ms" if flag.at_ms is not None else "",
    ]
    place = ", ".join(filter(None, where)) or "the whole answer"
    why = flag.why[:1].upper() + flag.why[1:]
    breaks = f"<p><b>Who breaks:</b> {_escape(flag.breaks)}</p>" if flag.breaks else ""
    byte = f" data-byte='{flag.offset}'" if flag.offset is not None else ""
    return (
        f"<div class='byok-flag' data-severity='{flag.severity}' data-check='{flag.check}'{byte}>"
        f"<p><b>{flag.severity}</b> <code>{_escape(flag.check)}</code>: {_escape(flag.message)} "
        f"<span class='byok-faint'>({place})</span></p>"
        f"<p>{_escape(flag.title)}. {_escape(why)}</p>{breaks}</div>"
    )


def _render_timeline_section(details: AnswerDetails) -> str:
    line = details.timeline
    if not line.spans:
        return "<p>Nothing was sent.</p>"
    thinned = "" if line.all_packets == len(line.packets) else f" ({len(line.packets)} packets drawn)"
    counts = {"packet": line.all_packets, "stall": len(line.stalls), "finding": len(details.flags)}
    told = ", ".join(f"{number} {word}{'' if number == 1 else 's'}" for word, number in counts.items()) + thinned
    about = f"{_describe_spans(line)}; {told}"
    return f"{render_timeline(line, details.flags, about)}{render_legend([line])}<p class='byok-faint'>{told}.</p>"


def render_timeline(line: Timeline, flags: Sequence[Flag], about: str) -> str:
    """A timeline as an SVG as wide as its place; `about` is what it shows, in words that are escaped here."""
    shapes = [*_draw_axis(line), *_draw_spans(line), *_draw_packets(line), *_draw_stalls(line)]
    shapes += _draw_flags(line, flags)
    return (
        f"<svg class='byok-line' role='img' width='100%' height='112' aria-label='{_escape(about)}'>"
        f"{''.join(shapes)}</svg>"
    )


def render_legend(lines: Sequence[Timeline]) -> str:
    """What the hues of some timelines mean."""
    used = [kind for kind in SPAN_WORDS if any(span.kind == kind for line in lines for span in line.spans)]
    return f"<ul class='byok-legend'>{''.join(f'<li data-kind={kind!r}>{SPAN_WORDS[kind]}</li>' for kind in used)}</ul>"


def _describe_spans(line: Timeline) -> str:
    return ", ".join(f"{SPAN_WORDS[one.kind]} {one.end_ms - one.start_ms:.1f} ms" for one in line.spans[:12])


def _find_percent(line: Timeline, at_ms: float) -> float:
    """Where on the axis, percent."""
    whole = line.end_ms - line.start_ms
    return 0.0 if whole <= 0 else 100 * (at_ms - line.start_ms) / whole


def _draw_axis(line: Timeline) -> list[str]:
    written = _find_percent(line, 0.0)
    start = f"<text x='{written:.2f}%' y='12'>0 ms</text>" if written < 85 else ""
    return [start, f"<text x='100%' y='12' text-anchor='end'>{line.end_ms:.1f} ms</text>"]


def _draw_spans(line: Timeline) -> list[str]:
    drawn = []
    for span in line.spans:
        x, width = (
            _find_percent(line, span.start_ms),
            _find_percent(line, span.end_ms) - _find_percent(line, span.start_ms),
        )
        length = f"{span.end_ms - span.start_ms:.1f} ms"
        drawn.append(
            f"<rect data-kind='{span.kind}' x='{x:.2f}%' y='20' width='{max(width, 0.15):.2f}%' height='24'>"
            f"<title>{SPAN_WORDS[span.kind]} {length}</title></rect>"
        )
        if width >= WIDE_PERCENT:
            drawn.append(f"<text class='byok-on' x='{x + width / 2:.2f}%' y='36' text-anchor='middle'>{length}</text>")
    return drawn


def _draw_packets(line: Timeline) -> list[str]:
    return [
        f"<line class='byok-tick' data-offset='{one.offset}' x1='{_find_percent(line, one.at_ms):.2f}%' y1='48' "
        f"x2='{_find_percent(line, one.at_ms):.2f}%' y2='64'><title>{one.at_ms:.1f} ms: {one.bytes} bytes from byte "
        f"{one.offset} on</title></line>"
        for one in line.packets
    ]


def _draw_stalls(line: Timeline) -> list[str]:
    drawn = []
    for stall in line.stalls:
        x, end = _find_percent(line, stall.start_ms), _find_percent(line, stall.end_ms)
        length = f"{stall.end_ms - stall.start_ms:.0f} ms of silence"
        drawn.append(
            f"<line class='byok-stall' x1='{x:.2f}%' y1='70' x2='{end:.2f}%' y2='70'><title>{length}</title></line>"
        )
        if end - x >= 2 * WIDE_PERCENT:
            drawn.append(f"<text x='{(x + end) / 2:.2f}%' y='84' text-anchor='middle'>{length}</text>")
    return drawn


def _draw_flags(line: Timeline, flags: Sequence[Flag]) -> list[str]:
    """A flag where its event came; what is about the whole answer stands at its end."""
    drawn = []
    for flag in flags:
        x = _find_percent(line, line.end_ms if flag.at_ms is None else flag.at_ms)
        jump = f" data-offset='{flag.offset}'" if flag.offset is not None else ""
        told = f"{_escape(flag.check)}: {_escape(flag.message)}"
        drawn.append(
            f"<svg x='{x:.2f}%' y='88' overflow='visible'><path class='byok-mark' data-severity='{flag.severity}'"
            f"{jump} d='M0 0 l6 12 h-12 z'><title>{told}</title></path></svg>"
        )
    return drawn


def _render_bytes(details: AnswerDetails) -> str:
    if not details.pieces:
        return "<p>The body is empty.</p>"
    rows = "".join(map(_render_piece, details.pieces))
    last = details.pieces[-1].number
    more = _render_gap(details.all_pieces - 1 - last)
    shown = f"{len(details.pieces)} of {details.all_pieces}" if len(details.pieces) < details.all_pieces else "all"
    return (
        f"<p class='byok-faint'>{details.body_bytes} bytes in {details.all_pieces} pieces, {shown} shown. "
        f"A piece is an event of a stream; times count from the request written.</p>"
        f"<div class='byok-bytes' role='list'>{rows}{more}</div>"
    )


def _render_piece(piece: Piece) -> str:
    time = "" if piece.at_ms is None else f"{piece.at_ms:.1f} ms"
    gap = "" if piece.after_ms is None else f"+{piece.after_ms:.1f}"
    checks = "".join(f" <b class='byok-check'>{_escape(check)}</b>" for check in piece.checks)
    broken = f"<mark>{_escape(piece.broken)}</mark>" if piece.broken else ""
    place = f"#{piece.number} · byte {piece.offset} · {time} {gap}{checks}"
    return (
        f"{_render_gap(piece.left_out)}<div role='listitem' class='byok-piece' data-offset='{piece.offset}' "
        f"data-broken='{'yes' if piece.checks else 'no'}' tabindex='-1'><span class='byok-place'>{place}</span>"
        f"<code>{_escape(piece.before)}{broken}{_escape(piece.behind)}</code></div>"
    )


def _render_gap(left_out: int) -> str:
    return f"<div role='listitem' class='byok-faint'>… {left_out} pieces more …</div>" if left_out else ""


def _render_request(details: AnswerDetails) -> str:
    sent = "\n".join(f"{name}: {value}" for name, value in details.request_headers)
    got = "\n".join(f"{name}: {value}" for name, value in details.response_headers)
    answered = f"<p>The answer: HTTP {details.status}</p><pre>{_escape_block(got)}</pre>" if details.status else ""
    return (
        f"<pre>{_escape_block(f'{details.method} {details.url}')}\n{_escape_block(sent)}\n\n"
        f"{_escape_block(details.request_body)}</pre>{answered}"
        f"<details><summary>As a curl command</summary><pre>{_escape_block(details.curl)}</pre></details>"
    )


def _render_conversation(details: AnswerDetails) -> str:
    return "".join(
        f"<div class='byok-saying' data-who='{_escape(one.who)}'><b>{_escape(one.who)}</b>"
        f"<pre>{_escape_block(one.text)}</pre></div>"
        for one in details.conversation
    )


def _escape(text: str) -> str:
    return escape(to_printable_line(text), quote=True)


def _escape_block(text: str) -> str:
    """Several lines, each without controls."""
    return "\n".join(_escape(line) for line in text.split("\n"))
