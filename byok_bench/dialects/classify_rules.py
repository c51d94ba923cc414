"""The ordered rules that turn an error into a kind, as a table: the first that matches decides.

A plain rule matches by status, by name (a code or type, compared whole) or by phrase; the few rules
with a condition of their own stand beside the table. `when` is the rule in words, for docs/errors.md.
"""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from byok_bench.dialects.error_body import ErrorBody


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules look at."""

    http: int | None
    """Status of the response; None for an error inside a stream."""
    status: int | None
    """The HTTP status; of a 2xx answer or in a stream, the status that the error names, else None."""
    is_error: bool
    """Whether an error object was found, or the status alone says that it is one."""
    body: ErrorBody
    delay_s: float | None
    """What the server asked to wait."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the order."""

    number: int
    kind: str
    """What it decides; a rule with `decide` may give another kind."""
    when: str
    statuses: frozenset[int] = frozenset()
    names: frozenset[str] = frozenset()
    words: re.Pattern[str] | None = None
    words_at: frozenset[int | None] | None = None
    """Statuses at which `words` count, None standing for no status; all of them if not given."""
    decide: Callable[[Facts], str | None] | None = None
    """In place of all of the above."""

    def kind_of(self, facts: Facts) -> str | None:
        """The kind, or None if the rule does not match."""
        if self.decide is not None:
            return self.decide(facts)
        if facts.status in self.statuses or not self.names.isdisjoint(facts.body.names):
            return self.kind
        if self.words is None or (self.words_at is not None and facts.status not in self.words_at):
            return None
        return self.kind if self.words.search(facts.body.text) else None


def _any_of(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases), re.DOTALL)


LITELLM_KINDS: Final = {
    "authenticationerror": "auth",
    "permissiondeniederror": "permission",
    "ratelimiterror": "rate_limit",
    "contextwindowexceedederror": "context_length",
    "notfounderror": "not_found_model",
    "contentpolicyviolationerror": "content_filter",
    "timeout": "timeout",
    "serviceunavailableerror": "overloaded",
    "internalservererror": "server",
    "apiconnectionerror": "network",
    "budgetexceedederror": "quota",
}
"""Classes in LiteLLM's messages, lower case. BadRequestError and APIError wrap anything and decide nothing."""

_LITELLM: Final = re.compile(r"\blitellm\.(?:exceptions\.)?(\w+)", re.ASCII)
_FILTERED: Final = _any_of(
    "content management policy", "content policy violation", "requires moderation", "was flagged",
    "flagged by moderation",
)  # fmt: skip
_TOO_LONG: Final = _any_of(
    "maximum context length", "context length", "context window", "available context size",
    "context size has been exceeded", "prompt is too long", "input is too long", "too large for model with",
    "total length of all messages is too long", "exceeds the maximum allowed input length",
    r"reduce the length of (?:the |your )?(?:messages|prompt|input)", r"input token count.{0,200}?exceeds",
    r"inputs tokens \+ max_new_tokens must be", r"requested tokens \(\d[\d,._]*\) exceed",
)  # fmt: skip
_LIMITED: Final = _any_of("throttl", "rate limit", "too many requests", "please wait")
_UNPAID: Final = _any_of(
    r"insufficient (?:credits|balance|quota|funds)", "exceeded your current quota", "credit balance is too low",
    "out of credits", "billing hard limit",
)  # fmt: skip
_NO_MODEL: Final = _any_of(
    r"model.{0,80}?(?:not found|does not exist|not available|unknown|not supported|not a valid)",
    "no such model", "unknown model", "invalid model", "not a valid model", "try pulling",
)  # fmt: skip


def _redirect(facts: Facts) -> str | None:
    return "redirect" if facts.http is not None and 300 <= facts.http < 400 else None


def _no_error(facts: Facts) -> str | None:
    return None if facts.is_error else "protocol"


def _filtered(facts: Facts) -> str | None:
    names = {"content_filter", "content_policy_violation", "responsibleaipolicyviolation"}
    matches = names & facts.body.names or facts.body.moderated or _FILTERED.search(facts.body.text)
    return "content_filter" if matches else None


def _litellm(facts: Facts) -> str | None:
    listed = [name for name in _LITELLM.findall(facts.body.text) if name in LITELLM_KINDS]
    return LITELLM_KINDS[listed[-1]] if listed else None


def _too_long(facts: Facts) -> str | None:
    text = facts.body.text.replace("`", "")
    limited = facts.status == 429 or _LIMITED.search(text)
    return "context_length" if not limited and _TOO_LONG.search(text) else None


def _unpaid(facts: Facts) -> str | None:
    if facts.status != 402 and not _UNPAID.search(facts.body.text):
        return None
    return "quota" if facts.delay_s is None else "rate_limit"


def _other_4xx(facts: Facts) -> str | None:
    return "invalid_request" if facts.status is not None and 400 <= facts.status < 500 else None


def _other_5xx(facts: Facts) -> str | None:
    return "server" if facts.status is not None and facts.status >= 500 else None


def _no_status(facts: Facts) -> str:
    if "invalid_request_error" in facts.body.names:
        return "invalid_request"
    return "not_found_route" if "not_found_error" in facts.body.names else "server"


RULES: Final = (
    Rule(number=1, kind="redirect", when="status 3xx", decide=_redirect),
    Rule(number=2, kind="protocol", when="status 2xx and no error object", decide=_no_error),
    Rule(
        number=3,
        kind="content_filter",
        when="a code or type of a content filter, a moderation's reasons, or the words of a policy refusal",
        decide=_filtered,
    ),
    Rule(
        number=4,
        kind="context_length",
        when="code or type `context_length_exceeded` or `exceed_context_size_error`",
        names=frozenset({"context_length_exceeded", "exceed_context_size_error"}),
    ),
    Rule(
        number=5,
        kind="the class's kind",
        when="a LiteLLM exception class in the text; the last one that says anything",
        decide=_litellm,
    ),
    Rule(
        number=6,
        kind="context_length",
        when="the words of an over-long prompt, at any status but 429 and unless the text speaks of a rate limit",
        decide=_too_long,
    ),
    Rule(
        number=7,
        kind="quota",
        when="code or type `insufficient_quota`, `billing_hard_limit_reached` or `billing_error`",
        names=frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_error"}),
    ),
    Rule(
        number=8,
        kind="quota",
        when="status 402, or the words of missing credit; with a delay to wait for it is `rate_limit`",
        decide=_unpaid,
    ),
    Rule(
        number=9,
        kind="not_found_model",
        when="code `model_not_found` or `DeploymentNotFound`",
        names=frozenset({"model_not_found", "deploymentnotfound"}),
    ),
    Rule(
        number=10,
        kind="not_found_route",
        when="status 405, or the words “unexpected endpoint or method”",
        statuses=frozenset({405}),
        words=_any_of("unexpected endpoint or method"),
    ),
    Rule(
        number=11,
        kind="not_found_model",
        when="status 400, 404, 422 or none, and the words of a model that is not there",
        words=_NO_MODEL,
        words_at=frozenset({400, 404, 422, None}),
    ),
    Rule(number=12, kind="not_found_route", when="status 404", statuses=frozenset({404})),
    Rule(
        number=13,
        kind="auth",
        when="status 401, code or type `invalid_api_key` or `authentication_error`",
        statuses=frozenset({401}),
        names=frozenset({"invalid_api_key", "authentication_error"}),
    ),
    Rule(
        number=14,
        kind="permission",
        when="status 403, code or type `permission_error` or `permission_denied`",
        statuses=frozenset({403}),
        names=frozenset({"permission_error", "permission_denied"}),
    ),
    Rule(
        number=15,
        kind="rate_limit",
        when="status 429, a code or type of a rate limit; at 500 or none also the words",
        statuses=frozenset({429}),
        names=frozenset({"rate_limit_exceeded", "rate_limit_error", "throttlingexception"}),
        words=_any_of("rate limit", "too many requests"),
        words_at=frozenset({500, None}),
    ),
    Rule(
        number=16,
        kind="overloaded",
        when="status 503 or 529, a code or type of an overload; at 500, 502 or none also the word",
        statuses=frozenset({503, 529}),
        names=frozenset({"overloaded_error", "unavailable_error"}),
        words=_any_of("overloaded"),
        words_at=frozenset({500, 502, None}),
    ),
    Rule(
        number=17,
        kind="timeout",
        when="status 408, 504, 522 or 524, `timeout` or `timeout_error`; at 500, 502 or none also the words",
        statuses=frozenset({408, 504, 522, 524}),
        names=frozenset({"timeout", "timeout_error"}),
        words=_any_of("timed out", "deadline exceeded"),
        words_at=frozenset({500, 502, None}),
    ),
    Rule(number=18, kind="invalid_request", when="any other 4xx", decide=_other_4xx),
    Rule(number=19, kind="server", when="any other 5xx", decide=_other_5xx),
    Rule(
        number=20,
        kind="server",
        when="no status: `invalid_request_error` is `invalid_request`, `not_found_error` is `not_found_route`",
        decide=_no_status,
    ),
)
"""In order; the last one always decides."""
