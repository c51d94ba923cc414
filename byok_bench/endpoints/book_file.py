"""The text of an endpoint book: TOML version 1 ⇄ endpoints. No files and no locks in here.

Reading names line and field of what is wrong. Writing changes a parsed document in place, so that comments and
fields of other programs stay where they are. Rules: docs/endpoints.md, section "The book".
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError

from byok_bench.endpoints.endpoint import Capabilities, Endpoint, Model, Price, Schema, Tls, new_config_key
from byok_bench.endpoints.keys import KeyRef
from byok_bench.errors import BookError, EndpointError
from byok_bench.wire.limits import Timeouts

VERSION: Final = 1
_TABLE: Final = re.compile(r"^\s*\[\[\s*endpoint\s*\]\]", re.MULTILINE)
_PATH: Final = re.compile(r"`\$\.endpoint\[(\d+)\]\.?([^`]*)`")
Extra = str | Mapping[str, str]
"""A header or query value: text, or `{ from = "env:NAME" }`."""


class ModelTable(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One `[[endpoint.models]]` as it stands in the file."""

    name: str = ""
    alias: str | None = None
    config_key: str = msgspec.field(default_factory=new_config_key)
    context_window_tokens: int | None = None
    capabilities: Capabilities = Capabilities()
    price: Price | None = None


class EndpointTable(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One `[[endpoint]]` as it stands in the file."""

    label: str
    config_key: str = msgspec.field(default_factory=new_config_key)
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
    timeouts: dict[str, float] = {}
    tls: Tls = Tls()
    body: dict[str, Any] = {}
    proxy: str | None = None


def parse(text: str, where: str) -> tuple[TOMLDocument, list[Endpoint]]:
    """The document and its endpoints. Raises BookError, which names `where`, line and field, and shows no value."""
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        line = getattr(error, "line", None)
        problem = f"{where}{f', line {line}' if line else ''}: this is not TOML; mend that line by hand"
        raise BookError(problem, code="book_broken") from None
    plain = document.unwrap()
    check_version(plain, where)
    tables = plain.get("endpoint", [])
    if not isinstance(tables, list):
        raise BookError(f"{where}: `endpoint` must be a list, written as [[endpoint]]", code="book_broken")
    endpoints = [_endpoint(table, number, text, where) for number, table in enumerate(tables)]
    _refuse_twins(endpoints, where)
    return document, endpoints


def check_version(plain: Mapping[str, Any], where: str) -> None:
    """Refuse a file of another version, whole."""
    version = plain.get("version", VERSION if not plain else None)
    if isinstance(version, int) and version > VERSION:
        raise BookError(
            f"{where} is of version {version}; this byok-bench reads version {VERSION}. Update byok-bench; "
            "the file was not touched",
            code="book_newer",
        )
    if version != VERSION:
        raise BookError(f"{where}: the file must begin with `version = {VERSION}`", code="book_version")


def new_document() -> TOMLDocument:
    """An empty book."""
    document = tomlkit.document()
    document.add(tomlkit.comment("Endpoints of byok-bench. No key belongs in here, only where it is found."))
    document.add("version", tomlkit.item(VERSION))
    return document


def put(document: TOMLDocument, endpoint: Endpoint) -> None:
    """Add the endpoint, or change the table that has its config_key."""
    tables = document.setdefault("endpoint", tomlkit.aot())
    wanted = as_table(endpoint)
    for table in tables:
        if table.get("config_key") == endpoint.config_key or (
            "config_key" not in table and table.get("label") == endpoint.label
        ):
            _merge(table, wanted, known=EndpointTable.__struct_fields__)
            return
    fresh = tomlkit.table()
    _merge(fresh, wanted, known=())
    tables.append(fresh)


def drop(document: TOMLDocument, config_key: str) -> None:
    """Take the endpoint's table out."""
    tables = document.get("endpoint", [])
    for number, table in enumerate(tables):
        if table.get("config_key") == config_key:
            del tables[number]
            return


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
        models=[
            ModelTable(**{name: getattr(model, name) for name in ModelTable.__struct_fields__})
            for model in endpoint.models
        ],
        headers={name: _written(value) for name, value in endpoint.headers.items()},
        query={name: _written(value) for name, value in endpoint.query.items()},
        timeouts={
            name: getattr(endpoint.timeouts, name)
            for name in Timeouts.__struct_fields__
            if getattr(endpoint.timeouts, name) != getattr(Timeouts(), name)
        },
        tls=endpoint.tls,
        body=dict(endpoint.body),
        proxy=endpoint.proxy,
    )
    plain = _without_empty(msgspec.to_builtins(table, builtin_types=(datetime,)))
    plain["config_key"] = endpoint.config_key
    for entry, model in zip(plain.get("models", []), endpoint.models, strict=True):
        entry["config_key"] = model.config_key
    return plain


def _endpoint(table: Any, number: int, text: str, where: str) -> Endpoint:
    """One endpoint of the file, or a BookError that says where it is wrong."""
    try:
        read = msgspec.convert(table, EndpointTable)
        return Endpoint(
            label=read.label,
            config_key=read.config_key,
            base_url=read.base_url,
            schema=read.schema,
            key=KeyRef.parse(read.key),
            key_style=read.key_style,  # type: ignore[arg-type]  # Endpoint refuses any other
            key_header=read.key_header,
            key_origin=read.key_origin,
            key_set_at=read.key_set_at,
            models=[
                Model(
                    one.name,
                    **{name: getattr(one, name) for name in ModelTable.__struct_fields__ if name != "name"},
                )
                for one in read.models
            ],
            headers={name: _read(value) for name, value in read.headers.items()},
            query={name: _read(value) for name, value in read.query.items()},
            timeouts=Timeouts(**read.timeouts),
            tls=read.tls,
            body=read.body,
            proxy=read.proxy,
        )
    except msgspec.ValidationError as error:
        words, _, path = str(error).partition(" - at ")
        field = path.strip("`").removeprefix("$").lstrip(".")
        problem = f"{words[0].lower()}{words[1:]}"
    except EndpointError as error:
        field, problem = _FIELD_OF.get(error.code, ""), str(error)
    except (TypeError, ValueError) as error:
        field, problem = "timeouts", str(error)
    place = f"{where}, line {_line(text, number, field)}"
    name = f", field {field}" if field else ""
    raise BookError(f"{place}{name}: {problem}", code="book_broken")


_FIELD_OF: Final = {
    "key_literal": "key",
    "key_reference_invalid": "key",
    "label_missing": "label",
    "label_too_long": "label",
    "label_invalid": "label",
    "key_header_unexpected": "key_header",
    "model_twice": "models",
}


def _line(text: str, number: int, field: str) -> int:
    """Line of a field in the n-th endpoint table, or of the table itself; counted from 1."""
    starts = [found.end() for found in _TABLE.finditer(text)]
    if number >= len(starts):
        return 1
    start, end = starts[number], starts[number + 1] if number + 1 < len(starts) else len(text)
    name = re.match(r"\w*", field)
    found = (
        re.search(rf"^\s*{name.group()}\b", text[start:end], re.MULTILINE) if name and name.group() else None
    )
    at = start + (found.end() if found else 0)
    return text.count("\n", 0, at) + 1


def _refuse_twins(endpoints: Sequence[Endpoint], where: str) -> None:
    for field in ("label", "config_key"):
        values = [getattr(one, field) for one in endpoints]
        if twice := next((value for value in values if values.count(value) > 1), None):
            raise BookError(
                f"{where}: two endpoints have the {field} {twice!r}; change one", code="book_broken"
            )


def _without_empty(value: dict[str, Any]) -> dict[str, Any]:
    """The same without the tables that say nothing."""
    kept = {
        name: _without_empty(entry) if isinstance(entry, dict) else entry for name, entry in value.items()
    }
    for name, entry in kept.items():
        if isinstance(entry, list):
            kept[name] = [_without_empty(one) if isinstance(one, dict) else one for one in entry]
    return {name: entry for name, entry in kept.items() if entry != {}}


def _written(value: str | KeyRef) -> Extra:
    return value if isinstance(value, str) else {"from": str(value)}


def _read(value: Extra) -> str | KeyRef:
    return value if isinstance(value, str) else KeyRef.parse(value.get("from", ""))


def _merge(table: Any, wanted: Mapping[str, Any], known: Sequence[str]) -> None:
    """Make `table` say `wanted`: change what differs, take out known fields that are gone, leave the rest alone."""
    for name in known:
        if name in table and name not in wanted:
            del table[name]
    for name, value in wanted.items():
        if name == "models":
            _merge_models(table, value)
        elif name not in table or _plain(table[name]) != value:
            table[name] = value


def _merge_models(table: Any, wanted: Sequence[Mapping[str, Any]]) -> None:
    """The same for the models of an endpoint, each found by its config_key."""
    before = {one.get("config_key"): one for one in table.get("models", [])}
    if [_plain(one) for one in table.get("models", [])] == list(wanted):
        return
    models = tomlkit.aot()
    for entry in wanted:
        model = before.get(entry["config_key"], tomlkit.table())
        _merge(model, entry, known=ModelTable.__struct_fields__)
        models.append(model)
    table["models"] = models


def _plain(item: Any) -> Any:
    return item.unwrap() if hasattr(item, "unwrap") else item
