"""Profiles: known behaviours of known servers, put together. Each is a simulation, says so, and names its sources.

The say-so stands in the header `x-simulation` of every reply and in `owned_by` of every listed model; no request ever
reaches the server that is simulated. A profile writes as that server does on good days; its further models, and
faults on top of it, show the bad ones.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from byok_bench.backends.backend import BackendError
from byok_bench.backends.simulator.answer import OWN_THOUGHT
from byok_bench.backends.simulator.faults.fault import Step, leave_visit
from byok_bench.backends.simulator.faults.reply_parts import (
    cut_midway,
    drop_events,
    get_delta,
    get_events,
    list_choice_events,
    list_text_events,
)
from byok_bench.backends.simulator.refusal import Refusal
from byok_bench.backends.simulator.reply import Event, Reply, make_json_reply
from byok_bench.backends.simulator.visit import Visit

HEADER = "x-simulation"
_CREDITS = "Insufficient credits. Add more credits to your account and retry the request."


@dataclass(frozen=True)
class Profile:
    """One simulated server."""

    name: str
    server_name: str
    """The server, as people know it."""
    sources: tuple[str, ...]
    """Public evidence for what it does."""
    models: tuple[str, ...]
    amid: Step = leave_visit
    after: Step = leave_visit
    window_field: str | None = None
    """Where the model list tells the context window."""
    has_silent_cut: bool = False
    """A prompt beyond the window is answered."""

    @property
    def notice(self) -> str:
        """What the header says."""
        return f"{self.server_name}, simulated by byok-bench"


def find_profile(name: str) -> Profile:
    """The profile of that name. Raises BackendError."""
    if name not in PROFILES:
        raise BackendError(f"no profile is called {name!r}; there are {', '.join(PROFILES)}", code="unknown_profile")
    return PROFILES[name]


def mark_simulation(profile: Profile, visit: Visit) -> None:
    """Name the reply a simulation."""
    visit.reply.headers[HEADER] = profile.notice
    if visit.route in ("models", "model") and visit.is_answer:
        for model in visit.reply.document.get("data", [visit.reply.document]):
            window = model.pop("max_model_len", None)
            if profile.window_field:
                model[profile.window_field] = window
            model["owned_by" if "owned_by" in model else "display_name"] = f"simulation-of-{profile.name}"


def _find_error(reply: Reply) -> dict[str, Any]:
    found = reply.document.get("error") if isinstance(reply.document, dict) else None
    return found if isinstance(found, dict) else {}


def _replace_error(visit: Visit, body: Any, status: int | None = None) -> None:
    """Send another error body, with the headers of the old one."""
    visit.reply = Reply(status or visit.reply.status, visit.reply.headers, document=body)


def _prepare_openrouter(visit: Visit) -> None:
    if visit.ask is not None:
        if visit.ask.model == "simulation/out-of-credits":
            raise Refusal(402, _CREDITS)
        visit.ask.include_usage = True


def _simulate_openrouter(visit: Visit) -> None:
    """Generation ids, provider and native reason on every chunk, cost in usage, comments, errors with a number."""
    reply = visit.reply
    if visit.route != "chat":
        return
    if reply.status >= 400:
        _replace_error(visit, {"error": {"message": _find_error(reply).get("message"), "code": reply.status}})
        return
    label = {"id": f"gen-{int(time.time())}-{secrets.token_hex(10)}", "provider": "Simulated"}
    parts = [event.data for event in list_choice_events(visit)] if visit.is_stream else [reply.document]
    ended = [e.data for e in get_events(visit) if isinstance(e.data, dict)] if visit.is_stream else parts
    for part in ended:
        part.update(label)
        if part.get("usage"):
            part["usage"].update(_make_openrouter_usage(part["usage"]))
    for part in parts:
        for one in part["choices"]:
            one["native_finish_reason"] = one["finish_reason"]
            said = one.get("delta", one.get("message"))
            if "reasoning_content" in said:
                said["reasoning"] = said.pop("reasoning_content")
    if visit.is_stream:
        _change_openrouter_stream(visit)


def _make_openrouter_usage(usage: Mapping[str, int]) -> dict[str, Any]:
    return {
        "cost": round((usage["prompt_tokens"] + 3 * usage["completion_tokens"]) * 1e-7, 9),
        "is_byok": False,
        "prompt_tokens_details": {"cached_tokens": 0},
        "cost_details": {"upstream_inference_cost": None},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def _change_openrouter_stream(visit: Visit) -> None:
    for event in list_choice_events(visit):
        get_delta(event).update(role="assistant", content=get_delta(event).get("content") or "")
    comment = b": OPENROUTER PROCESSING\n\n"
    if visit.ask is not None and visit.ask.model == "simulation/breaks-mid-stream":
        cut_midway(visit)
        broken = Event(dict(list_choice_events(visit)[-1].data))
        broken.data["error"] = {"code": 502, "message": "Provider disconnected unexpectedly"}
        broken.data["choices"] = [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]
        get_events(visit).append(broken)
    get_events(visit)[0:0] = [Event(raw=comment, due_ms=0.0), Event(raw=comment, due_ms=0.0)]


_FIXED_SAMPLING: dict[str, Any] = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}
"""Members that OpenAI's reasoning models take at their default alone."""


def _prepare_openai_reasoning(visit: Visit) -> None:
    """Turn down what OpenAI's reasoning models do, in their words."""
    body = visit.body or {}
    if visit.route == "chat" and "max_tokens" in body:
        said = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        raise Refusal(400, said, code="unsupported_parameter", param="max_tokens")
    for name, only in _FIXED_SAMPLING.items():
        given = body.get(name, only)
        if given != only and visit.route == "chat":
            said = f"'{name}' does not support {given} with this model. Only the default ({only}) value is supported."
            raise Refusal(400, f"Unsupported value: {said}", code="unsupported_value", param=name)
        if given != only:
            said = f"Unsupported parameter: '{name}' is not supported with this model."
            raise Refusal(400, said, code="unsupported_parameter", param=name)


def _simulate_vllm(visit: Visit) -> None:
    """Flat error objects with the class of the exception; a bare word for a wrong key."""
    status = visit.reply.status
    if visit.route == "messages" or status < 400:
        return
    if status == 401:
        _replace_error(visit, {"error": "Unauthorized"})
        return
    kind = {400: "BadRequestError", 404: "NotFoundError"}.get(status, "InternalServerError")
    message = _find_error(visit.reply).get("message")
    flat = {"object": "error", "message": message, "type": kind, "param": None, "code": status}
    _replace_error(visit, flat)


def _simulate_ollama(visit: Visit) -> None:
    """Role and content in every delta, a call whole in one chunk, thoughts as reasoning, no header against buffers."""
    reply = visit.reply
    if visit.route != "chat":
        return
    if reply.status >= 400:
        kinds = {400: "invalid_request_error", 404: "not_found_error"}
        message = _find_error(reply).get("message")
        error = {
            "message": message,
            "type": kinds.get(reply.status, "api_error"),
            "param": None,
            "code": None,
        }
        _replace_error(visit, {"error": error})
        return
    if not visit.is_stream:
        reply.document["system_fingerprint"] = "fp_ollama"
        return
    for name in ("cache-control", "x-accel-buffering"):
        reply.headers.pop(name, None)
    reply.headers["content-type"] = "text/event-stream"
    _join_calls(visit)
    for event in list_choice_events(visit):
        event.data["system_fingerprint"] = "fp_ollama"
        said = get_delta(event)
        if "reasoning_content" in said:
            said["reasoning"] = said.pop("reasoning_content")
        said.update(role="assistant", content=said.get("content") or "")


def _join_calls(visit: Visit) -> None:
    """Each call in the chunk that opens it."""
    opened: dict[int, dict[str, Any]] = {}
    later = []
    for event in list_choice_events(visit):
        for call in get_delta(event).get("tool_calls") or []:
            if call["index"] in opened:
                opened[call["index"]]["function"]["arguments"] += call["function"]["arguments"]
                later.append(event)
            else:
                opened[call["index"]] = call
    drop_events(visit, later)


def _simulate_lm_studio(visit: Visit) -> None:
    """Status 200 and an error for a route it does not know; one model that only thinks."""
    if visit.reply.status in (404, 405) and visit.ask is None and visit.route == "unknown":
        request = visit.request
        message = f"Unexpected endpoint or method. ({request.method} {request.path})"
        visit.reply = make_json_reply({"error": message}, 200)
    thinks = visit.ask is not None and visit.ask.model == "simulation/only-thinks"
    if thinks and visit.route == "chat" and visit.is_stream:
        for event in list_text_events(visit):
            get_delta(event)["reasoning_content"] = get_delta(event).pop("content")
    elif thinks and visit.route == "chat" and visit.is_answer:
        for one in visit.reply.document["choices"]:
            one["message"].update(content="", reasoning_content=OWN_THOUGHT)


def _simulate_gzip_proxy(visit: Visit) -> None:
    """Streams go through a compressor that nobody flushes: they arrive when they are over."""
    if visit.is_stream:
        visit.reply.is_gzipped, visit.reply.is_flushed = True, False


_ALL = (
    Profile(
        "openrouter",
        "OpenRouter",
        (
            "https://openrouter.ai/docs/api/reference/streaming",
            "https://openrouter.ai/docs/api/reference/errors-and-debugging",
            "https://openrouter.ai/docs/use-cases/usage-accounting",
        ),
        ("simulation/steady", "simulation/breaks-mid-stream", "simulation/out-of-credits"),
        window_field="context_length",
        amid=_prepare_openrouter,
        after=_simulate_openrouter,
    ),
    Profile(
        "vllm-old",
        "vLLM before 0.10.1",
        (
            "vllm-project/vllm#12886",
            "foundation-model-stack/fms-guardrails-orchestrator#511",
            "modal-labs/modal-examples#1105",
        ),
        ("simulation/vllm",),
        window_field="max_model_len",
        after=_simulate_vllm,
    ),
    Profile(
        "openai-reasoning",
        "OpenAI's reasoning models",
        ("koosoli/ESPHomeDesigner#379", "QwenLM/qwen-code#921", "BerriAI/litellm#8192"),
        ("simulation/reasons",),
        amid=_prepare_openai_reasoning,
    ),
    Profile(
        "ollama",
        "Ollama",
        ("ollama/ollama openai/openai.go", "ollama/ollama#11633", "ollama/ollama#4967"),
        ("simulation/ollama",),
        after=_simulate_ollama,
        has_silent_cut=True,
    ),
    Profile(
        "lm-studio",
        "LM Studio",
        ("lmstudio-ai/lmstudio-bug-tracker#618", "lmstudio-ai/lmstudio-bug-tracker#1602"),
        ("simulation/steady", "simulation/only-thinks"),
        after=_simulate_lm_studio,
    ),
    Profile(
        "gzip-proxy",
        "a proxy that compresses streams",
        ("tower-rs/tower-http#419", "gin-contrib/gzip#16", "Kludex/starlette#2753"),
        ("simulation/behind-a-proxy",),
        after=_simulate_gzip_proxy,
    ),
)
PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in _ALL}
