"""Faults of error answers, and plain failures of servers."""

from typing import Any

from byok_bench.backends.simulator.faults.edit import cut, events
from byok_bench.backends.simulator.faults.fault import Step, behaviour, fault
from byok_bench.backends.simulator.refusal import Refusal, broken, rate_limited, unknown_model, wrong_key
from byok_bench.backends.simulator.reply import Event, Reply, document
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
    cut(visit)
    events(visit).append(Event({"error": _MID_STREAM}))


@fault("error.unframed", "the stream breaks off with a bare JSON error", "stream")
def unframed(visit: Visit) -> None:
    cut(visit)
    events(visit).append(Event(raw=Event({"error": _MID_STREAM}).payload() + b"\n"))


def answers(make: Any) -> Step:
    """A step that puts another reply in place of a good one."""

    def step(visit: Visit) -> None:
        if visit.is_answer:
            visit.reply = make()

    return step


def _error(status: int, **members: Any) -> Reply:
    kinds = {400: "invalid_request_error", 429: "rate_limit_error"}
    error = {"message": _BAD_REQUEST, "type": kinds.get(status, "server_error"), "param": None, "code": None}
    return document({"error": {**error, **members}}, status)


def _limited(retry_after: str | None) -> Reply:
    reply = _error(429, message="Too many requests.", code="rate_limit_exceeded")
    return reply if retry_after is None else document(reply.document, 429, **{"retry-after": retry_after})


def enter(id: str, about: str, make: Any) -> None:
    """Enter a fault that answers every request with an error."""
    behaviour(id, about, route=None, after=answers(make))


enter("error.status-200", "errors come with status 200", lambda: document(_error(500).document))
enter(
    "error.shape",
    "errors are flat objects",
    lambda: document(
        {"object": "error", "message": _BAD_REQUEST, "type": "BadRequestError", "code": 400}, 400
    ),
)
enter(
    "error.not-json",
    "errors are HTML pages",
    lambda: Reply(502, {"content-type": "text/html"}, raw=_GATEWAY_PAGE),
)
enter("error.status-mismatch", "the body names another status", lambda: _error(500, code=400))
enter("error.stack-trace", "errors show a stack trace", lambda: _error(500, message=_TRACE))
enter("error.retry-after-form", "Retry-After has decimals", lambda: _limited("1.5"))
enter("error.retry-after-missing", "429 without Retry-After", lambda: _limited(None))


def refused(refusal: Refusal) -> Any:
    """Makes the reply of a refusal."""
    return lambda: refusal.reply("chat")


enter("http-401", "every key is refused", refused(wrong_key()))
enter(
    "http-402",
    "the account is empty",
    refused(Refusal(402, "Insufficient credits.", kind="billing_error", code="insufficient_quota")),
)
enter(
    "http-403",
    "access is denied",
    refused(Refusal(403, "You have no access to this model.", kind="permission_error")),
)
enter("http-404-model", "no model is known", refused(unknown_model("this one")))
enter("http-429", "429 with Retry-After: 2", refused(rate_limited(2)))
enter("http-500", "every request fails with 500", refused(broken()))
enter(
    "http-503",
    "overloaded, with Retry-After: 5",
    refused(Refusal(503, "The server is overloaded.", kind="overloaded_error", headers={"retry-after": "5"})),
)
enter(
    "http-504", "a gateway's time-out", refused(Refusal(504, "The upstream timed out.", kind="timeout_error"))
)
enter("silence", "no byte of an answer, with the connection open", lambda: Reply(silent="hang"))
enter("hang-up", "the connection is closed without an answer", lambda: Reply(silent="close"))


def _error_code(visit: Visit) -> Any:
    """The code of the error that is about to be sent."""
    error = visit.reply.document.get("error") if isinstance(visit.reply.document, dict) else None
    return error.get("code") if isinstance(error, dict) else None


def break_on_model(visit: Visit) -> None:
    """Fail over an unknown model as if the server were broken, also where any model is served."""
    unknown = visit.ask is not None and visit.ask.model not in visit.models
    if unknown or _error_code(visit) == "model_not_found":
        visit.reply = broken().reply("chat")


def forbid(visit: Visit) -> None:
    """Answer a wrong key with 403."""
    if visit.reply.status == 401:
        visit.reply = Refusal(403, "Forbidden.", kind="permission_error").reply("chat")


def fail_on_mistakes(visit: Visit) -> None:
    """Fail over a client's mistake as if the server were broken."""
    if visit.reply.status == 400 and _error_code(visit) not in _CLIENT_5XX_KEPT:
        visit.reply = broken().reply("chat")


def hide_length(visit: Visit) -> None:
    """Fail over a long prompt as if the server were broken."""
    if _error_code(visit) == "context_length_exceeded":
        visit.reply = broken().reply("chat")


behaviour("error.unknown-model", "an unknown model gives 500", after=break_on_model)
behaviour("error.bad-key", "a wrong key gives 403", "key", after=forbid)
behaviour("error.client-5xx", "client mistakes give 500", after=fail_on_mistakes)
behaviour("error.context-length", "a prompt beyond the window gives 500", after=hide_length)
