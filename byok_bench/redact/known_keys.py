"""Where known keys stand in a text: as they are, encoded, wrapped, or masked in the middle.

Spans of one stretch of text that holds no `[redacted]` yet; nothing is replaced in here.
Rules: docs/secrets.md, section "Known keys".
"""

import base64
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from byok_bench.redact.decoded_views import Span, View, iterate_views
from byok_bench.redact.suspected_keys import MASK, is_word_start

ENCODED_FROM: Final = 8
"""Characters from which a key is looked for in every encoding; shorter ones would be found by chance."""
SHORTEST: Final = 3
_SHOWN_TOGETHER: Final = 4
"""Characters of start and end, together, that make a masked text an echo of a known key."""
_SHOWN_AT_MOST: Final = 512
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_VALUE: Final = {chr(character): value for value, character in enumerate(_ALPHABET)} | {"-": 62, "_": 63}
_BEFORE: Final = (b"", b":", b"user:")
"""What Basic credentials put before a key, by its length modulo three."""


class _Base64(NamedTuple):
    """The characters of a base64 text that depend on the key alone, and what their neighbours must be.

    A neighbour mixes bits of the key with bits of what stands beside it: `value & mask == bits`.
    """

    lead: str
    """What precedes the core where `:` or `user:` stands before the key, and nothing before that."""
    core: str
    left_mask: int
    left_bits: int
    right_mask: int
    right_bits: int


class KnownKey(NamedTuple):
    """A secret and what stands for it; a short one is looked for as it is alone."""

    secret: str
    needles: list[str]
    forms: list[_Base64]
    starts: dict[str, list[int]]
    """Lengths of its starts that a masked text may show, longest first, by their last character."""
    ends: dict[str, list[int]]
    """Lengths of its ends, by their first character."""


def prepare_known_keys(secrets: Iterable[object]) -> list[KnownKey]:
    """What to look for: each secret raw and stripped, longest first; blank and very short ones are no secrets."""
    usable = [one for one in secrets if isinstance(one, str) and len(one.strip()) >= SHORTEST]
    variants = sorted({form for one in usable for form in (one, one.strip())}, key=len, reverse=True)
    return [
        KnownKey(
            one,
            *((_list_needles(one), _list_base64_forms(one)) if len(one) >= ENCODED_FROM else ([], [])),
            *_index_shown_lengths(one),
        )
        for one in variants
    ]


def find_known_spans(text: str, keys: Sequence[KnownKey]) -> Iterator[Span]:
    """Every find of every key, in any order; finds may overlap."""
    if any(key.needles for key in keys):
        for view in iterate_views(text):
            for key in keys:
                yield from _find_in_view(view, key)
    for key in keys:
        if not key.needles:
            yield from _find_whole_tokens(text, key.secret)
        yield from _find_masked_echoes(text, key)


def _list_needles(secret: str) -> list[str]:
    """Texts that stand for the key in a view: itself, reversed, as hex bytes, as misread UTF-8."""
    raw = secret.encode("utf-8", "surrogatepass")
    found = {secret, secret[::-1], raw.decode("latin-1"), secret.replace(" ", "+")}
    for separator in ("", ":", " "):
        in_hex = raw.hex(separator) if separator else raw.hex()
        found |= {in_hex, in_hex.upper()}
    return sorted(found, key=len, reverse=True)


def _list_base64_forms(secret: str) -> list[_Base64]:
    """The key at each of the three alignments inside a longer text, in both alphabets."""
    raw = secret.encode("utf-8", "surrogatepass")
    forms = []
    for before, known in enumerate(_BEFORE):
        text = base64.b64encode(bytes(before) + raw).decode().rstrip("=")
        first = -(-before * 8 // 6)  # first character that holds bits of the key alone
        lead = base64.b64encode(known + raw).decode()[: -(-len(known) * 8 // 6)]
        last = (before + len(raw)) * 8 // 6
        # 1 byte before: 2 of its bits share a character with 4 of the key's; 2 bytes: 4 and 2.
        left_mask = (0, 0b001111, 0b000011)[before]
        right_mask = (0, 0b110000, 0b111100)[(before + len(raw)) % 3]
        left_bits = _VALUE[text[first - 1]] & left_mask if left_mask else 0
        right_bits = _VALUE[text[last]] & right_mask if right_mask else 0
        for core in {text[first:last], text[first:last].replace("+", "-").replace("/", "_")}:
            forms.append(_Base64(lead, core, left_mask, left_bits, right_mask, right_bits))
    return forms


def _find_in_view(view: View, key: KnownKey) -> Iterator[Span]:
    for needle in key.needles:
        for start in _find_occurrences(view.text, needle):
            yield view.locate_origin(start, start + len(needle))
    for form in key.forms:
        for start in _find_occurrences(view.text, form.core):
            yield view.locate_origin(*_expand_to_neighbours(view.text, start, form))


def _find_occurrences(text: str, needle: str) -> Iterator[int]:
    """Where `needle` starts in `text`; occurrences may overlap."""
    start = text.find(needle)
    while start >= 0:
        yield start
        start = text.find(needle, start + 1)


def _expand_to_neighbours(text: str, start: int, form: _Base64) -> Span:
    """The core with the mixed character on either side where it fits, and the padding."""
    end = start + len(form.core)
    if form.lead and text.endswith(form.lead, 0, start):
        start -= len(form.lead)
    elif form.left_mask and start and _has_bits(text[start - 1], form.left_mask, form.left_bits):
        start -= 1
    if form.right_mask and end < len(text) and _has_bits(text[end], form.right_mask, form.right_bits):
        end += 1
        end += len(text[end : end + 2]) - len(text[end : end + 2].lstrip("="))
    return start, end


def _has_bits(character: str, mask: int, bits: int) -> bool:
    value = _VALUE.get(character)
    return value is not None and value & mask == bits


def _find_whole_tokens(text: str, secret: str) -> Iterator[Span]:
    """Occurrences of a short key that have no token character beside them."""
    for start in _find_occurrences(text, secret):
        end = start + len(secret)
        if not _is_token(text[start - 1 : start]) and not _is_token(text[end : end + 1]):
            yield start, end


def _is_token(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character in {"_", "-"})


def _find_masked_echoes(text: str, key: KnownKey) -> Iterator[Span]:
    """`start***end` where start and end fit the key: one character each at least, four together."""
    for mask in MASK.finditer(text):
        left = _count_shown_start(text, mask.start(), key)
        right = _count_shown_end(text, mask.end(), key) if left else 0
        if right and left + right >= _SHOWN_TOGETHER:
            yield mask.start() - left, mask.end() + right


def _count_shown_start(text: str, end: int, key: KnownKey) -> int:
    """How many characters before `end` are the start of the key and no part of a longer word."""
    for length in key.starts.get(text[end - 1 : end], ()):
        if text.endswith(key.secret[:length], 0, end) and is_word_start(text, end - length):
            return length
    return 0


def _count_shown_end(text: str, start: int, key: KnownKey) -> int:
    """How many characters from `start` are the end of the key and no part of a longer word."""
    for length in key.ends.get(text[start : start + 1], ()):
        following = text[start + length : start + length + 1]
        if text.startswith(key.secret[-length:], start) and not (following.isascii() and following.isalnum()):
            return length
    return 0


def _index_shown_lengths(secret: str) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """Lengths of a start by its last character, of an end by its first: a text full of masks costs one look each."""
    starts: dict[str, list[int]] = {}
    ends: dict[str, list[int]] = {}
    for length in range(min(len(secret), _SHOWN_AT_MOST), 0, -1):
        starts.setdefault(secret[length - 1], []).append(length)
        ends.setdefault(secret[-length], []).append(length)
    return starts, ends
