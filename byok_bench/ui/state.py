"""The model of the endpoint form: which endpoint is selected, what was entered, what is missing. No widgets.

Every field is applied on its own and saved at once. A refused entry changes nothing in the book; the form
keeps the typed text beside the reason, so nothing is lost.
"""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec
from msgspec.structs import replace

from byok_bench.dialects.base import dialect
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint, Model, Price
from byok_bench.endpoints.keys import KeyRef
from byok_bench.errors import ByokBenchError, EndpointError
from byok_bench.wire.limits import Timeouts
from byok_bench.wire.reasons import Refused, explain
from byok_bench.wire.urls import read_base_url

Tone = Literal["plain", "good", "bad"]
NEW_LABEL: Final = "New endpoint"
MISSING: Final = {
    "base_url": "a base URL",
    "models": "a model",
    "key": "a key",
    "key_header": "the name of the key's header",
    "key_origin": "your word that the key may go to this address",
}


class Said(msgspec.Struct, frozen=True):
    """What the form says under a field."""

    text: str = ""
    tone: Tone = "plain"


class FormState:
    """The endpoint book as a form sees it."""

    def __init__(self, book: EndpointBook) -> None:
        self.book = book
        self.selected: str | None = next((one.config_key for one in book.endpoints), None)

    @property
    def endpoints(self) -> list[Endpoint]:
        """All endpoints, in the order of the book."""
        return list(self.book.endpoints)

    @property
    def endpoint(self) -> Endpoint | None:
        """The selected one; None in an empty book."""
        return next((one for one in self.endpoints if one.config_key == self.selected), None)

    @property
    def refusal(self) -> str:
        """Why the selected endpoint may not be used here; empty if it may."""
        endpoint = self.endpoint
        return "" if endpoint is None else self.book.refusal(endpoint) or ""

    @property
    def editable(self) -> bool:
        """Whether the fields may be changed: a team's endpoint and a refused one are shown only."""
        endpoint = self.endpoint
        return endpoint is not None and not self.refusal and not self.book.is_team(endpoint)

    @property
    def egress_policy(self) -> Mapping[str, Any] | None:
        """The workspace's egress lists."""
        return self.book.egress_policy

    def list_label(self, endpoint: Endpoint) -> str:
        """How the list names one: its label, and why it is not ready."""
        if self.book.refusal(endpoint):
            return f"{endpoint.label}  (turned off here)"
        if self.book.is_team(endpoint):
            return f"{endpoint.label}  (Team)"
        return f"{endpoint.label}  (incomplete)" if endpoint.missing() else endpoint.label

    def add(self) -> Endpoint:
        """A new, incomplete endpoint, saved and selected."""
        return self._keep(Endpoint(label=self._free_label(NEW_LABEL)))

    def duplicate(self) -> Endpoint:
        """A copy of the selected one under a free label, with models of its own; a stored key is not copied."""
        source = self._current()
        copy = Endpoint(
            **{
                name: getattr(source, name)
                for name in source.__struct_fields__
                if name not in ("label", "config_key", "models", "key", "key_origin", "key_set_at")
            },
            label=self._free_label(f"{source.label} copy"),
            models=[Model(one.name, alias=one.alias) for one in source.models],
            key=source.key if source.key.kind == "env" else KeyRef.none(),
        )
        return self._keep(copy)

    def delete(self) -> None:
        """Remove the selected one, and its keyring entry."""
        keys = [one.config_key for one in self.endpoints]
        at = keys.index(self._current().config_key)
        self.book.remove(keys.pop(at))
        self.selected = keys[min(at, len(keys) - 1)] if keys else None

    def enter(self, field: str, text: str) -> Said:
        """Apply one field of the selected endpoint and save it; what to say under the field."""
        current = self._current()
        try:
            changed = ENTRIES[field](current, text)
            if changed != current:
                self.book.update(changed)
        except ByokBenchError as error:
            return Said(f"{error} Not saved.", "bad")
        return self.remark(field)

    def enter_key(self, text: str) -> Said:
        """Keep a key that was typed: in the keyring if the endpoint says so, else for this session."""
        current = self._current()
        try:
            if current.key.kind == "keyring":
                self.book.set_key(current.config_key, text)
            else:
                self.book.update(replace(current, key=KeyRef.session(text), key_origin=current.origin))
        except ByokBenchError as error:
            return Said(str(error), "bad")
        finally:
            del text
        return self.key_remark()

    def confirm_key(self) -> None:
        """The user said that the key may go to the endpoint's present address."""
        self.book.update(self._current().confirm_key())

    def value(self, field: str) -> str:
        """Text of a field as stored."""
        endpoint = self.endpoint
        return "" if endpoint is None else VALUES[field](endpoint)

    def remark(self, field: str) -> Said:
        """What stands under a field whose entry was accepted."""
        endpoint = self.endpoint
        if endpoint is None:
            return Said()
        if field == "base_url":
            return preview(endpoint.base_url, endpoint.schema)
        if field == "model" and not endpoint.models:
            return Said("Missing: the model's exact id")
        return Said()

    def key_remark(self) -> Said:
        """Where the key comes from; never anything of the key."""
        endpoint = self.endpoint
        if endpoint is None:
            return Said()
        if not endpoint.key_is_confirmed:
            return Said("The address changed: confirm that the key may go there, or enter another.", "bad")
        return where_key_is(endpoint)

    def missing(self) -> str:
        """What keeps the selected endpoint from a run, in words; empty if nothing does."""
        endpoint = self.endpoint
        names = [] if endpoint is None else [MISSING[name] for name in endpoint.missing()]
        return "" if not names else f"Not ready for a run: it needs {', '.join(names)}."

    def _current(self) -> Endpoint:
        endpoint = self.endpoint
        if endpoint is None:
            raise EndpointError("no endpoint is selected: add one first", code="none_selected")
        return endpoint

    def _keep(self, endpoint: Endpoint) -> Endpoint:
        self.book.add(endpoint)
        self.selected = endpoint.config_key
        return endpoint

    def _free_label(self, wanted: str) -> str:
        taken = {one.label for one in self.endpoints}
        numbers = (f"{wanted[:70]} {number}" for number in range(2, len(taken) + 3))
        return next(label for label in (wanted[:80], *numbers) if label not in taken)


def where_key_is(endpoint: Endpoint) -> Said:
    """Where the key comes from, and since when; nothing of the key itself."""
    ref = endpoint.key
    match ref.kind:
        case "none":
            return Said("No key is sent.")
        case "env" if not ref.name:
            return Said("Missing: the name of the environment variable.")
        case "env":
            there = ref.name in os.environ
            return Said(f"In the environment as {ref.name}." if there else f"{ref.name} is not set in this process.",
                        "good" if there else "bad")  # fmt: skip
        case "session":
            kept = "Kept for this session only; it is gone when the kernel stops."
            return Said(kept, "good") if ref.is_set else Said("Missing: type the key below, then Enter.")
        case _:
            if endpoint.key_set_at is None:
                return Said("Missing: type the key below, then Enter.")
            return Said(f"In the keyring, set {days_ago(endpoint.key_set_at)}.", "good")


def days_ago(then: datetime) -> str:
    """`today`, `yesterday` or `n days ago`."""
    days = (datetime.now(UTC) - then).days
    return {0: "today", 1: "yesterday"}.get(days, f"{days} days ago")


def preview(text: str, schema: str) -> Said:
    """The exact request URL that a base URL gives, while it is typed; what is wrong with it otherwise."""
    if not text.strip():
        return Said("Missing: the address, such as https://openrouter.ai/api/v1")
    try:
        base = read_base_url(text)
    except Refused as refused:
        said = explain(refused.reason, target=refused.target, port=None, detail=refused.detail)
        return Said(said, "bad")
    hint = "   (most servers want /v1 at the end)" if "hint_missing_v1" in base.notes else ""
    return Said(f"POST {base}{dialect(schema).route}{hint}", "good")


def _model(endpoint: Endpoint, **fields: Any) -> Endpoint:
    first, *rest = endpoint.models or (Model(""),)
    return replace(endpoint, models=[replace(first, **fields), *rest])


def _pairs(text: str, what: str) -> dict[str, str | KeyRef]:
    """`Name: value` lines; a value such as env:NAME is a reference.

    Raises EndpointError for a line without a colon, without showing its value.
    """
    found: dict[str, str | KeyRef] = {}
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines, start=1):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not name:
            raise EndpointError(f"{what} {number} is not written as Name: value.", code="pair_invalid")
        found[name] = KeyRef.parse(value) if value.startswith(("env:", "keyring:")) else value
    return found


def _number(text: str, what: str) -> float | None:
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        raise EndpointError(f"{what} must be a number.", code="number_invalid") from None


def _timeouts(endpoint: Endpoint, text: str) -> Endpoint:
    names = ("connect", "first_byte", "idle", "total")
    parts = text.replace(",", " ").split()
    if len(parts) != len(names):
        raise EndpointError(
            "Give four numbers of seconds: connect, first byte, idle, total.", code="timeouts_invalid"
        )
    values = {name: _number(part, f"the {name} timeout") for name, part in zip(names, parts, strict=True)}
    try:
        return replace(endpoint, timeouts=Timeouts(**values))  # type: ignore[arg-type]
    except ValueError as error:
        raise EndpointError(f"{error}.", code="timeouts_invalid") from None


def _body(endpoint: Endpoint, text: str) -> Endpoint:
    try:
        value = msgspec.json.decode(text.encode() or b"{}", type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise EndpointError(f"The extra fields are no JSON object: {error}.", code="body_invalid") from None
    return replace(endpoint, body=value)


def _price(endpoint: Endpoint, text: str) -> Endpoint:
    parts = text.replace("/", " ").split()
    if not parts:
        return _model(endpoint, price=None)
    if len(parts) != 2:
        raise EndpointError(
            "Give two numbers: input and output price per million tokens.", code="price_invalid"
        )
    return _model(
        endpoint, price=Price(input=_number(parts[0], "the price"), output=_number(parts[1], "the price"))
    )


def _window(endpoint: Endpoint, text: str) -> Endpoint:
    value = _number(text, "The context window")
    return _model(endpoint, context_window_tokens=None if value is None else int(value))


def _key_source(endpoint: Endpoint, text: str) -> Endpoint:
    if text == endpoint.key.kind:
        return endpoint
    refs = {"none": KeyRef.none(), "env": KeyRef.env(""), "keyring": KeyRef.keyring()}
    ref = refs.get(text) or KeyRef(kind="session")
    return replace(endpoint, key=ref, key_origin=None, key_set_at=None)


def _key_env(endpoint: Endpoint, text: str) -> Endpoint:
    return replace(endpoint, key=KeyRef.env(text), key_origin=endpoint.origin)


Apply = Callable[[Endpoint, str], Endpoint]
ENTRIES: Final[Mapping[str, Apply]] = {
    "label": lambda endpoint, text: replace(endpoint, label=text),
    "base_url": lambda endpoint, text: replace(endpoint, base_url=text),
    "schema": lambda endpoint, text: replace(endpoint, schema=text),
    "model": lambda endpoint, text: (
        _model(endpoint, name=text) if text.strip() else replace(endpoint, models=[])
    ),
    "alias": lambda endpoint, text: _model(endpoint, alias=text) if endpoint.models else endpoint,
    "key_source": _key_source,
    "key_env": _key_env,
    "key_style": lambda endpoint, text: replace(endpoint, key_style=text, key_header=None),
    "key_header": lambda endpoint, text: replace(endpoint, key_header=text or None),
    "headers": lambda endpoint, text: replace(endpoint, headers=_pairs(text, "Header")),
    "query": lambda endpoint, text: replace(endpoint, query=_pairs(text, "Query field")),
    "timeouts": _timeouts,
    "ca_file": lambda endpoint, text: replace(
        endpoint, tls=replace(endpoint.tls, ca_file=text.strip() or None)
    ),
    "body": _body,
    "context_window": _window,
    "price": _price,
}
"""Field of the form → how its text changes an endpoint; raises EndpointError for text that cannot be."""


def _first(endpoint: Endpoint) -> Model:
    return endpoint.models[0] if endpoint.models else Model("")


def _shown_pairs(fields: Mapping[str, str | KeyRef]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in fields.items())


def _shown_price(endpoint: Endpoint) -> str:
    price = _first(endpoint).price
    return "" if price is None else f"{price.input or 0:g} / {price.output or 0:g}"


VALUES: Final[Mapping[str, Callable[[Endpoint], str]]] = {
    "label": lambda endpoint: endpoint.label,
    "base_url": lambda endpoint: endpoint.base_url,
    "schema": lambda endpoint: endpoint.schema,
    "model": lambda endpoint: _first(endpoint).name,
    "alias": lambda endpoint: _first(endpoint).alias or "",
    "key_source": lambda endpoint: endpoint.key.kind,
    "key_env": lambda endpoint: endpoint.key.name if endpoint.key.kind == "env" else "",
    "key_style": lambda endpoint: endpoint.key_style,
    "key_header": lambda endpoint: endpoint.key_header or "",
    "headers": lambda endpoint: _shown_pairs(endpoint.headers),
    "query": lambda endpoint: _shown_pairs(endpoint.query),
    "timeouts": lambda endpoint: " ".join(
        f"{getattr(endpoint.timeouts, name):g}" for name in Timeouts.__struct_fields__
    ),
    "ca_file": lambda endpoint: endpoint.tls.ca_file or "",
    "body": lambda endpoint: msgspec.json.encode(endpoint.body).decode() if endpoint.body else "",
    "context_window": lambda endpoint: str(_first(endpoint).context_window_tokens or ""),
    "price": _shown_price,
}
"""Field of the form → its text as stored."""
