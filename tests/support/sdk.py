"""What a user of the OpenAI Python SDK makes of a stream: the loop of its documentation, and its `stream()` helpers.

Nothing of ours reads here; `ours` brings our reading into the same form. A `Seen` keeps what was put together before
an exception, and the exception's own words.
"""

import inspect
import warnings
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import openai
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import Choice

from byok_bench.dialects.output import Output

RAISES = (
    openai.OpenAIError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    RuntimeError,
    AssertionError,
)
"""What reading a stream was seen to raise; whatever else comes is a failure of the test."""
PATIENCE_S = 30.0
COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


@dataclass
class Call:
    """A tool call as the loop puts it together."""

    id: str | None = None
    name: str = ""
    arguments: str = ""


@dataclass
class Seen:
    """Choice 0 as the user has it in the end."""

    text: str = ""
    refusal: str = ""
    calls: list[Call] = field(default_factory=list)
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None
    error: str | None = None
    """`Type: message` of the exception that ended it."""
    warned: bool = False
    """Whether a UserWarning was shown on the way."""
    elsewhere: str | None = None
    """The other host that the request was about to go to, where it was stopped."""


Read = Callable[[openai.AsyncOpenAI, Mapping[str, Any], Seen], Coroutine[Any, Any, None]]


async def seen_by(
    read: Read, base_url: str, body: Mapping[str, Any], *, key: str = "sk-none", timeout: float = PATIENCE_S
) -> Seen:
    """One request of a new client, without retries; an exception is part of what is seen. `timeout`: s, a read.

    Certificates are not loaded, which takes 50 ms a client and which loopback has no use for; a request that would
    leave this machine is stopped.
    """
    seen = Seen()

    async def stop_elsewhere(request: httpx2.Request) -> None:
        if request.url.host != "127.0.0.1":
            seen.elsewhere = request.url.host
            raise httpx2.ConnectError("stopped on its way to another host")

    async with openai.AsyncOpenAI(
        base_url=base_url,
        api_key=key,
        max_retries=0,
        timeout=timeout,
        http_client=openai.DefaultAsyncHttpxClient(
            verify=False, trust_env=False, event_hooks={"request": [stop_elsewhere]}
        ),
    ) as sdk:
        with warnings.catch_warnings(record=True) as shown:
            warnings.simplefilter("always", UserWarning)
            try:
                await read(sdk, body, seen)
            except RAISES as error:
                seen.error = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        seen.warned = bool(shown)
    return seen


def ours(output: Output) -> Seen:
    """Our own reading in the same form."""
    return Seen(
        text=output.text,
        refusal=output.refusal,
        calls=[Call(call.id, call.name, call.arguments) for call in output.tool_calls],
        finish_reason=output.finish_reason,
        usage=_counts(output.usage),
    )


async def chat_loop(sdk: openai.AsyncOpenAI, body: Mapping[str, Any], seen: Seen) -> None:
    """`async for chunk in stream`: text is added up, calls are put together by their index."""
    calls: dict[int, Call] = {}
    async for chunk in await sdk.chat.completions.create(**_keywords(sdk.chat.completions.create, body)):
        _add(seen, calls, chunk)


async def chat_helper(sdk: openai.AsyncOpenAI, body: Mapping[str, Any], seen: Seen) -> None:
    """`client.chat.completions.stream()` and `get_final_completion()`."""
    asked = {name: value for name, value in body.items() if name != "stream"}
    async with sdk.chat.completions.stream(**_keywords(sdk.chat.completions.stream, asked)) as stream:
        final = await stream.get_final_completion()
    choice = [choice for choice in final.choices if choice.index == 0][0]  # noqa: RUF015 - as users write it
    seen.text, seen.refusal = choice.message.content or "", choice.message.refusal or ""
    seen.calls = [
        Call(call.id, call.function.name or "", call.function.arguments or "")
        for call in choice.message.tool_calls or ()
    ]
    seen.finish_reason, seen.usage = choice.finish_reason, _counts(final.usage)


async def responses_loop(sdk: openai.AsyncOpenAI, body: Mapping[str, Any], seen: Seen) -> None:
    """`async for event in stream`: text deltas are added up, calls and usage are those of the last event."""
    async for event in await sdk.responses.create(**_keywords(sdk.responses.create, body)):
        if event.type == "response.output_text.delta":
            seen.text += event.delta
        elif event.type == "response.refusal.delta":
            seen.refusal += event.delta
        elif event.type in ("response.completed", "response.incomplete"):
            _close(seen, event.response)


async def responses_helper(sdk: openai.AsyncOpenAI, body: Mapping[str, Any], seen: Seen) -> None:
    """`client.responses.stream()` and `get_final_response()`."""
    asked = {name: value for name, value in body.items() if name != "stream"}
    async with sdk.responses.stream(**_keywords(sdk.responses.stream, asked)) as stream:
        final = await stream.get_final_response()
    seen.text = final.output_text
    _close(seen, final)


READERS: Mapping[str, Mapping[str, Read]] = {
    "chat": {"loop": chat_loop, "helper": chat_helper},
    "responses": {"loop": responses_loop, "helper": responses_helper},
}
"""Schema → name → way of reading."""


def _close(seen: Seen, response: Any) -> None:
    items = [item for item in response.output if item.type == "function_call"]
    seen.calls = [Call(item.call_id, item.name, item.arguments) for item in items]
    if (usage := response.usage) is not None:
        seen.usage = dict(zip(COUNTS, (usage.input_tokens, usage.output_tokens, usage.total_tokens), strict=True))


def _keywords(method: Callable[..., Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """A body as arguments; what the method has no parameter for goes into `extra_body`, as documented."""
    known = inspect.signature(method).parameters
    extra = {name: value for name, value in body.items() if name not in known}
    return {name: value for name, value in body.items() if name in known} | {"extra_body": extra}


def _add(seen: Seen, calls: dict[int, Call], chunk: ChatCompletionChunk) -> None:
    for choice in chunk.choices:
        if choice.index == 0:
            _add_choice(seen, calls, choice)
    if chunk.usage is not None:
        seen.usage = _counts(chunk.usage)


def _add_choice(seen: Seen, calls: dict[int, Call], choice: Choice) -> None:
    seen.text += choice.delta.content or ""
    seen.refusal += choice.delta.refusal or ""
    for fragment in choice.delta.tool_calls or ():
        if fragment.index not in calls:
            calls[fragment.index] = Call()
            seen.calls.append(calls[fragment.index])
        call = calls[fragment.index]
        call.id = call.id or fragment.id
        if fragment.function is not None:
            call.name = call.name or fragment.function.name or ""
            call.arguments += fragment.function.arguments or ""
    seen.finish_reason = choice.finish_reason or seen.finish_reason


def _counts(usage: Any) -> dict[str, Any] | None:
    return None if usage is None else {name: getattr(usage, name, None) for name in COUNTS}
