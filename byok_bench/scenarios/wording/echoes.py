"""The reasoning of an answer as it came, to be sent back: members of a message, blocks, items. As received, whole.

Chat: the members that held it. Messages: the blocks, of which thinking ones count only with their signature.
Responses: the output items, of which reasoning ones count only if they can be read again without a store.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from byok_bench.dialects.exchange import Exchange
from byok_bench.wire.bodies import bounded_json
from byok_bench.wire.bodies.bounded_json import Malformed

_TEXT_MEMBERS: Final = ("reasoning_content", "reasoning", "reasoning_text", "thinking", "thought")
"""Members of chat that hold reasoning as text: the names in the wild (docs/checks/reasoning.field.md)."""
_APPENDED: Final = ("text", "summary", "data", "thinking", "partial_json")
"""Members of a part that come in pieces."""


def read_chat_reasoning(exchange: Exchange) -> dict[str, Any]:
    """The members of the assistant's message that held reasoning."""
    texts: dict[str, str] = {}
    details: list[dict[str, Any]] = []
    for message in _iterate_chat_messages(exchange):
        for name in _TEXT_MEMBERS:
            if isinstance(piece := message.get(name), str) and piece:
                texts[name] = texts.get(name, "") + piece
        for part in message.get("reasoning_details") or ():
            if isinstance(part, dict):
                _add_detail(details, part)
    return texts | ({"reasoning_details": details} if details else {})


def _iterate_chat_messages(exchange: Exchange) -> Iterator[Mapping[str, Any]]:
    """The message of choice 0, whole or delta by delta."""
    for document in _iterate_documents(exchange):
        choices = document.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and choice.get("index", 0) in (0, None):
                said = choice.get("delta") or choice.get("message")
                if isinstance(said, dict):
                    yield said


def _add_detail(details: list[dict[str, Any]], part: dict[str, Any]) -> None:
    """Pieces of one detail are one: those of the same type and index (OpenRouter streams them so)."""
    place = (part.get("type"), part.get("index"))
    known = next((one for one in details if (one.get("type"), one.get("index")) == place), None)
    if known is None or part.get("index") is None:
        details.append(dict(part))
        return
    for name, value in part.items():
        if name in _APPENDED and isinstance(value, str):
            known[name] = (known.get(name) or "") + value
        elif value is not None:
            known[name] = value


def read_message_blocks(exchange: Exchange) -> list[dict[str, Any]]:
    """The content blocks of a message, in order; a thinking block without its signature is left out."""
    blocks: dict[int, dict[str, Any]] = {}
    for document in _iterate_documents(exchange):
        match document:
            case {"type": "content_block_start", "index": int(index), "content_block": dict(block)}:
                blocks[index] = dict(block)
            case {"type": "content_block_delta", "index": int(index), "delta": dict(delta)} if index in blocks:
                _add_block_delta(blocks[index], delta)
            case {"content": list(whole)}:
                blocks = {number: dict(block) for number, block in enumerate(whole) if isinstance(block, dict)}
    return [block for block in blocks.values() if block.get("type") != "thinking" or block.get("signature")]


def _add_block_delta(block: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for name in ("thinking", "text", "signature"):
        if isinstance(piece := delta.get(name), str):
            block[name] = (block.get(name) or "") + piece


def read_output_items(exchange: Exchange) -> list[dict[str, Any]]:
    """The output items of a response, in order, without members that are null."""
    items: list[Any] = []
    for document in _iterate_documents(exchange):
        match document:
            case {"type": "response.output_item.done", "item": dict(item)}:
                items.append(item)
            case {"response": {"output": list(whole)}} | {"output": list(whole)} if whole:
                items = list(whole)
    found = [{name: value for name, value in item.items() if value is not None} for item in items if _is_item(item)]
    return [
        item for item in found if item["type"] != "reasoning" or item.get("encrypted_content") or item.get("content")
    ]


def _is_item(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("type"), str)


def _iterate_documents(exchange: Exchange) -> Iterator[dict[str, Any]]:
    """The JSON objects of an answer: its one document, or the data of each event."""
    if not exchange.events:
        document = exchange.reading.body.document
        if isinstance(document, dict):
            yield document
        return
    for event in exchange.events:
        value = bounded_json.decode_json(event.data)
        if not isinstance(value, Malformed) and isinstance(value, dict):
            yield value
