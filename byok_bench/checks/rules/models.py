"""Rules about the list of models, GET /models."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from byok_bench.checks.finding import ERROR, INFO, WARN, Hit
from byok_bench.checks.registry import check
from byok_bench.checks.seen_exchange import SeenExchange
from byok_bench.dialects.failures.envelopes import has_error
from byok_bench.dialects.model_list import find_model_entries, is_wildcard, read_entry_id

_NOT_SERVED: Final = (404, 405, 501)


@check("models.shape", ERROR, applies_to="models")
def shape(seen: SeenExchange) -> Iterator[Hit]:
    """Return data as an array of models.

    Rule: GET /models is answered with 200 and a JSON object whose data is an array of objects, each with a
    non-empty string id. An answer that says why it failed (a wrong key, an overload) is not judged. A bare
    array, an array models, and items that have a name or a model and no id are reported, and still read.
    Why: discovery finds nothing.
    Seen in: vllm-project/router#134; exo-explore/exo#590; songquanpeng/one-api#128
    """
    if seen.status in _NOT_SERVED:
        yield Hit(f"the list is not served: status {seen.status}")
        return
    if not seen.is_success or has_error(seen.document) or seen.raw.end in ("reset", "stall", "limit"):
        return
    document = seen.document
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, list):
        yield Hit(f"the answer is {_describe_document(document)}, no JSON object with an array data")
        return
    for position, item in enumerate(data):
        if not _get_id(item):
            yield Hit(f"item {position} is no object with a non-empty string id")


@check("models.object", WARN, applies_to="models")
def object_labels(seen: SeenExchange) -> Iterator[Hit]:
    """Label the list and its items.

    Rule: object says list at the top, and model in each item. The Messages API's own form is right, too (type model
    in each item, first_id, last_id and has_more at the top). A list without any label is told as info, once.
    Why: BoltAI and Rust clients with static types turn the list down.
    Seen in: mostlygeek/llama-swap#154; dongri/openai-api-rs#175; 0xPlaygrounds/rig tests/cassettes/anthropic/models
    """
    data = _find_data(seen)
    if data is None or _is_of_messages_api(seen.document, data):
        return
    labels = [seen.document.get("object"), *(item.get("object") for item in data if isinstance(item, dict))]
    if all(label is None for label in labels):
        yield Hit(f"neither the list nor one of its {len(data)} items says object", severity=INFO)
        return
    if labels[0] != "list":
        yield Hit(f"object is {str(labels[0])[:40]!r}, not 'list'")
    for position, label in enumerate(labels[1:]):
        if label != "model":
            yield Hit(f"object of item {position} is {str(label)[:40]!r}, not 'model'")


def _is_of_messages_api(document: Mapping[str, Any], data: list[Any]) -> bool:
    """Whether a list has the form that Anthropic documents for GET /models."""
    pages = "has_more" in document and "first_id" in document
    return pages and all(isinstance(item, dict) and item.get("type") == "model" for item in data)


@check("models.empty", WARN, applies_to="models")
def empty(seen: SeenExchange) -> Iterator[Hit]:
    """List what can be served.

    Rule: at least one model is listed, and no id twice.
    Why: a server that loads models on demand looks empty to clients.
    Seen in: madroidmaq/mlx-omni-server#130
    """
    entries = _list_entries(seen)
    if entries is None:
        return
    if not entries:
        yield Hit("no model is listed")
    known: set[str] = set()
    for entry in entries:
        name = read_entry_id(entry)
        if name and name in known:
            yield Hit(f"{name[:80]!r} is listed twice")
        known.add(name)


@check("models.contains", WARN, applies_to="models")
def contains(seen: SeenExchange) -> Iterator[Hit]:
    """List the model in use.

    Rule: the model name that requests use is listed, exactly or as an alias that an item lists. A list with a
    wildcard (`*`, `openai/*`) is not judged: it does not say which models there are.
    Why: pickers cannot select it.
    Seen in: abdulmominsakib/localmind#11; BerriAI/litellm#4903
    """
    model = seen.exchange.model
    names = {name for entry in _list_entries(seen) or () for name in _list_names(entry)}
    if model and names and model not in names and not any(is_wildcard(name) for name in names):
        yield Hit(f"{model[:80]!r} is not among the models listed")


def _find_data(seen: SeenExchange) -> list[Any] | None:
    """The array of models; None if there is none to judge."""
    document = seen.document
    data = document.get("data") if seen.is_success and isinstance(document, dict) else None
    return data if isinstance(data, list) else None


def _list_entries(seen: SeenExchange) -> list[Any] | None:
    """What is listed, in whatever form; None if there is no list to judge."""
    return find_model_entries(seen.document) if seen.is_success and not has_error(seen.document) else None


def _get_id(item: object) -> str:
    found = item.get("id") if isinstance(item, dict) else None
    return found if isinstance(found, str) else ""


def _list_names(entry: object) -> list[str]:
    """What an entry is asked for by, and its aliases."""
    aliases = entry.get("aliases", entry.get("alias")) if isinstance(entry, dict) else None
    listed = aliases if isinstance(aliases, list) else [aliases]
    own = read_entry_id(entry)
    known = (own, own.removeprefix("models/"), *listed)  # Google's ids are paths, and asked for without
    return [name for name in known if isinstance(name, str) and name]


def _describe_document(document: object) -> str:
    if isinstance(document, list):
        return "a bare array"
    other = isinstance(document, dict) and isinstance(document.get("models"), list)
    return "an object with an array models" if other else "something else"
