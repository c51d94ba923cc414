"""Vision: a small image with a word in it, made here, byte for byte.

The image is a PNG of one bit a pixel: https://www.w3.org/TR/png-3/ .
"""

import base64
import struct
import zlib
from collections.abc import Sequence
from typing import Final

from byok_bench.checks.capabilities.feature import (
    Asks,
    Feature,
    Subject,
    judge_failure,
    list_prompt_counts,
    make_capability,
)
from byok_bench.checks.probes.bodies import build_question
from byok_bench.checks.probes.probe import ProbeRequest
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.model_record import Capability

WORD: Final = "ZEBRA"
QUESTION: Final = "Which word is written in the image? Answer with that word alone."
_LETTERS: Final = {
    "Z": ("#####", "    #", "   # ", "  #  ", " #   ", "#    ", "#####"),
    "E": ("#####", "#    ", "#    ", "#### ", "#    ", "#    ", "#####"),
    "B": ("#### ", "#   #", "#   #", "#### ", "#   #", "#   #", "#### "),
    "R": ("#### ", "#   #", "#   #", "#### ", "# #  ", "#  # ", "#   #"),
    "A": (" ### ", "#   #", "#   #", "#####", "#   #", "#   #", "#   #"),
}
_SCALE: Final = 12
_MARGIN: Final = 24
TOKENS_OF_AN_IMAGE: Final = 16
"""A prompt that grew by so many tokens holds the image."""


def draw_word(word: str = WORD) -> bytes:
    """The word in black on white, as a PNG."""
    lines = ["  ".join(_LETTERS[letter][row] for letter in word) for row in range(7)]
    blank = "0" * (len(lines[0]) * _SCALE + 2 * _MARGIN)
    ink = [
        "0" * _MARGIN + "".join(("1" if dot == "#" else "0") * _SCALE for dot in line) + "0" * _MARGIN
        for line in lines
        for _ in range(_SCALE)
    ]
    rows = [blank] * _MARGIN + ink + [blank] * _MARGIN
    packed = b"".join(b"\0" + _pack_row(row) for row in rows)
    head = struct.pack(">IIBBBBB", len(blank), len(rows), 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(packed, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_make_chunk(kind, data) for kind, data in chunks)


def _pack_row(row: str) -> bytes:
    """Bits to bytes; in grey of one bit a 1 is white."""
    padded = row.ljust(-(-len(row) // 8) * 8, "0").translate(str.maketrans("01", "10"))
    return int(padded, 2).to_bytes(len(padded) // 8, "big")


def _make_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def ask_image(subject: Subject) -> Asks:
    """With the image, and the same without it if the word was not read."""
    shown = {
        "type": "image_url",
        "image_url": {"url": f"data:image/png;base64,{base64.b64encode(draw_word()).decode()}"},
    }
    body = build_question(QUESTION, max_tokens=32)
    parts = [{"type": "text", "text": QUESTION}, shown]
    answer = yield ProbeRequest(body={**body, "messages": [{"role": "user", "content": parts}]})
    if answer.error is None and not has_read_word(answer):
        yield ProbeRequest(body=body)


def judge_image(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
    """The word is read; or the image was at least counted; or it was ignored."""
    if refused := judge_failure(exchanges[0]):
        return refused
    if has_read_word(exchanges[0]):
        return make_capability("yes", f"the word {WORD} was read", exchanges[0])
    counts = list_prompt_counts(exchanges)
    known = [count for count in counts if count is not None]
    if len(known) == 2 and known[0] - known[1] >= TOKENS_OF_AN_IMAGE:
        said = f"the image was counted ({known[0] - known[1]} tokens), and the word in it was not read"
        return make_capability("partly", said, exchanges[0], "not read")
    return make_capability("no", "accepted, and the image was ignored", exchanges[0], "ignored")


def has_read_word(answer: Exchange) -> bool:
    """Whether the answer names the word."""
    return WORD.casefold() in answer.output.text.casefold()


IMAGE_FEATURES: Final = (
    Feature(
        name="vision", about="is a word read that stands in an image?",
        ask=ask_image, judge=judge_image, requests=2, tokens=1200,
    ),
)  # fmt: skip
