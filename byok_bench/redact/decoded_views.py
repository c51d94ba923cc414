"""Views of a text: the same text with one encoding undone, and the way back to where each character stood.

A key is then looked for plainly in every view, whatever mixture of plain and escaped characters was written.
Undone here: line wraps, percent encoding, HTML entities, backslash escapes (JSON, repr) once and twice.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import Final

_HEX: Final = "[0-9A-Fa-f]"
_TAIL: Final = f"%[89ABab]{_HEX}"
_PERCENT: Final = re.compile(
    f"%[0-7]{_HEX}|%[CDcd]{_HEX}{_TAIL}|%[Ee]{_HEX}(?:{_TAIL}){{2}}|%[Ff][0-4](?:{_TAIL}){{3}}"
)
"""`sk%2Dabc`, and `%C3%A9` for the two bytes of é."""
_ENTITY: Final = re.compile(rf"&(?:#[0-9]{{1,7}}|#[xX]{_HEX}{{1,6}}|[A-Za-z][A-Za-z0-9]{{1,31}});")
"""`sk&#45;abc`, `sk&#x2d;abc`, `sk&hyphen;abc`."""
_ESCAPE: Final = re.compile(
    rf"\\u[Dd][89ABab]{_HEX}{{2}}\\u[Dd][C-Fc-f]{_HEX}{{2}}|\\u{_HEX}{{4}}|\\x{_HEX}{{2}}"
    rf"|\\U00(?:0{_HEX}|10){_HEX}{{4}}|\\[\\/\"'abfnrtv]"
)
r"""`sk\u002dabc`, `sk\x2dabc`, `a\/b`; the two halves of a surrogate pair are one."""
_SHORT_ESCAPES: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
# Both begin with a plain set, which the engine skips to; what may follow depends on the character just read.
_WRAP: Final = re.compile(r"[\r\n\x1b](?:(?:(?<=\r)\n?|(?<=\n))[ \t]*+|(?<=\x1b)\[[0-9;]*m)")
"""`sk-\x1b[1mabc` as a terminal makes it bold, or `sk-` at a line's end and `abc` behind the blanks of the next."""
_WRITTEN_WRAP: Final = re.compile(r"\\(?:\\?(?:r\\{1,2}n|[nr])(?:[ \t]|\\t)*+|(?:x|u00)1b\[[0-9;]*m)")
r"""`sk-\n  abc`: the same, written as in a repr."""
_BOX: Final = frozenset(map(chr, range(0x2500, 0x2580)))

Span = tuple[int, int]


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """Spans in order; those that share a character become one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


class View:
    """One view. `text` is made of pieces; a piece with as many characters as its origin is a plain copy of it."""

    def __init__(self, base: "View | None", text: str, pieces: list[tuple[int, int, int]]) -> None:
        self._base = base
        self.text = text
        self._starts = [start for start, _, _ in pieces]
        self._pieces = pieces
        """(start in this text, start in the base, end in the base), in order."""

    def locate_origin(self, start: int, end: int) -> Span:
        """Where characters start..end of this view stood in the text that all views come from."""
        view: View | None = self
        while view is not None and view._base is not None:
            start, end = view._locate_in_base(start), view._locate_in_base(end - 1, end=True)
            view = view._base
        return start, end

    def _locate_in_base(self, position: int, *, end: bool = False) -> int:
        index = bisect_right(self._starts, position) - 1
        start, base_start, base_end = self._pieces[index]
        following = self._starts[index + 1] if index + 1 < len(self._starts) else len(self.text)
        if following - start == base_end - base_start:
            return base_start + position - start + end
        return base_end if end else base_start


def iterate_views(text: str) -> Iterator[View]:
    """The text itself, then every view in which something was undone."""
    plain = View(None, text, [])
    for base in (plain, *_iterate_unwrapped(plain)):
        yield base
        yield from filter(
            None,
            (_decode_matches(base, _PERCENT, _from_percent), _decode_matches(base, _ENTITY, _from_entity)),
        )
        yield from _iterate_unescaped(base)


def iterate_unescaped_views(text: str) -> Iterator[View]:
    """The views of `text` with backslash escapes undone, once and twice; none where there are none."""
    return _iterate_unescaped(View(None, text, []))


def _iterate_unescaped(base: View) -> Iterator[View]:
    if once := _decode_matches(base, _ESCAPE, _from_escape):
        yield once
        if twice := _decode_matches(once, _ESCAPE, _from_escape):
            yield twice


def _decode_matches(base: View, pattern: re.Pattern[str], decode: Callable[[str], str]) -> View | None:
    """The view with every match replaced by its decoded form; None if there is none."""
    matches = ((found.start(), found.end(), decode(found.group())) for found in pattern.finditer(base.text))
    return _replace_stretches(base, matches)


def _iterate_unwrapped(plain: View) -> Iterator[View]:
    """The views without line ends, the blanks and box edges around them, and colour codes.

    Apart: line ends that are written as in a repr, and edges of a box drawn in ASCII, since either may be
    part of a key.
    """
    real = _replace_stretches(plain, _find_wraps(plain.text, _WRAP, _BOX))
    found = [real, _replace_stretches(real or plain, _find_wraps((real or plain).text, _WRITTEN_WRAP, _BOX))]
    if "|" in plain.text:
        found.append(_replace_stretches(plain, _find_wraps(plain.text, _WRAP, _BOX | {"|"})))
    yield from filter(None, found)


def _find_wraps(text: str, wrap: re.Pattern[str], edges: frozenset[str]) -> Iterator[tuple[int, int, str]]:
    floor = 0
    for found in wrap.finditer(text):
        start, end = found.span()
        if "[" not in found.group():
            start = _skip_blanks_back(text, floor, start)
            if start > floor and text[start - 1] in edges:
                start = _skip_blanks_back(text, floor, start - 1)
            if text[end : end + 1] in edges:
                end = _skip_blanks(text, end + 1)
        yield start, end, ""
        floor = end


def _skip_blanks(text: str, start: int) -> int:
    while text[start : start + 1] in {" ", "\t"}:
        start += 1
    return start


def _skip_blanks_back(text: str, floor: int, end: int) -> int:
    while end > floor and text[end - 1] in " \t":
        end -= 1
    return end


def _replace_stretches(base: View, changes: Iterator[tuple[int, int, str]]) -> View | None:
    """The view with each (start, end, new text) applied; None if there is none."""
    parts: list[str] = []
    pieces: list[tuple[int, int, int]] = []
    length = copied = 0
    for start, end, new in changes:
        for part, base_start, base_end in ((base.text[copied:start], copied, start), (new, start, end)):
            if part:
                parts.append(part)
                pieces.append((length, base_start, base_end))
                length += len(part)
        copied = end
    if not copied:
        return None
    pieces.append((length, copied, len(base.text)))
    parts.append(base.text[copied:])
    return View(base, "".join(parts), pieces)


def _from_percent(text: str) -> str:
    return bytes.fromhex(text.replace("%", "")).decode("utf-8", "replace")


def _from_entity(text: str) -> str:
    import html

    return html.unescape(text)


def _from_escape(text: str) -> str:
    kind = text[1]
    if kind in "uxU":
        if len(text) == 12:
            units = bytes.fromhex(text[2:6] + text[8:12])
            return units.decode("utf-16-be")
        return chr(int(text[2:], 16))
    return _SHORT_ESCAPES.get(kind, kind)
