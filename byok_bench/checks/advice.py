"""What a person should do about a failure, one sentence a kind."""

from typing import Final

from byok_bench.dialects.exchange import Exchange
from byok_bench.redact import REDACTED
from byok_bench.wire.failures import Failure

ADVICE: Final = {
    "auth": "Check the key: the one that was sent is missing, wrong, or for another service.",
    "permission": "The key is known but may not do this: ask who manages the account, or pick a model it may use.",
    "not_found_model": "Check the model's exact id against what the server lists.",
    "not_found_route": "Check the base URL: the server knows no such route (often /v1 is missing or doubled).",
    "invalid_request": "The server refuses a field of the request: read its words, and drop or rename that field.",
    "context_length": "The prompt is longer than the model's window: shorten it, or declare the window and trim.",
    "rate_limit": "Wait as long as the server says, then send less at once.",
    "quota": "The account is spent, overdue or at a limit of its own: retrying does not help until that is mended.",
    "server": "The server failed: try again later, and tell its operator the request id.",
    "overloaded": "The server cannot take it now (full, loading, without a worker): try again with a growing delay.",
    "timeout": "Check that the server is up, or raise the timeout that it needs.",
    "network": "Check host, port, VPN and firewall, and that the server is running.",
    "protocol": "The answer breaks HTTP or the API's format: is this the API's address, and is a proxy in between?",
    "content_filter": "The provider's filter refused the content: change the prompt, or ask for another policy.",
    "redirect": "The server redirects; redirects are never followed: put the address it names into the base URL.",
    "egress": "Nothing was sent.",
}
"""Failure kind → what to do next."""
_BROKEN: Final = (
    "The server was reached, and the connection to it or behind it broke: ask again, and look at its log and at "
    "proxies in between."
)
NO_KEY: Final = "No key was sent: choose where the endpoint's key comes from."
"""An answer that wants a key, where none was sent."""
OTHER_PROTOCOL: Final = {
    "web_page": "A web page came back: this is a site or a sign-in, not an API; look for the API's own address.",
    "http2_only": "It is a field of the endpoint: `--set transport=http2`.",
    "tls_port": "Write https:// in front of the same address.",
}
"""Code of a failure that names what the server speaks in place of the API, and what to do."""
REACHED: Final = {
    "tls": "See to TLS first: the certificate, the port, and the scheme of the base URL.",
    **dict.fromkeys(("request", "headers", "body"), _BROKEN),
}
"""Where the network failed behind the connection, by the phase: host, port and firewall are not at fault then."""
NO_LIST: Final = (
    "Not every server lists its models: the model's id can be typed. If nothing else answers either, "
    "check the base URL (often /v1 is missing or doubled)."
)
"""Where the list of models is no route: what else was seen decides about the base URL."""
ROUTE_ANSWERED: Final = (
    "The base URL is right, the same route answered other requests: something that this request names is missing, "
    "read the server's words."
)
"""A missing route that is there."""
TOO_LARGE: Final = (
    "The request is larger than the whole limit, and waiting does not help: shorten it, or raise the limit."
)
"""A rate limit that no waiting mends."""
MODEL_FAILED: Final = "The model failed to write what was asked for, a call or JSON: ask again, or reword the prompt."
"""A failure of the server's that it tells with a 4xx."""
NOT_DONE_HERE: Final = (
    "The server does nothing of the kind at this address (501), and waiting does not help: check the base URL and the "
    "API schema."
)
"""A failure that is none of the moment: often a server of files, or of another API."""
PROXY_ASKS: Final = (
    "A proxy on the way wants credentials of its own, and no field of the request is at fault: ask who runs it to let "
    "this machine through, or leave it out with the endpoint's no_proxy."
)
"""407: the API was not reached."""
BY_WORDS: Final = (
    ("auth", "ssl certificate", "Set the endpoint's client certificate: `--set cert_file=…` and `--set key_file=…`."),
    ("not_found_route", "plain http", "Begin the base URL with https://."),
    ("not_found_route", "http request to an https", "Begin the base URL with https://."),
    (
        "permission",
        "data policy",
        "The account's privacy settings leave nobody to answer: change them, or the model.",
    ),
)
"""Kind and words of an answer, lower case, and what to do in place of the kind's own advice."""

IN_THE_MIDDLE: Final = {
    "network": "The connection broke in the middle of the answer: ask again, and look at the timeouts of proxies.",
    "timeout": "The answer stood still: ask again, or raise the timeout if the server needs that long.",
    "protocol": "The stream broke off or broke the API's format: half an answer must not be taken for a whole one.",
}
"""The same where an answer had begun as a stream."""


def has_sent_key(exchange: Exchange) -> bool:
    """Whether a key went out with a request; its value is gone from the record, its place is not."""
    return any(value == REDACTED for _, value in exchange.raw.request.headers)


def choose_advice(
    failure: Failure, *, is_list: bool = False, route_answered: bool = False, key_sent: bool = True
) -> str:
    """One sentence on what to do about a failure, never against what was seen.

    `is_list`: it is the list of models that was asked for. `route_answered`: the same route answered before.
    `key_sent`: the request held a key.
    """
    if failure.code in OTHER_PROTOCOL:
        return OTHER_PROTOCOL[failure.code]
    kind, phase, status = failure.kind, failure.phase, failure.status
    if kind == "auth" and not key_sent:
        return NO_KEY
    words = failure.message.lower()
    for said_kind, part, what in BY_WORDS:
        if (kind, part in words, status is None) == (said_kind, True, False):
            return what
    if kind == "not_found_route" and (is_list or route_answered):
        return NO_LIST if is_list else ROUTE_ANSWERED
    if kind == "rate_limit" and not failure.retryable:
        return TOO_LARGE
    if status == 407:
        return PROXY_ASKS
    if kind == "server" and status is not None and 400 <= status < 500:
        return MODEL_FAILED
    if kind == "server" and status == 501 and not route_answered:
        return NOT_DONE_HERE
    if kind == "network" and phase in REACHED:
        return REACHED[phase]
    return (IN_THE_MIDDLE if phase == "stream" and kind in IN_THE_MIDDLE else ADVICE)[kind]


def describe_failure(
    failure: Failure, *, is_list: bool = False, route_answered: bool = False, key_sent: bool = True
) -> str:
    """The server's words (or ours), and what to do."""
    message = failure.message.rstrip(".")
    is_ours = failure.status is None and message.partition(" ")[0].isalpha()  # not a host, not a variable
    if is_ours:
        message = message[:1].upper() + message[1:]
    message += "" if message.endswith(("?", "!")) else "."
    if failure.phase == "config":
        return f"{message} {ADVICE['egress']}"
    waits = failure.retryable and failure.retry_after_s
    wait = f" The server asks to wait {failure.retry_after_s:g} s." if waits else ""
    advice = choose_advice(failure, is_list=is_list, route_answered=route_answered, key_sent=key_sent)
    return f"{message} {advice}{wait}"
