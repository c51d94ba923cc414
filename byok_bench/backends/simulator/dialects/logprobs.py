"""Log probabilities, made up: the same token gets the same, and the one that was said is the likeliest."""

import zlib
from collections.abc import Sequence
from typing import Any

LARGEST_TOP_LOGPROBS = 20
"""The largest top_logprobs that the API takes."""
_OTHERS = (
    "the", "a", "of", "and", "to", "in", "is", "it", "that", "for", "on", "as", "with", "was", "at", "by", "an", "be",
    "or", "from", "this",
)  # fmt: skip


def make_logprobs(pieces: Sequence[str], top: int) -> list[dict[str, Any]]:
    """One entry for each token, with its `top` likeliest, itself among them."""
    return [{**_make_entry(piece, 0), "top_logprobs": _rank_tokens(piece, top)} for piece in pieces]


def _rank_tokens(piece: str, top: int) -> list[dict[str, Any]]:
    others = [f"{word} " for word in _OTHERS if word != piece.strip()]
    return [_make_entry(token, rank) for rank, token in enumerate([piece, *others][:top])]


def _make_entry(token: str, rank: int) -> dict[str, Any]:
    raw = token.encode("utf-8", "surrogatepass")
    return {"token": token, "logprob": -rank - zlib.crc32(raw) % 1000 / 1001, "bytes": list(raw)}
