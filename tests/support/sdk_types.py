"""Objects of a server held against the types of the OpenAI and Anthropic SDKs: nothing missing, nothing of another
type, nothing that the types do not know."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pydantic
from anthropic.types import Message, MessageTokensCount, ModelInfo, RawMessageStreamEvent
from anthropic.types.shared import ErrorResponse
from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.shared import ErrorObject

from byok_bench.backends.simulator.reply import DONE, Reply, encode_compact_json

_EXTENSIONS = {
    *("reasoning_content", "max_model_len"),
    *("frequency_penalty", "presence_penalty", "store", "bytes"),
}
"""What the simulator adds knowingly: reasoning in chat, vLLM's member of a model, and what Open Responses demands of
a response and of the log probabilities in deltas."""
TYPES: Mapping[str, Any] = {
    "chat": ChatCompletion,
    "chat event": ChatCompletionChunk,
    "responses": Response,
    "responses event": ResponseStreamEvent,
    "messages": Message,
    "messages event": RawMessageStreamEvent,
    "openai model": Model,
    "openai error": ErrorObject,
    "anthropic model": ModelInfo,
    "anthropic error": ErrorResponse,
    "anthropic count": MessageTokensCount,
}


def problems(value: Any, name: str) -> list[str]:
    """What is wrong with an object of this type; judged as JSON, which has no dates of its own."""
    try:
        read = _adapter(name).validate_json(encode_compact_json(value), strict=True)
    except pydantic.ValidationError as error:
        return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return [f"unknown member {path}" for path in _unknown(read) if path.rpartition(".")[2] not in _EXTENSIONS]


def problems_of(reply: Reply, dialect: str) -> list[str]:
    """The same of everything in a reply."""
    if not reply.is_stream:
        return problems(reply.document, dialect)
    # Anthropic documents pings, and its SDK drops them before it looks for a type.
    data = [one.data for one in reply.events or [] if one.data != DONE and one.name != "ping"]
    return [f"{one.get('type', 'chunk')}: {problem}" for one in data for problem in problems(one, f"{dialect} event")]


def _unknown(value: Any, path: str = "") -> Iterator[str]:
    """Members that the type of their object does not have."""
    if isinstance(value, pydantic.BaseModel):
        yield from (f"{path}.{name}" for name in value.model_extra or {})
        for name in type(value).model_fields:
            yield from _unknown(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for one in value:
            yield from _unknown(one, path)


@cache
def _adapter(name: str) -> pydantic.TypeAdapter[Any]:
    """Built once: the types of events are large unions."""
    return pydantic.TypeAdapter(TYPES[name])
