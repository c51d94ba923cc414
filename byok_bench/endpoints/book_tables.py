"""The tables of an endpoint book as they stand in the file: what a program or a person wrote, before it is checked.

Reading is in book_format.py, writing in book_edits.py. Rules: docs/endpoints.md, section "The book".
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from byok_bench.endpoints.endpoint import Tls
from byok_bench.endpoints.model import DeclaredCapabilities, EchoRule, Price, Schema
from byok_bench.endpoints.model_record import ModelRecord
from byok_bench.wire.wire_request import Transport

Extra = str | Mapping[str, str]
"""A header or query value: text, or `{ from = "env:NAME" }`."""


class ModelTable(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One `[[endpoint.models]]` as it stands in the file."""

    name: str = ""
    alias: str | None = None
    config_key: str | None = None
    """None in a table written by hand: the id then follows from the endpoint's and the name."""
    context_window_tokens: int | None = None
    max_output_tokens: int | None = None
    capabilities: DeclaredCapabilities = DeclaredCapabilities()
    price: Price | None = None
    schema: Schema | None = None
    effort: dict[str, dict[str, Any]] = {}
    echo_reasoning: EchoRule = "unknown"
    echo_evidence: str | None = None
    drop: list[str] = []
    rename: dict[str, str] = {}
    headers: dict[str, Extra] = {}
    body: dict[str, Any] = {}
    record: ModelRecord | None = None


class TimeoutsTable(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`[endpoint.timeouts]` as it stands in the file; a name of another version is left alone."""

    connect: float | None = None
    first_byte: float | None = None
    idle: float | None = None
    total: float | None = None


class EndpointTable(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One `[[endpoint]]` as it stands in the file."""

    label: str
    config_key: str | None = None
    """None in a table written by hand: the id then follows from the label, until the table is first changed."""
    base_url: str = ""
    schema: Schema = "chat"
    key: str = "none"
    key_style: str = "bearer"
    key_header: str | None = None
    key_origin: str | None = None
    key_set_at: datetime | None = None
    models: list[ModelTable] = []
    headers: dict[str, Extra] = {}
    query: dict[str, Extra] = {}
    timeouts: TimeoutsTable = TimeoutsTable()
    tls: Tls = Tls()
    body: dict[str, Any] = {}
    proxy: str | None = None
    no_proxy: list[str] = []
    retention: str | None = None
    accept_encoding: str | None = None
    transport: Transport | None = None
