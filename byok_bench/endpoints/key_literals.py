"""Keys written out where only a reference belongs: found in the fields of an endpoint, named by the field, never shown.

Strings only; what a reference looks like is in keys.py. Rules: docs/secrets.md.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from byok_bench.redact import redact
from byok_bench.redact.logs import list_remembered_secrets

KEY_MARK: Final = "${key}"
"""Stands for the endpoint's key in the value of a header; no key itself."""
_COMMON_WORDS: Final = frozenset({"key", "token"})
"""Names that carry keys in a URL, and all sorts of things in a request body."""

_WHOLE_KEY: Final = re.compile(r"(?:sk-|sk_|gsk_|xai-|nvapi-|hf_|r8_|AIza)(?=[^0-9]*[0-9])[A-Za-z0-9_.+=-]{16,}\Z")
"""A field that holds this and nothing else: more than `redact` may take for a key in the middle of a sentence."""
_NO_COMMON_WORD: Final = 8
"""Characters from which a key in use is looked for; a local server's key may be a word that labels hold, too."""


def find_literal_key(fields: Mapping[str, Any], own: frozenset[str] = frozenset()) -> str | None:
    """Path of the first string in `fields` that is a key in use, or looks like one by itself or by its name.

    own: names at the top that cannot make a value a key, since they are checked for what they may hold.
    """
    in_use = [secret for secret in list_remembered_secrets() if len(secret) >= _NO_COMMON_WORD]
    for path, text in _iterate_texts(fields):
        name = re.sub(r"\[\d+\]", "", path).rpartition(".")[2]
        is_template = KEY_MARK in text
        text = text.replace(KEY_MARK, "")
        innocent = path in own or is_template or ("body." in path and name.lower() in _COMMON_WORDS)
        named = () if innocent else (f"{name}: {text}", f"https://host/?{name}={text}")
        if _WHOLE_KEY.match(text) or any(redact(form, in_use) != form for form in (text, *named)):
            return path
    return None


def _iterate_texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every string in `value`, with the path of its field."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, entry in value.items():
            yield from _iterate_texts(entry, f"{path}.{name}" if path else str(name))
    elif isinstance(value, (list, tuple)):
        for number, entry in enumerate(value):
            yield from _iterate_texts(entry, f"{path}[{number}]")
