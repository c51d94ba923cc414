"""What is done to a text when it is entered: trimmed at the ends, refused for what hides inside.

Pure functions on strings. URLs are normalised in wire/egress/base_urls.py; keys are checked in keys.py.
Rules: docs/endpoints.md, section "Fields".
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from byok_bench.errors import EndpointError
from byok_bench.wire.bodies.content_coding import CODINGS, IDENTITY

INVISIBLE_ENDS: Final = "\ufeff\u200b\u2060\u00a0"
"""Trimmed at the ends beside white space: they come with pasted text, and nobody sees them."""
LABEL_CHARACTERS: Final = 80
RETENTION_UNKNOWN: Final = "unknown"
_RETENTIONS: Final = (RETENTION_UNKNOWN, "none", "kept")
_DAYS: Final = re.compile(r"(\d{1,5}) ?(?:d|days?)?\Z")

_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"})
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_RESERVED_HEADERS: Final = frozenset(
    {
        "host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect",
        "cookie", "accept-encoding", "content-type",
    }
)  # fmt: skip
KEY_HEADERS: Final = frozenset({"authorization", "api-key", "x-api-key"})
"""Set through the key field alone."""


def trim_ends(text: str) -> str:
    """`text` without white space and invisible characters at its ends; compare with the input to say so."""
    before = None
    while before != text:
        before, text = text, text.strip().strip(INVISIBLE_ENDS)
    return text


def find_hidden_character(text: str, *, spaces: bool) -> str | None:
    """Name of the first character in `text` that hides (control, format, private use, unassigned), or None.

    With `spaces` white space inside counts as well.
    """
    for character in text:
        if unicodedata.category(character) in _HIDDEN_CATEGORIES or (spaces and character.isspace()):
            return f"U+{ord(character):04X}"
    return None


def normalize_label(text: str) -> str:
    """A label, trimmed: 1–80 characters without control characters. Raises EndpointError."""
    label = trim_ends(text)
    if not label:
        raise EndpointError("give the endpoint a label", code="label_missing")
    if len(label) > LABEL_CHARACTERS:
        raise EndpointError(
            f"the label has {len(label)} characters; at most {LABEL_CHARACTERS} are shown",
            code="label_too_long",
        )
    if found := find_hidden_character(label, spaces=False):
        raise EndpointError(f"the label holds the invisible character {found}; type it again", code="label_invalid")
    return label


def normalize_model_id(text: str) -> str:
    """A provider's model id, trimmed; may be empty (then the endpoint is incomplete). Raises EndpointError."""
    name = trim_ends(text)
    if found := find_hidden_character(name, spaces=True):
        raise EndpointError(
            f"the model id holds white space or an invisible character ({found}); type it again by hand",
            code="model_invalid",
        )
    return name


def normalize_codings(text: str) -> str:
    """Content codings as Accept-Encoding names them, lower case; `identity` for an empty text. Raises EndpointError."""
    names = [name.strip().lower() for name in trim_ends(text).split(",")] if trim_ends(text) else [IDENTITY]
    for name in names:
        if name not in CODINGS and name != IDENTITY:
            raise EndpointError(
                f"accept_encoding: {name[:40]!a} is no content coding; write identity, or what an SDK sends, like "
                "gzip, deflate",
                code="accept_encoding_invalid",
            )
    return ", ".join(dict.fromkeys(names))


def normalize_retention(text: str) -> str:
    """How long data is kept, as stated: `unknown`, `none`, `kept`, or `N days`. Raises EndpointError."""
    said = trim_ends(text).lower() or RETENTION_UNKNOWN
    if said in _RETENTIONS:
        return said
    days = _DAYS.match(said)
    if days is None:
        raise EndpointError(
            "retention says how long prompts and answers are kept there: unknown, none, kept (without a limit), or "
            "days like 30 days",
            code="retention_invalid",
        )
    count = int(days[1])
    return f"{count} day{'' if count == 1 else 's'}" if count else "none"


def normalize_proxy_exceptions(entries: Iterable[str]) -> list[str]:
    """Hosts that no proxy is used for, trimmed and in small letters, each once. Raises EndpointError."""
    entries = entries.split(",") if isinstance(entries, str) else list(entries)
    if not all(isinstance(entry, str) for entry in entries):
        raise EndpointError("no_proxy must be a list of hosts, each a text", code="no_proxy_invalid")
    names = [name for entry in entries if (name := trim_ends(entry).lower())]
    for name in names:
        if find_hidden_character(name, spaces=True) or "://" in name:
            raise EndpointError(
                f"no_proxy: {name[:40]!a} is no host; write a name, *.suffix, an address or a network, with commas "
                "between them",
                code="no_proxy_invalid",
            )
    return list(dict.fromkeys(names))


def find_header_name_problem(name: str, *, for_key: bool = False) -> str | None:
    """Why an extra header cannot have this name, or None; `for_key` allows the names that carry keys."""
    lowered = name.lower()
    if not _TOKEN.match(name):
        return f"{name!a} cannot be a header name"
    if lowered == "accept-encoding":
        return f"header {name} is a field of its own: set the endpoint's accept_encoding"
    if lowered in _RESERVED_HEADERS or lowered.startswith("proxy-"):
        return f"header {name} is written by the client itself: take it out of the extra headers"
    if lowered in KEY_HEADERS and not for_key:
        return f"header {name} carries a key: set it through the endpoint's key and key style"
    return None


def find_header_value_problem(name: str, value: str) -> str | None:
    """Why a header cannot have this value, or None. Control characters are refused, never stripped."""
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        return f"the value of header {name} holds a control character (a line break?): enter it again"
    return None
