"""What `custom_model_endpoint` says of the model itself: optional members that change or explain its requests.

The shape is in custom_model_endpoint.v1.json. A client that says none of them means what it always meant.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model, Price

MODEL_MEMBERS: Final = ("max_output_tokens", "effort", "echo_reasoning", "drop", "rename", "price")
"""Members that are fields of a model by the same name."""


def encode_model_members(endpoint: Endpoint, model: Model) -> dict[str, Any]:
    """The members of a narrowed endpoint's model that say something."""
    usual = Model(model.name)
    said = {name: getattr(model, name) for name in MODEL_MEMBERS if getattr(model, name) != getattr(usual, name)}
    if endpoint.body:
        said["body"] = endpoint.body
    plain: dict[str, Any] = _as_lists(msgspec.to_builtins(said))
    return plain


def _as_lists(value: Any) -> Any:
    """The same with every tuple as the list that JSON makes of it: a document may be read where it was written."""
    if isinstance(value, dict):
        return {name: _as_lists(one) for name, one in value.items()}
    return [_as_lists(one) for one in value] if isinstance(value, list | tuple) else value


def decode_model(document: Mapping[str, Any]) -> Model:
    """The model of a document that has the right shape. Raises EndpointError for a field that cannot be."""
    said = {name: document[name] for name in MODEL_MEMBERS if name in document}
    if "price" in said:
        said["price"] = msgspec.convert(said["price"], Price)
    return Model(document["model"], body=document.get("body", {}), **said)
