"""Faults of error answers, and plain failures of servers."""

from typing import Any

from byok_bench.backends.simulator.faults.fault import Step, enter_behaviour, fault
from byok_bench.backends.simulator.faults.reply_parts import cut_midway, get_events
from byok_bench.backends.simulator.refusal import (
    Refusal,
    make_rate_limit,
    make_server_error,
    make_unknown_model,
    make_wrong_key,
)
from byok_bench.backends.simulator.reply import Event, Reply, make_json_reply
from byok_bench.backends.simulator.visit import Visit

_BAD_REQUEST = "Invalid value for parameter."
_TRACE = (
    "Internal error\nTraceback (most recent call last):\n"
    "  File \"/app/server.py\", line 42, in handle\n    return model(request)\nKeyError: 'choices'"
)
_MID_STREAM = {"message": "The model backend failed while generating.", "type": "server_error", "code": 502}
_GATEWAY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>"
_CLIENT_5XX_KEPT = ("context_length_exceeded", "model_not_found", "unsupported_format")


@fault("error.in-stream", "the stream breaks off with an error event", "stream")
def in_stream(visit: Visit) -> None:
    cut_midway(visit)
    get_events(visit).append(Event({"error": _MID_STREAM}))


@fault("error.unframed", "the stream breaks off with a bare JSON error", "stream")
def unframed(visit: Visit) -> None:
    cut_midway(visit)
    get_events(visit).append(Event(raw=Event({"error": _MID_STREAM}).encode_payload() + b"\n"))


def make_reply_step(make: Any) -> Step:
    """A step that puts another reply in place of a good one."""

    def step(visit: Visit) -> None:
        if visit.is_answer:
            visit.reply = make()

    return step


def _make_error(status: int, **members: Any) -> Reply:
    kinds = {400: "invalid_request_error", 429: "rate_limit_error"}
    error = {"message": _BAD_REQUEST, "type": kinds.get(status, "server_error"), "param": None, "code": None}
    return make_json_reply({"error": {**error, **members}}, status)


def _make_rate_limit_reply(retry_after: str | None) -> Reply:
    reply = _make_error(429, message="Too many requests.", code="rate_limit_exceeded")
    return reply if retry_after is None else make_json_reply(reply.document, 429, **{"retry-after": retry_after})


def enter_error(id: str, about: str, make: Any) -> None:
    """Enter a fault that answers every request with an error."""
    enter_behaviour(id, about, route=None, after=make_reply_step(make))


enter_error("error.status-200", "errors come with status 200", lambda: make_json_reply(_make_error(500).document))
enter_error(
    "error.shape",
    "errors are flat objects",
    lambda: make_json_reply({"object": "error", "message": _BAD_REQUEST, "type": "BadRequestError", "code": 400}, 400),
)
enter_error(
    "error.not-json",
    "errors are HTML pages",
    lambda: Reply(502, {"content-type": "text/html"}, raw=_GATEWAY_PAGE),
)
enter_error("error.status-mismatch", "the body names another status", lambda: _make_error(500, code=400))
enter_error("error.stack-trace", "errors show a stack trace", lambda: _make_error(500, message=_TRACE))
enter_error("error.retry-after-form", "Retry-After has decimals", lambda: _make_rate_limit_reply("1.5"))
enter_error("error.retry-after-missing", "429 without Retry-After", lambda: _make_rate_limit_reply(None))


def prepare_refusal(refusal: Refusal) -> Any:
    """Makes the reply of a refusal."""
    return lambda: refusal.to_reply("chat")


enter_error("http-401", "every key is refused", prepare_refusal(make_wrong_key()))
enter_error(
    "http-402",
    "the account is empty",
    prepare_refusal(Refusal(402, "Insufficient credits.", kind="billing_error", code="insufficient_quota")),
)
enter_error(
    "http-403",
    "access is denied",
    prepare_refusal(Refusal(403, "You have no access to this model.", kind="permission_error")),
)
enter_error("http-404-model", "no model is known", prepare_refusal(make_unknown_model("this one")))
enter_error("http-429", "429 with Retry-After: 2", prepare_refusal(make_rate_limit(2)))
enter_error("http-500", "every request fails with 500", prepare_refusal(make_server_error()))
enter_error(
    "http-503",
    "overloaded, with Retry-After: 5",
    prepare_refusal(Refusal(503, "The server is overloaded.", kind="overloaded_error", headers={"retry-after": "5"})),
)
enter_error(
    "http-504",
    "a gateway's time-out",
    prepare_refusal(Refusal(504, "The upstream timed out.", kind="timeout_error")),
)
enter_error("silence", "no byte of an answer, with the connection open", lambda: Reply(silent="hang"))
enter_error("hang-up", "the connection is closed without an answer", lambda: Reply(silent="close"))


def _find_error_code(visit: Visit) -> Any:
    """The code of the error that is about to be sent."""
    error = visit.reply.document.get("error") if isinstance(visit.reply.document, dict) else None
    return error.get("code") if isinstance(error, dict) else None


def break_on_model(visit: Visit) -> None:
    """Fail over an unknown model as if the server were broken, also where any model is served."""
    unknown = visit.ask is not None and visit.ask.model not in visit.models
    if unknown or _find_error_code(visit) == "model_not_found":
        visit.reply = make_server_error().to_reply("chat")


def refuse_with_403(visit: Visit) -> None:
    """Answer a wrong key with 403."""
    if visit.reply.status == 401:
        visit.reply = Refusal(403, "Forbidden.", kind="permission_error").to_reply("chat")


def fail_on_mistakes(visit: Visit) -> None:
    """Fail over a client's mistake as if the server were broken."""
    if visit.reply.status == 400 and _find_error_code(visit) not in _CLIENT_5XX_KEPT:
        visit.reply = make_server_error().to_reply("chat")


def hide_length(visit: Visit) -> None:
    """Fail over a long prompt as if the server were broken."""
    if _find_error_code(visit) == "context_length_exceeded":
        visit.reply = make_server_error().to_reply("chat")


enter_behaviour("error.unknown-model", "an unknown model gives 500", after=break_on_model)
enter_behaviour("error.bad-key", "a wrong key gives 403", "key", after=refuse_with_403)
enter_behaviour("error.client-5xx", "client mistakes give 500", after=fail_on_mistakes)
enter_behaviour("error.context-length", "a prompt beyond the window gives 500", after=hide_length)
