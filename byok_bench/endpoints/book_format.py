"""The text of an endpoint book: TOML version 1 → endpoints, or a refusal that names line and field.

No files and no locks in here; what is written back is in book_edits.py. A refusal shows no value of the file,
since any of them may be a key. Rules: docs/endpoints.md, section "The book".
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import msgspec
import tomlkit
from msgspec.structs import replace
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError

from byok_bench.endpoints.book_tables import EndpointTable, Extra, ModelTable, TimeoutsTable
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.entered_text import RETENTION_UNKNOWN, trim_ends
from byok_bench.endpoints.key_literals import find_literal_key
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model
from byok_bench.errors import BookError, EndpointError, strip_traceback
from byok_bench.wire.bodies.content_coding import IDENTITY
from byok_bench.wire.limits import Timeouts

BOOK_VERSION: Final = 1

_TABLE: Final = re.compile(r"^[ \t]*\[\[\s*endpoint\s*\]\]", re.MULTILINE)
_MODEL: Final = re.compile(r"^[ \t]*\[\[\s*endpoint\s*\.\s*models\s*\]\]", re.MULTILINE)
_INLINE: Final = re.compile(r"^endpoint[ \t]*=", re.MULTILINE)
_QUOTED: Final = re.compile(r"'[^']*'")
_TYPE: Final = re.compile(r"`(\w+)`")
_TYPES: Final = {
    "array": "a list", "bool": "true or false", "datetime": "a date and time", "float": "a number",
    "int": "a whole number", "object": "a table", "str": "text",
}  # fmt: skip
"""What msgspec calls a type → what TOML's reader calls it."""
_KEY_MOVES: Final = (
    'a key is written out here. Put it into an environment variable and name that (key = "env:NAME"), or into the '
    "keyring with `byok-bench endpoints edit LABEL --key-stdin`, and take it out of the file"
)
_URL_KEY_MOVES: Final = "the address holds a credential: take it out of the URL, a key has a field of its own"
_EXTRA_FORM: Final = 'write text, or { from = "env:NAME" } for a secret'
_FIELD_OF: Final = {
    "accept_encoding_invalid": "accept_encoding",
    "config_key_invalid": "config_key",
    "key_header_invalid": "key_header",
    "key_header_unexpected": "key_header",
    "key_literal": "key",
    "key_reference_invalid": "key",
    "key_style_invalid": "key_style",
    "label_invalid": "label",
    "label_missing": "label",
    "label_too_long": "label",
    "model_twice": "models",
    "client_certificate_invalid": "tls.key_file",
    "no_proxy_invalid": "no_proxy",
    "price_invalid": "price",
    "retention_invalid": "retention",
}
"""Code of an EndpointError → the field it is about."""
_MODEL_FIELD_OF: Final = {
    "drop_invalid": "drop",
    "echo_reasoning_invalid": "echo_reasoning",
    "extra_field_invalid": "headers",
    "label_invalid": "alias",
    "label_too_long": "alias",
    "max_output_invalid": "max_output_tokens",
    "model_invalid": "name",
    "rename_invalid": "rename",
    "schema_invalid": "schema",
    "window_invalid": "context_window_tokens",
}
"""The same for the field of a model."""


_OWN: Final = frozenset(EndpointTable.__struct_fields__)


class _Wrong(Exception):
    """What is wrong with one field, before file and line are known."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


def parse_book(text: str, where: str) -> tuple[TOMLDocument, list[Endpoint]]:
    """The document and its endpoints. Raises BookError, which names `where`, line and field, and shows no value."""
    try:
        return _parse_document(text, where)
    except BookError as error:
        problem = strip_traceback(error)
    del text
    raise problem


def _parse_document(text: str, where: str) -> tuple[TOMLDocument, list[Endpoint]]:
    try:
        document = tomlkit.parse(text)
        plain = document.unwrap()
    except (TOMLKitError, RecursionError) as error:
        line = getattr(error, "line", None)
        problem = f"{where}{f', line {line}' if line else ''}: this is not TOML; mend that line by hand"
        raise BookError(problem, code="book_broken") from None
    check_version(plain, where)
    _refuse_literal_elsewhere(plain, text, where)
    tables = plain.get("endpoint", [])
    if not isinstance(tables, list):
        raise BookError(f"{where}: `endpoint` must be a list, written as [[endpoint]]", code="book_broken")
    endpoints = [_read_table(table, number, text, where) for number, table in enumerate(tables)]
    _refuse_twins(endpoints, text, where)
    return document, endpoints


def check_version(plain: Mapping[str, Any], where: str) -> None:
    """Refuse a file of another version, whole."""
    version = plain.get("version", BOOK_VERSION if not plain else None)
    if isinstance(version, int) and version > BOOK_VERSION:
        raise BookError(
            f"{where} is of version {version}; this byok-bench reads version {BOOK_VERSION}. Update byok-bench; "
            "the file was not touched",
            code="book_newer",
        )
    if version != BOOK_VERSION or isinstance(version, bool):
        raise BookError(f"{where}: the file must begin with `version = {BOOK_VERSION}`", code="book_version")


def _refuse_literal_elsewhere(plain: Mapping[str, Any], text: str, where: str) -> None:
    """Other programs may keep their tables in the file, but no key."""
    others = {name: value for name, value in plain.items() if name != "endpoint"}
    if field := find_literal_key(others):
        name = re.escape(field.rpartition(".")[2])
        at = re.search(rf"^[^\n=]*\b{name}\b", text, re.MULTILINE)
        line = text.count("\n", 0, at.start()) + 1 if at else 1
        raise BookError(f"{where}, line {line}, field {field}: {_KEY_MOVES}", code="book_broken")


def choose_config_key(written: str | None, *names: str) -> str:
    """The config_key in the file, else a UUIDv4 made of `names`: the same at every reading."""
    if written:
        return written
    digest = sha256("\0".join(trim_ends(name) for name in names).encode(errors="replace")).digest()
    return str(UUID(bytes=digest[:16], version=4))


def refuse_literal_keys(table: Mapping[str, Any]) -> None:
    """Raise EndpointError if any text of an endpoint's table looks like a key; the field is named alone."""
    if field := find_literal_key(table, _OWN):
        raise EndpointError(
            f"field {field}: {_URL_KEY_MOVES if field == 'base_url' else _KEY_MOVES}", code="key_literal"
        )


def _read_table(table: Any, number: int, text: str, where: str) -> Endpoint:
    """One endpoint of the file, or a BookError that says where it is wrong."""
    try:
        return _make_endpoint(table)
    except _Wrong as wrong:
        field, problem = wrong.field, str(wrong)
    name = f", field {field}" if field else ""
    raise BookError(f"{where}, line {find_field_line(text, number, field)}{name}: {problem}", code="book_broken")


def read_endpoint_table(table: Mapping[str, Any]) -> Endpoint:
    """An endpoint out of a table of the book's form that stands elsewhere. Raises EndpointError, which names the field
    and shows no value.
    """
    try:
        return _make_endpoint(table)
    except _Wrong as wrong:
        problem = f"{wrong.field}: {wrong}" if wrong.field else str(wrong)
    raise EndpointError(problem, code="field_invalid")


def _make_endpoint(table: Any) -> Endpoint:
    try:
        refuse_literal_keys(table if isinstance(table, Mapping) else {})
        _refuse_odd_extras(table)
        read = msgspec.convert(table, EndpointTable)
        config_key = choose_config_key(read.config_key, read.label)
        return Endpoint(
            label=read.label,
            config_key=config_key,
            base_url=read.base_url,
            schema=read.schema,
            key=KeyRef.parse(read.key),
            key_style=read.key_style,  # type: ignore[arg-type]  # Endpoint refuses any other
            key_header=read.key_header,
            key_origin=read.key_origin,
            key_set_at=read.key_set_at,
            models=[_make_model(one, number, config_key) for number, one in enumerate(read.models)],
            headers=_read_extras("headers", read.headers),
            query=_read_extras("query", read.query),
            timeouts=_make_timeouts(read.timeouts),
            tls=read.tls,
            body=read.body,
            proxy=read.proxy,
            no_proxy=read.no_proxy,
            retention=read.retention or RETENTION_UNKNOWN,
            accept_encoding=read.accept_encoding or IDENTITY,
            transport=read.transport or "own",
        )
    except msgspec.ValidationError as error:
        words, _, path = str(error).partition(" - at ")
        words = _QUOTED.sub("", words).replace("  ", " ").strip()  # the quoted part is the value
        problem = _TYPE.sub(lambda found: _TYPES.get(found[1], found[0]), f"{words[0].lower()}{words[1:]}")
        field = path.strip("`").removeprefix("$").lstrip(".") or _find_missing_field(words)
    except EndpointError as error:
        field, _, problem = (
            str(error).removeprefix("field ").partition(": ")
            if error.code == "key_literal" and str(error).startswith("field ")
            else (_FIELD_OF.get(error.code) or _find_extra_field(str(error)), "", str(error))
        )
    raise _Wrong(field, problem)


def _make_model(read: ModelTable, number: int, endpoint_key: str) -> Model:
    given = {name: getattr(read, name) for name in ModelTable.__struct_fields__ if name != "name"}
    given["config_key"] = choose_config_key(read.config_key, endpoint_key, read.name or str(number))
    given["headers"] = _read_extras(f"models[{number}].headers", read.headers)
    try:
        return Model(read.name, **given)
    except EndpointError as error:
        field, problem = _MODEL_FIELD_OF.get(error.code, ""), str(error)
    raise _Wrong(f"models[{number}].{field}".rstrip("."), problem)


def _refuse_odd_extras(table: Any) -> None:
    """Raise _Wrong with the name of a header or query field that is neither text nor a reference."""
    if not isinstance(table, Mapping):
        return
    models = table.get("models")
    places = {field: table.get(field) for field in ("headers", "query")} | {
        f"models[{number}].headers": model.get("headers")
        for number, model in enumerate(models if isinstance(models, list) else ())
        if isinstance(model, Mapping)
    }
    for field, values in places.items():
        for name, value in values.items() if isinstance(values, Mapping) else ():
            if not isinstance(value, (str, Mapping)):
                raise _Wrong(f"{field}.{name}", _EXTRA_FORM)


def _read_extras(field: str, values: Mapping[str, Extra]) -> dict[str, str | KeyRef]:
    read: dict[str, str | KeyRef] = {}
    for name, value in values.items():
        try:
            read[name] = value if isinstance(value, str) else KeyRef.parse(value.get("from", ""))
        except EndpointError:
            raise _Wrong(f"{field}.{name}", _EXTRA_FORM) from None
    return read


def _make_timeouts(read: TimeoutsTable) -> Timeouts:
    found = Timeouts()
    for name in TimeoutsTable.__struct_fields__:
        if (seconds := getattr(read, name)) is None:
            continue
        try:
            found = replace(found, **{name: seconds})
            continue
        except ValueError as error:
            problem = str(error)
        raise _Wrong(f"timeouts.{name}", problem)
    return found


def _find_missing_field(words: str) -> str:
    found = re.search(r"required field `(\w+)`", words)
    return found.group(1) if found else ""


def _find_extra_field(problem: str) -> str:
    """headers or query, as the words of the refusal begin."""
    if problem.startswith("query"):
        return "query"
    return "headers" if "header" in problem else ""


def find_field_line(text: str, number: int, field: str) -> int:
    """Line of a field in the n-th endpoint table, or of the table itself; counted from 1."""
    starts = [found.start() for found in _TABLE.finditer(text)]
    if number >= len(starts):  # written inline: `endpoint = [{ … }]`
        inline = _INLINE.search(text)
        return text.count("\n", 0, inline.start()) + 1 if inline else 1
    start, end = starts[number], starts[number + 1] if number + 1 < len(starts) else len(text)
    if inside := re.match(r"models\[(\d+)\]\.?(.*)", field):
        models = [found.start() for found in _MODEL.finditer(text, start, end)]
        at = int(inside.group(1))
        if at < len(models):
            start, end = models[at], models[at + 1] if at + 1 < len(models) else end
            field = inside.group(2)
    for name in reversed(re.findall(r"[\w-]+", field)):
        key = re.escape(name)
        lines = rf'^[ \t]*(?:"?{key}"?[ \t]*[.=]|[\w"]+\.(?:[\w"-]+\.)*"?{key}"?[ \t]*=|\[+[^\]\n]*\b{key}\s*\])'
        if found := re.compile(lines, re.MULTILINE).search(text, start, end):
            start = found.start()
            break
    return text.count("\n", 0, start) + 1


def _refuse_twins(endpoints: Sequence[Endpoint], text: str, where: str) -> None:
    for field in ("label", "config_key"):
        values = [getattr(one, field) for one in endpoints]
        for number, value in enumerate(values):
            if value in values[:number]:
                raise BookError(
                    f"{where}, line {find_field_line(text, number, field)}, field {field}: "
                    "another endpoint above has the same; change one",
                    code="book_broken",
                )
