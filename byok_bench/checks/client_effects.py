"""Who breaks: what client libraries make of a broken rule, as data that was played for real.

The data is in clients.json, written by `make clients` from runs against the simulator; docs/clients.md shows all of it.
"""

import functools
from collections.abc import Sequence
from importlib.resources import files
from typing import Literal

import msgspec

Outcome = Literal["right", "raises", "wrong"]
"""right: the answer as sent; raises: an exception; wrong: another answer, without a word."""


class ClientEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What one client makes of one broken rule, asked in one form."""

    check: str
    client: str
    schema: str
    stream: bool
    outcome: Outcome
    words: str = ""
    """What its user gets, in Markdown; empty where that is the answer as sent."""


class ClientEffects(msgspec.Struct, frozen=True, kw_only=True):
    """All that was played."""

    versions: dict[str, str]
    """Client → packages and versions that were played."""
    effects: tuple[ClientEffect, ...]


@functools.cache
def load_client_effects() -> ClientEffects:
    """Everything that was played."""
    data = (files("byok_bench.checks") / "clients.json").read_bytes()
    return msgspec.json.decode(data, type=ClientEffects)


def find_client_effects(check: str, schema: str | None = None, stream: bool | None = None) -> list[ClientEffect]:
    """What clients make of a broken rule, in answers of one form or of any; those that read it rightly left out."""
    return [
        one
        for one in load_client_effects().effects
        if one.check == check
        and one.outcome != "right"
        and schema in (None, one.schema)
        and stream in (None, one.stream)
    ]


def describe_effects(effects: Sequence[ClientEffect]) -> str:
    """The effects in a sentence, for people: `litellm raises; pydantic-ai: no call`. Empty for none."""
    raising = list(dict.fromkeys(one.client for one in effects if one.outcome == "raises"))
    wrong: dict[str, list[str]] = {}
    for one in effects:
        if one.outcome == "wrong":
            wrong.setdefault(one.words.replace("`", ""), []).append(one.client)
    parts = [f"{_join(raising)} raise{'s' if len(raising) == 1 else ''}"] if raising else []
    parts += [f"{_join(list(dict.fromkeys(clients)))}: {words}" for words, clients in wrong.items()]
    return "; ".join(parts)


def _join(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
