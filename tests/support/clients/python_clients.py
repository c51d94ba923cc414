"""Programs of Python client libraries, as their documentation writes them: one request a job, and what they make of it.

Runs in an environment of its own (`make clients`) and imports nothing of ours. Jobs come as JSON lines on standard
input: {client, schema, stream, base_url, key, body, timeout}; a JSON line answers each: {text, calls, finish_reason,
usage, error}. Only loopback is dialled.
"""

import asyncio
import json
import os
import socket
import sys
import warnings
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
warnings.simplefilter("ignore")

COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
_look_up = socket.getaddrinfo


def look_up_here(host: Any, *arguments: Any, **options: Any) -> Any:
    """Addresses of this machine alone: a client that follows a redirect goes nowhere."""
    if host not in ("127.0.0.1", "localhost"):
        raise socket.gaierror(socket.EAI_NONAME, f"{host} is not this machine")
    return _look_up(host, *arguments, **options)


socket.getaddrinfo = look_up_here


def new_seen() -> dict[str, Any]:
    return {"text": "", "calls": [], "finish_reason": None, "usage": None, "error": None}


def counts(usage: Any, names: tuple[str, ...] = COUNTS) -> dict[str, Any] | None:
    """Token counts under the names of chat completions."""
    if usage is None:
        return None
    take = usage.get if isinstance(usage, dict) else lambda name: getattr(usage, name, None)
    return dict(zip(COUNTS[: len(names)], (take(name) for name in names), strict=True))


# --- OpenAI's SDK


async def openai_chat(job: dict[str, Any], seen: dict[str, Any]) -> None:
    import openai

    async with openai.AsyncOpenAI(
        base_url=job["base_url"], api_key=job["key"], max_retries=0, timeout=job["timeout"]
    ) as client:
        answer = await client.chat.completions.create(**job["body"])
        if not job["stream"]:
            take_chat_message(seen, answer)
            return
        calls: dict[Any, dict[str, Any]] = {}
        async for chunk in answer:
            take_chat_chunk(seen, calls, chunk)


def take_chat_message(seen: dict[str, Any], answer: Any) -> None:
    choice = answer.choices[0]
    seen["text"], seen["finish_reason"] = choice.message.content or "", choice.finish_reason
    seen["calls"] = [
        {"id": call.id, "name": call.function.name, "arguments": call.function.arguments}
        for call in choice.message.tool_calls or ()
    ]
    seen["usage"] = counts(answer.usage)


def take_chat_chunk(seen: dict[str, Any], calls: dict[Any, dict[str, Any]], chunk: Any) -> None:
    for choice in chunk.choices:
        if choice.index != 0:
            continue
        seen["text"] += choice.delta.content or ""
        for part in choice.delta.tool_calls or ():
            if part.index not in calls:
                calls[part.index] = {"id": None, "name": "", "arguments": ""}
                seen["calls"].append(calls[part.index])
            call = calls[part.index]
            call["id"] = call["id"] or part.id
            if part.function is not None:
                call["name"] = call["name"] or part.function.name or ""
                call["arguments"] += part.function.arguments or ""
        seen["finish_reason"] = choice.finish_reason or seen["finish_reason"]
    if getattr(chunk, "usage", None) is not None:
        seen["usage"] = counts(chunk.usage)


async def openai_responses(job: dict[str, Any], seen: dict[str, Any]) -> None:
    import openai

    async with openai.AsyncOpenAI(
        base_url=job["base_url"], api_key=job["key"], max_retries=0, timeout=job["timeout"]
    ) as client:
        answer = await client.responses.create(**job["body"])
        if not job["stream"]:
            seen["text"] = answer.output_text
            take_response(seen, answer)
            return
        async for event in answer:
            if event.type == "response.output_text.delta":
                seen["text"] += event.delta
            elif event.type in ("response.completed", "response.incomplete"):
                take_response(seen, event.response)


def take_response(seen: dict[str, Any], response: Any) -> None:
    seen["calls"] = [
        {"id": item.call_id, "name": item.name, "arguments": item.arguments}
        for item in response.output
        if item.type == "function_call"
    ]
    seen["finish_reason"] = response.status
    seen["usage"] = counts(response.usage, ("input_tokens", "output_tokens", "total_tokens"))


# --- Anthropic's SDK


async def anthropic_messages(job: dict[str, Any], seen: dict[str, Any]) -> None:
    import anthropic

    # It adds /v1 itself.
    async with anthropic.AsyncAnthropic(
        base_url=job["base_url"].removesuffix("/v1"),
        api_key=job["key"],
        max_retries=0,
        timeout=job["timeout"],
    ) as client:
        asked = {name: value for name, value in job["body"].items() if name != "stream"}
        if job["stream"]:
            async with client.messages.stream(**asked) as stream:
                async for _ in stream:
                    pass
                answer = await stream.get_final_message()
        else:
            answer = await client.messages.create(**asked)
    seen["text"] = "".join(block.text for block in answer.content if block.type == "text")
    seen["calls"] = [
        {"id": block.id, "name": block.name, "arguments": json.dumps(block.input)}
        for block in answer.content
        if block.type == "tool_use"
    ]
    seen["finish_reason"] = answer.stop_reason
    seen["usage"] = counts(answer.usage, ("input_tokens", "output_tokens"))


# --- LiteLLM's SDK


async def litellm_chat(job: dict[str, Any], seen: dict[str, Any]) -> None:
    import litellm

    litellm.suppress_debug_info = True
    asked = {**job["body"], "model": f"openai/{job['body']['model']}"}
    answer = await litellm.acompletion(
        **asked,
        api_base=job["base_url"],
        api_key=job["key"],
        timeout=job["timeout"],
        num_retries=0,
        max_retries=0,
    )
    if not job["stream"]:
        take_chat_message(seen, answer)
        return
    calls: dict[Any, dict[str, Any]] = {}
    async for chunk in answer:
        take_chat_chunk(seen, calls, chunk)


# --- LangChain


async def langchain_openai(job: dict[str, Any], seen: dict[str, Any]) -> None:
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(
        model=job["body"]["model"],
        base_url=job["base_url"],
        api_key=job["key"],
        max_retries=0,
        timeout=job["timeout"],
        stream_usage=True,
        use_responses_api=job["schema"] == "responses",
    )
    await langchain(model, job, seen)


async def langchain_anthropic(job: dict[str, Any], seen: dict[str, Any]) -> None:
    from langchain_anthropic import ChatAnthropic

    model = ChatAnthropic(
        model_name=job["body"]["model"],
        base_url=job["base_url"].removesuffix("/v1"),
        api_key=job["key"],
        max_retries=0,
        timeout=job["timeout"],
        max_tokens_to_sample=200,
        stop=None,
    )
    await langchain(model, job, seen)


async def langchain(model: Any, job: dict[str, Any], seen: dict[str, Any]) -> None:
    body = job["body"]
    passed = {name: body[name] for name in ("tool_choice", "response_format") if name in body}
    runnable = model.bind_tools(body["tools"], **passed) if body.get("tools") else model.bind(**passed)
    if job["stream"]:
        answer = None
        async for chunk in runnable.astream(job["prompt"]):
            answer = chunk if answer is None else answer + chunk
    else:
        answer = await runnable.ainvoke(job["prompt"])
    if answer is None:
        return
    seen["text"] = answer.text if isinstance(answer.text, str) else answer.text()
    seen["calls"] = [
        {"id": call["id"], "name": call["name"], "arguments": json.dumps(call["args"])} for call in answer.tool_calls
    ]
    meta = answer.response_metadata
    seen["finish_reason"] = meta.get("finish_reason") or meta.get("stop_reason") or meta.get("status")
    seen["usage"] = counts(answer.usage_metadata, ("input_tokens", "output_tokens", "total_tokens"))


# --- pydantic-ai


async def pydantic_ai(job: dict[str, Any], seen: dict[str, Any]) -> None:
    from pydantic_ai.direct import model_request, model_request_stream
    from pydantic_ai.messages import ModelRequest, TextPart, ToolCallPart
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.tools import ToolDefinition

    body = job["body"]
    tools = [pydantic_tool(one, ToolDefinition) for one in body.get("tools", ())]
    parameters = ModelRequestParameters(function_tools=tools, allow_text_output=True)
    model, close = pydantic_model(job)
    try:
        messages = [ModelRequest.user_text_prompt(job["prompt"])]
        if job["stream"]:
            async with model_request_stream(model, messages, model_request_parameters=parameters) as stream:
                async for _ in stream:
                    pass
                answer = stream.get()
        else:
            answer = await model_request(model, messages, model_request_parameters=parameters)
    finally:
        await close()
    seen["text"] = "".join(part.content for part in answer.parts if isinstance(part, TextPart))
    seen["calls"] = [
        {"id": part.tool_call_id, "name": part.tool_name, "arguments": part.args_as_json_str()}
        for part in answer.parts
        if isinstance(part, ToolCallPart)
    ]
    seen["finish_reason"] = answer.finish_reason
    seen["usage"] = counts(answer.usage, ("input_tokens", "output_tokens"))


def pydantic_tool(tool: dict[str, Any], kind: Any) -> Any:
    inner = tool.get("function", tool)
    schema = inner.get("parameters") or inner.get("input_schema")
    return kind(name=inner["name"], description=inner.get("description"), parameters_json_schema=schema)


def pydantic_model(job: dict[str, Any]) -> Any:
    name = job["body"]["model"]
    if job["schema"] == "messages":
        import anthropic
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        base_url = job["base_url"].removesuffix("/v1")
        client: Any = anthropic.AsyncAnthropic(
            base_url=base_url, api_key=job["key"], max_retries=0, timeout=job["timeout"]
        )
        return AnthropicModel(name, provider=AnthropicProvider(anthropic_client=client)), client.close
    import openai
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    client = openai.AsyncOpenAI(base_url=job["base_url"], api_key=job["key"], max_retries=0, timeout=job["timeout"])
    kind = OpenAIResponsesModel if job["schema"] == "responses" else OpenAIChatModel
    return kind(name, provider=OpenAIProvider(openai_client=client)), client.close


READERS = {
    ("openai-python", "chat"): openai_chat,
    ("openai-python", "responses"): openai_responses,
    ("anthropic-python", "messages"): anthropic_messages,
    ("litellm", "chat"): litellm_chat,
    ("langchain", "chat"): langchain_openai,
    ("langchain", "responses"): langchain_openai,
    ("langchain", "messages"): langchain_anthropic,
    ("pydantic-ai", "chat"): pydantic_ai,
    ("pydantic-ai", "responses"): pydantic_ai,
    ("pydantic-ai", "messages"): pydantic_ai,
}


async def play(job: dict[str, Any]) -> dict[str, Any]:
    """One job. An exception is what its user sees."""
    seen = new_seen()
    try:
        await asyncio.wait_for(READERS[job["client"], job["schema"]](job, seen), job["timeout"] + 5)
    except TimeoutError:
        seen["error"] = "never ends"
    except Exception as error:  # noqa: BLE001 - whatever a library raises is what its user sees
        seen["error"] = f"{type(error).__name__}: {error}"
    return seen


async def main() -> None:
    out = os.fdopen(os.dup(1), "w")
    sys.stdout = sys.stderr  # libraries print
    for line in sys.stdin:
        seen = await play(json.loads(line))
        print(json.dumps(seen, default=str), file=out, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
