"""What one model changes in the requests of its endpoint: dialect, headers, extra members, names of members.

The one place where a body is altered on its way out: what is recorded is what was sent. Nothing is looked up here.
Rules: docs/endpoints.md, section "Models".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.extra_fields import Extras, has_key_mark, merge_headers
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model, Schema


def narrow_endpoint(endpoint: Endpoint, name: str) -> Endpoint:
    """The endpoint as requests to the model of this name see it; itself where the model changes nothing of it."""
    model = find_named_model(endpoint, name)
    if model is None or not (model.schema or model.headers or model.body):
        return endpoint
    return replace(
        endpoint,
        schema=model.schema or endpoint.schema,
        headers=merge_headers(endpoint.headers, model.headers),
        body={**endpoint.body, **model.body},
    )


def find_schema(endpoint: Endpoint, name: str) -> Schema:
    """The dialect in which the model of this name is asked."""
    model = find_named_model(endpoint, name)
    return (model.schema if model else None) or endpoint.schema


def find_named_model(endpoint: Endpoint, name: str) -> Model | None:
    """The model with exactly this name, as a request names it."""
    return next((model for model in endpoint.models if model.name == name), None)


def rename_model(endpoint: Endpoint, name: str, new: str) -> Endpoint:
    """The endpoint with the model under another name, all else of its requests being the same."""
    return replace(endpoint, models=[replace(one, name=new) if one.name == name else one for one in endpoint.models])


def remove_key(endpoint: Endpoint) -> Endpoint:
    """The endpoint without its key, and without the headers that the key stands in."""
    return replace(
        endpoint,
        key=KeyRef.none(),
        headers=_remove_marked(endpoint.headers),
        models=[replace(one, headers=_remove_marked(one.headers)) for one in endpoint.models],
    )


def _remove_marked(headers: Extras) -> dict[str, str | KeyRef]:
    return {name: value for name, value in headers.items() if not has_key_mark(value)}


def change_body(body: Mapping[str, Any], model: Model | None) -> dict[str, Any]:
    """The body without what the model must not be sent, and with members under the names that it wants.

    A member that is there under the new name already stays as it is, and the old one goes.
    """
    if model is None or not (model.drop or model.rename):
        return dict(body)
    kept = dict(body)
    for path in model.drop:
        kept = _drop_member(kept, path.split("."))
    return {model.rename.get(name, name): value for name, value in kept.items() if model.rename.get(name) not in kept}


def _drop_member(body: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """The same without the member at `path`; an object that only held it stays, empty."""
    name, *rest = path
    if not rest:
        return {key: value for key, value in body.items() if key != name}
    inside = body.get(name)
    return {**body, name: _drop_member(inside, rest)} if isinstance(inside, dict) else body
