"""Changes in the text of an endpoint book: one endpoint put in or taken out of a parsed TOML document.

A document is changed in place, and only where it differs, so that comments and the fields of other programs
stay where they are. Reading is in book_format.py. Rules: docs/endpoints.md, section "The book".
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError

from byok_bench.endpoints.book_format import (
    BOOK_VERSION,
    choose_config_key,
    refuse_literal_keys,
)
from byok_bench.endpoints.book_tables import EndpointTable, Extra, ModelTable, TimeoutsTable
from byok_bench.endpoints.endpoint import Endpoint, Tls
from byok_bench.endpoints.entered_text import RETENTION_UNKNOWN
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import DeclaredCapabilities, Model, Price
from byok_bench.endpoints.model_record import Capability, ModelRecord, ModelTraits
from byok_bench.errors import EndpointError
from byok_bench.wire.bodies.content_coding import IDENTITY
from byok_bench.wire.limits import DEFAULT_TIMEOUTS, Timeouts

_KNOWN: Final[Mapping[str, Sequence[str]]] = {
    "timeouts": Timeouts.__struct_fields__,
    "tls": Tls.__struct_fields__,
    "price": Price.__struct_fields__,
    "capabilities": DeclaredCapabilities.__struct_fields__,
    "record": ModelRecord.__struct_fields__,
    "traits": ModelTraits.__struct_fields__,
    **dict.fromkeys(DeclaredCapabilities.__struct_fields__, Capability.__struct_fields__),
}
"""Tables with fields of our own; anything else in them belongs to another program or version."""
_FREE: Final = ("headers", "query", "body", "effort", "rename", "found")
"""Tables whose names the user or a measurement chose: all of them are ours to change."""


def make_empty_document() -> TOMLDocument:
    """An empty book."""
    document = tomlkit.document()
    document.add(tomlkit.comment("Endpoints of byok-bench. No key belongs in here, only where it is found."))
    document.add("version", tomlkit.item(BOOK_VERSION))
    return document


def put_endpoint(document: TOMLDocument, endpoint: Endpoint) -> None:
    """Add the endpoint, or change the table that has its config_key.

    Raises EndpointError for what TOML cannot hold, and for a key written out in any field.
    """
    wanted = as_table(endpoint)
    refuse_literal_keys(wanted)
    try:
        if not document.get("endpoint", True):
            document.remove("endpoint")  # `endpoint = []`, which takes no tables
        tables = document.setdefault("endpoint", tomlkit.aot())
        number = _find_table(tables, endpoint.config_key)
        table = tomlkit.table() if number is None else tables[number]
        _merge(table, wanted, known=EndpointTable.__struct_fields__)
        if number is None:
            table.trivia.indent = "\n"  # a line between endpoints
            tables.append(table)
        document.as_string().encode()
    except (TOMLKitError, ValueError, TypeError):
        field = _find_unstorable(wanted) or "a field"
        problem = f"{field} holds what the file cannot keep (null, or half a surrogate pair): take it out"
    else:
        return
    raise EndpointError(problem, code="field_not_storable")


def _find_unstorable(value: Any, path: str = "") -> str:
    """Path of the first null or half of a surrogate pair inside; empty if there is none."""
    if isinstance(value, Mapping):
        inside = [(f"{path}.{name}".lstrip("."), one) for name, one in value.items()]
    elif isinstance(value, list | tuple):
        inside = [(f"{path}[{number}]", one) for number, one in enumerate(value)]
    else:
        is_half = isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value)
        return path if value is None or is_half else ""
    return next((found for name, one in inside if (found := _find_unstorable(one, name))), "")


def drop_endpoint(document: TOMLDocument, config_key: str) -> None:
    """Take the endpoint's table out."""
    tables = document.get("endpoint", [])
    number = _find_table(tables, config_key)
    if number is not None:
        del tables[number]
    if "endpoint" in document and not tables:
        document.remove("endpoint")  # an empty array of tables is written as a list, to which no table can be added


def as_toml(endpoint: Endpoint) -> str:
    """The endpoint as it would stand in the file."""
    document = tomlkit.document()
    put_endpoint(document, endpoint)
    return document.as_string().lstrip("\n")


def as_table(endpoint: Endpoint) -> dict[str, Any]:
    """What the file says of an endpoint; fields at their defaults are left out, the ids are not."""
    table = EndpointTable(
        label=endpoint.label,
        config_key=endpoint.config_key,
        base_url=endpoint.base_url,
        schema=endpoint.schema,
        key=str(endpoint.key),
        key_style=endpoint.key_style,
        key_header=endpoint.key_header,
        key_origin=endpoint.key_origin,
        key_set_at=endpoint.key_set_at,
        models=[_make_model_table(model) for model in endpoint.models],
        headers={name: _to_extra(value) for name, value in endpoint.headers.items()},
        query={name: _to_extra(value) for name, value in endpoint.query.items()},
        timeouts=TimeoutsTable(
            **{
                name: float(seconds)
                for name in Timeouts.__struct_fields__
                if (seconds := getattr(endpoint.timeouts, name)) != getattr(DEFAULT_TIMEOUTS, name)
            }
        ),
        tls=endpoint.tls,
        proxy=endpoint.proxy,
        no_proxy=list(endpoint.no_proxy),
        retention=None if endpoint.retention == RETENTION_UNKNOWN else endpoint.retention,
        accept_encoding=None if endpoint.accept_encoding == IDENTITY else endpoint.accept_encoding,
        transport=None if endpoint.transport == "own" else endpoint.transport,
    )
    plain: dict[str, Any] = _drop_empty(msgspec.to_builtins(table, builtin_types=(datetime,)))
    for table, owner in ((plain, endpoint), *zip(plain.get("models", ()), endpoint.models, strict=True)):
        for name in ("body", "effort"):  # as they are: an empty table in a request body means something
            if value := getattr(owner, name, None):
                table[name] = dict(value)
    return plain


def _make_model_table(model: Model) -> ModelTable:
    fields = {name: getattr(model, name) for name in ModelTable.__struct_fields__}
    fields |= {"drop": list(model.drop), "headers": {name: _to_extra(value) for name, value in model.headers.items()}}
    return ModelTable(**fields)


def find_unknown_fields(document: TOMLDocument, endpoint: Endpoint) -> list[str]:
    """Fields of an endpoint's table that are none of ours, as `name` or `table.name`."""
    tables = document.get("endpoint", [])
    number = _find_table(tables, endpoint.config_key)
    if number is None:
        return []
    found = [name for name in tables[number] if name not in EndpointTable.__struct_fields__]
    for part in ("timeouts", "tls"):
        found += [f"{part}.{name}" for name in tables[number].get(part, {}) if name not in _KNOWN[part]]
    return found


def _find_table(tables: Sequence[Mapping[str, Any]], config_key: str) -> int | None:
    """Number of the table with this id, written or following from its label."""
    for number, table in enumerate(tables):
        if choose_config_key(table.get("config_key"), str(table.get("label", ""))) == config_key:
            return number
    return None


def _drop_empty(value: Any) -> Any:
    """The same without what says nothing; TOML has no null."""
    if isinstance(value, list):
        return [_drop_empty(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _drop_empty(entry) for name, entry in value.items()}
    return {name: entry for name, entry in kept.items() if entry not in (None, {}, [])}


def _to_extra(value: str | KeyRef) -> Extra:
    return value if isinstance(value, str) else {"from": str(value)}


def _merge(table: Any, wanted: Mapping[str, Any], known: Sequence[str], *, free: bool = False) -> None:
    """Make `table` say `wanted`: change what differs, take out known fields that are gone, leave the rest alone."""
    for name in known:
        if name in table and name not in wanted:
            _clear(table, name, free)
    for name, value in wanted.items():
        if name == "models" and not free:
            _merge_models(table, value, wanted["config_key"])
        elif isinstance(value, Mapping) and isinstance(table.get(name), Mapping):
            inside = free or name in _FREE
            _merge(table[name], value, list(table[name]) if inside else _KNOWN[name], free=inside)
        elif name not in table or not _is_same(_unwrap_item(table[name]), value):
            table[name] = value


def _clear(table: Any, name: str, free: bool) -> None:
    """Take a field out, but for what in it is not ours."""
    if not free and name in _KNOWN and isinstance(table[name], Mapping):
        _merge(table[name], {}, known=_KNOWN[name])
        if table[name]:
            return
    del table[name]


def _merge_models(table: Any, wanted: Sequence[Mapping[str, Any]], endpoint_key: str) -> None:
    """The same for the models of an endpoint, each found by its config_key."""
    stored = list(table.get("models", []))
    if [_unwrap_item(one) for one in stored] == list(wanted):
        return
    keys = [
        choose_config_key(one.get("config_key"), endpoint_key, one.get("name") or str(number))
        for number, one in enumerate(stored)
    ]
    before = dict(zip(keys, stored, strict=True))
    if keys == [entry["config_key"] for entry in wanted]:
        for entry in wanted:
            _merge(before[entry["config_key"]], entry, known=ModelTable.__struct_fields__)
        return
    models = tomlkit.aot()
    for entry in wanted:
        model = before.get(entry["config_key"], tomlkit.table())
        _merge(model, entry, known=ModelTable.__struct_fields__)
        models.append(model)
    table["models"] = models


def _is_same(stored: Any, wanted: Any) -> bool:
    """Equal, and of one type: 1, 1.0 and true are different texts."""
    return type(stored) is type(wanted) and bool(stored == wanted)


def _unwrap_item(item: Any) -> Any:
    return item.unwrap() if hasattr(item, "unwrap") else item
