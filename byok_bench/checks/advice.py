"""What a person should do about a failure, one sentence a kind."""

from typing import Final

from byok_bench.wire.failures import Failure

ADVICE: Final = {
    "auth": "Check the key: the one that was sent is missing, wrong, or for another service.",
    "permission": "The key is known but may not do this: ask who manages the account, or pick a model it may use.",
    "not_found_model": "Check the model's exact id against what the server lists.",
    "not_found_route": "Check the base URL: the server knows no such route (often /v1 is missing or doubled).",
    "invalid_request": "The server refuses a field of the request: read its words, and drop or rename that field.",
    "context_length": "The prompt is longer than the model's window: shorten it, or declare the window and trim.",
    "rate_limit": "Wait as long as the server says, then send less at once.",
    "quota": "The account has no credit left: retrying does not help until it is topped up.",
    "server": "The server failed: try again later, and tell its operator the request id.",
    "overloaded": "The server is at its limit: try again with a growing delay, or use another endpoint.",
    "timeout": "Check that the server is up, or raise the timeout that it needs.",
    "network": "Check host, port, VPN and firewall, and that the server is running.",
    "protocol": "The answer breaks HTTP or the API's format: is this the API's address, and is a proxy in between?",
    "content_filter": "The provider's filter refused the content: change the prompt, or ask for another policy.",
    "redirect": "The server redirects; redirects are never followed: put the address it names into the base URL.",
    "egress": "Nothing was sent.",
}
"""Failure kind → what to do next."""
WHAT_TLS_SAYS: Final = "See to TLS first: the certificate, the port, and the scheme of the base URL."
"""Where TLS failed, whose message says more."""
ABOUT_TLS: Final = (
    ("auth", "ssl certificate", "A client certificate cannot be set here: use an address that wants none."),
    ("not_found_route", "plain http", "Begin the base URL with https://."),
    ("not_found_route", "http request to an https", "Begin the base URL with https://."),
)
"""Kind and words of an answer that speaks of TLS, and what to do in place of the kind's own advice."""

IN_THE_MIDDLE: Final = {
    "network": "The connection broke in the middle of the answer: ask again, and look at the timeouts of proxies.",
    "timeout": "The answer stood still: ask again, or raise the timeout if the server needs that long.",
    "protocol": "The stream broke off or broke the API's format: half an answer must not be taken for a whole one.",
}
"""The same where an answer had begun as a stream."""


def what_to_do(kind: str, phase: str | None) -> str:
    """One sentence on a failure of this kind in this phase."""
    if kind == "network" and phase == "tls":
        return WHAT_TLS_SAYS
    return (IN_THE_MIDDLE if phase == "stream" and kind in IN_THE_MIDDLE else ADVICE)[kind]


def advice(failure: Failure) -> str:
    """The server's words (or ours), and what to do."""
    message = failure.message.rstrip(".")
    is_ours = failure.status is None and message.partition(" ")[0].isalpha()  # not a host, not a variable
    if is_ours:
        message = message[:1].upper() + message[1:]
    message += "" if message.endswith(("?", "!")) else "."
    if failure.phase == "config":
        return f"{message} {ADVICE['egress']}"
    wait = f" The server asks to wait {failure.retry_after_s:g} s." if failure.retry_after_s else ""
    for kind, words, what in ABOUT_TLS:
        if failure.kind == kind and words in message.lower():
            return f"{message} {what}"
    return f"{message} {what_to_do(failure.kind, failure.phase)}{wait}"
