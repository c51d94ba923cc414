"""Two writers of one endpoint: what one changed is laid over what the other has stored meanwhile.

A merge of three: what is stored now, what a writer knew when it began, what it wants. Whatever a writer left as it
was stays as it is stored; where both changed one place, the later writer wins. Tables are merged name by name, models
by their config_key, lists of names as sets. Rules: docs/endpoints.md, section "The book".
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from msgspec.structs import replace

from byok_bench.endpoints.endpoint import Endpoint, Tls
from byok_bench.endpoints.model import DeclaredCapabilities, Model, Price
from byok_bench.wire.limits import Timeouts

_Record = TypeVar("_Record", bound=msgspec.Struct)
_MERGED_STRUCTS: Final = (Tls, Timeouts, Price, DeclaredCapabilities)
"""Records whose fields are changed one by one; any other, such as a reference to a key, is one value."""


def merge_edits(stored: Endpoint, known: Endpoint, wanted: Endpoint) -> Endpoint:
    """`stored`, with what `wanted` changed of `known`. Raises EndpointError if the two do not go together."""
    return _merge_fields(stored, known, wanted)


def _merge_fields(stored: _Record, known: _Record, wanted: _Record) -> _Record:
    fields = {}
    for name in wanted.__struct_fields__:
        merge = _merge_models if name == "models" else _merge_values
        fields[name] = merge(getattr(stored, name), getattr(known, name), getattr(wanted, name))
    return replace(stored, **fields)


def _merge_values(stored: Any, known: Any, wanted: Any) -> Any:
    if wanted == known:
        return stored
    if stored == known:
        return wanted
    three = (stored, known, wanted)
    if any(all(isinstance(one, kind) for one in three) for kind in _MERGED_STRUCTS):
        return _merge_fields(*three)
    if all(isinstance(one, Mapping) for one in three):
        return _merge_tables(*three)
    if all(isinstance(one, tuple) for one in three):
        return _merge_names(*three)
    return wanted


def _merge_tables(stored: Mapping[str, Any], known: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(stored)
    for name in dict.fromkeys((*known, *wanted)):
        if name not in wanted:
            merged.pop(name, None)
        elif name not in known or wanted[name] != known[name]:
            merged[name] = _merge_values(stored.get(name), known.get(name), wanted[name])
    return merged


def _merge_names(stored: Sequence[str], known: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    kept = [name for name in stored if name in wanted or name not in known]
    return tuple(dict.fromkeys((*kept, *(name for name in wanted if name not in known))))


def _merge_models(stored: Sequence[Model], known: Sequence[Model], wanted: Sequence[Model]) -> list[Model]:
    """Each model merged; one that both added by one name is one, and one that was changed here outlives its removal."""
    now, before, after = ({one.config_key: one for one in models} for models in (stored, known, wanted))
    twins = {one.name: one.config_key for one in stored if one.config_key not in before}
    merged = {}
    for key, model in now.items():
        if key not in before:
            merged[key] = model
        elif key in after:
            merged[key] = _merge_fields(model, before[key], after[key])
    for key, model in after.items():
        if key in before:
            if key not in now and model != before[key]:
                merged[key] = model
            continue
        twin = twins.get(model.name, key)
        empty = Model(model.name, config_key=twin)
        merged[twin] = _merge_fields(now.get(twin, empty), empty, replace(model, config_key=twin))
    return [merged[key] for key in _order_models(list(now), list(before), list(after), list(merged))]


def _order_models(now: list[str], before: list[str], after: list[str], merged: list[str]) -> list[str]:
    """The order of the writer that moved models, else the stored one; new ones come last."""
    is_moved = [key for key in before if key in after] != [key for key in after if key in before]
    order = dict.fromkeys((*(after if is_moved else now), *merged))
    return [key for key in order if key in merged]
