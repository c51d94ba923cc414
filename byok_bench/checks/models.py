"""Rules about the list of models, GET /models."""

from collections.abc import Iterator
from typing import Any, Final

from byok_bench.checks.finding import ERROR, WARN, Hit
from byok_bench.checks.registry import check
from byok_bench.checks.seen import Seen
from byok_bench.dialects.error_body import holds_error

_NOT_SERVED: Final = (404, 405, 501)


@check("models.shape", ERROR, applies_to="models")
def shape(seen: Seen) -> Iterator[Hit]:
    """Return data as an array of models.

    Rule: GET /models is answered with 200 and a JSON object whose data is an array of objects, each with a
    non-empty string id. An answer that says why it failed (a wrong key, an overload) is not judged.
    Why: discovery finds nothing.
    Seen in: vllm-project/router#134; exo-explore/exo#590
    """
    if seen.status in _NOT_SERVED:
        yield Hit(f"the list is not served: status {seen.status}")
        return
    if not seen.succeeded or holds_error(seen.document) or seen.raw.end in ("reset", "stall", "limit"):
        return
    document = seen.document
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, list):
        yield Hit("the answer is no JSON object with an array data")
        return
    for position, item in enumerate(data):
        if not _id(item):
            yield Hit(f"item {position} is no object with a non-empty string id")


@check("models.object", WARN, applies_to="models")
def labels(seen: Seen) -> Iterator[Hit]:
    """Label the list and its items.

    Rule: object says list at the top, and model in each item.
    Why: BoltAI and Rust clients with static types turn the list down.
    Seen in: mostlygeek/llama-swap#154; dongri/openai-api-rs#175
    """
    data = _data(seen)
    if data is None:
        return
    if seen.document.get("object") != "list":
        yield Hit(f"object is {str(seen.document.get('object'))[:40]!r}, not 'list'")
    for position, item in enumerate(data):
        if isinstance(item, dict) and item.get("object") != "model":
            yield Hit(f"object of item {position} is {str(item.get('object'))[:40]!r}, not 'model'")


@check("models.empty", WARN, applies_to="models")
def empty(seen: Seen) -> Iterator[Hit]:
    """List what can be served.

    Rule: data lists at least one model, and no id twice.
    Why: a server that loads models on demand looks empty to clients.
    Seen in: madroidmaq/mlx-omni-server#130
    """
    data = _data(seen)
    if data is None:
        return
    if not data:
        yield Hit("no model is listed")
    known: set[str] = set()
    for item in data:
        name = _id(item)
        if name and name in known:
            yield Hit(f"{name[:80]!r} is listed twice")
        known.add(name)


@check("models.contains", WARN, applies_to="models")
def contains(seen: Seen) -> Iterator[Hit]:
    """List the model in use.

    Rule: the model name that requests use is in data, exactly or as an alias that an item lists.
    Why: pickers cannot select it.
    Seen in: abdulmominsakib/localmind#11
    """
    data, model = _data(seen), seen.exchange.model
    names = {name for item in data or () for name in _names(item)}
    if model and names and model not in names:
        yield Hit(f"{model[:80]!r} is not among the models listed")


def _data(seen: Seen) -> list[Any] | None:
    """The array of models; None if there is none to judge."""
    document = seen.document
    data = document.get("data") if seen.succeeded and isinstance(document, dict) else None
    return data if isinstance(data, list) else None


def _id(item: object) -> str:
    found = item.get("id") if isinstance(item, dict) else None
    return found if isinstance(found, str) else ""


def _names(item: object) -> list[str]:
    """The id of an item and its aliases."""
    aliases = item.get("aliases", item.get("alias")) if isinstance(item, dict) else None
    listed = aliases if isinstance(aliases, list) else [aliases]
    return [name for name in (_id(item), *listed) if isinstance(name, str) and name]
