"""ModelRecord: what was measured of a model on one day, as a book keeps it. Plain frozen data."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec


class Capability(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a model can do one thing, and how that is known."""

    state: Literal["yes", "no", "partly", "unknown"] = "unknown"
    evidence: str | None = None
    """What a probe found, in a sentence; None if the state was only declared."""
    value: str | None = None
    """What was found in a word or number: `refused`, `reasoning_content`, `4096`; None if the state says it all."""
    exchange_id: str | None = None
    """The exchange that shows it; None if no single one does."""


class ModelTraits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What tells one model from another, however it is called."""

    served_model: str | None = None
    """The id that answers name."""
    prompt_tokens: tuple[int, ...] = ()
    """What the fixed texts count as prompts, in their order; empty if the server counts nothing."""
    greedy_text: str | None = None
    """The answer to the fixed prompt at temperature 0; None if two of them differed."""
    ttft_ms: float | None = None
    """Request written → first token, of one short streamed answer."""
    tokens_per_s: float | None = None


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was measured of a model: when, where, and what it showed."""

    at: datetime
    """UTC."""
    origin: str
    """`scheme://host:port` that was asked."""
    schema: str
    model: str
    """The id that was asked for."""
    traits: ModelTraits = ModelTraits()
    found: Mapping[str, Capability] = {}
    """By the names of checks/capabilities; docs/capabilities.md says what each means."""
