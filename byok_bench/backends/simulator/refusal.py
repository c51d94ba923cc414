"""Refusals: the requests a good server turns down, with the status and the words for it."""

import secrets
from typing import Any

from byok_bench.backends.simulator.reply import Headers, Reply, make_json_reply


class Refusal(Exception):
    """A request that is answered with an error. Never leaves the simulator."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: Headers | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param
        self.headers = headers or {}

    def to_reply(self, dialect: str) -> Reply:
        """The error in the envelope of a dialect: `messages`, or any other."""
        if dialect == "messages":
            kind = _MESSAGES_TYPES.get(self.status, "invalid_request_error")
            error: dict[str, Any] = {
                "type": "error",
                "error": {"type": kind, "message": self.message},
                "request_id": f"req_{secrets.token_hex(12)}",
            }
        else:
            error = {
                "error": {
                    "message": self.message,
                    "type": self.kind,
                    "param": self.param,
                    "code": self.code,
                }
            }
        return make_json_reply(error, self.status, **self.headers)


_MESSAGES_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    402: "billing_error",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def make_bad_request(message: str, param: str | None = None, code: str | None = None) -> Refusal:
    """400 for what the client got wrong."""
    return Refusal(400, message, param=param, code=code)


def make_wrong_key() -> Refusal:
    """401. The key itself is not repeated."""
    return Refusal(
        401,
        "Incorrect API key provided.",
        kind="authentication_error",
        code="invalid_api_key",
        headers={"www-authenticate": "Bearer"},
    )


def make_unknown_model(model: str) -> Refusal:
    """404 that names the model."""
    return Refusal(404, f"The model '{model}' does not exist.", code="model_not_found", param="model")


def make_unknown_previous(id: str) -> Refusal:
    """400 for a conversation that is not known, as OpenAI says it."""
    return make_bad_request(
        f"Previous response with id '{id}' not found.", "previous_response_id", "previous_response_not_found"
    )


def make_unknown_response(id: str) -> Refusal:
    """404 for a response that is not known."""
    return Refusal(404, f"Response with id '{id}' not found.")


def make_unknown_route(method: str, path: str) -> Refusal:
    """404 for a path that is none of ours."""
    return Refusal(404, f"Unknown request URL: {method} {path}.", code="unknown_url")


def make_wrong_method(method: str, allowed: str) -> Refusal:
    """405 with the method that would be right."""
    return Refusal(
        405,
        f"{method} is not allowed here, only {allowed}.",
        code="method_not_allowed",
        headers={"allow": allowed},
    )


def make_too_long(window: int, prompt_tokens: int, param: str) -> Refusal:
    """400 for a prompt beyond the declared window."""
    return Refusal(
        400,
        f"This model's maximum context length is {window} tokens. However, your messages resulted in "
        f"{prompt_tokens} tokens. Please reduce the length of the messages.",
        code="context_length_exceeded",
        param=param,
    )


def make_rate_limit(after_s: int) -> Refusal:
    """429 that says when to come back."""
    return Refusal(
        429,
        f"Rate limit reached. Please try again in {after_s}s.",
        kind="rate_limit_error",
        code="rate_limit_exceeded",
        headers={"retry-after": str(after_s)},
    )


def make_server_error(status: int = 500) -> Refusal:
    """The server's own failure."""
    return Refusal(status, "The server had an error while processing your request.", kind="server_error")
