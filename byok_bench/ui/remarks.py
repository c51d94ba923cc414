"""What the widgets say beside a field or a button, and what of an entered text must not be said again."""

import re
from typing import Final, Literal

import msgspec

from byok_bench.endpoints.entered_text import trim_ends
from byok_bench.endpoints.key_literals import find_literal_key
from byok_bench.endpoints.model import DeclaredCapabilities
from byok_bench.errors import ByokBenchError
from byok_bench.redact import redact
from byok_bench.redact.logs import list_remembered_secrets

Tone = Literal["plain", "good", "bad"]
_NEAR_KEYS: Final = frozenset({"key_env", "headers", "query", "body", "model_headers", "model_body", "effort"})
"""Fields into which people paste a key."""
_LONG_WORD: Final = re.compile(r"[A-Za-z0-9+/=._-]{16,}")


class Remark(msgspec.Struct, frozen=True):
    """What the form says under a field, or beside its buttons."""

    text: str = ""
    tone: Tone = "plain"


def describe_capabilities(found: DeclaredCapabilities) -> str:
    """What is known of a model, in words; empty if nothing is."""
    states = {name: getattr(found, name).state for name in found.__struct_fields__}
    known = [f"{name.replace('_', ' ')} {state}" for name, state in states.items() if state != "unknown"]
    return f"Known of it: {', '.join(known)}." if known else ""


def to_sentence(error: ByokBenchError) -> str:
    """The error as a sentence."""
    text = str(error)
    return f"{text[0].upper()}{text[1:].rstrip('.')}."


def is_key_like(field: str, text: str) -> bool:
    """Whether a text that was refused may be a key, or hold one: a known one, one of a known shape, a long token."""
    if find_literal_key({field: trim_ends(text)}) is not None or redact(text, list_remembered_secrets()) != text:
        return True
    return field in _NEAR_KEYS and any(not word.isalpha() for word in _LONG_WORD.findall(text))
