"""The ordered rules that turn an error into a kind, as a table: the first that matches decides.

A plain rule matches by status, by a listed code, or by listed words (failure_lists.py); the few rules with a
condition of their own stand beside the table. `when` is the rule in words, for docs/errors.md.
"""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from byok_bench.dialects.error_body import ErrorBody
from byok_bench.dialects.failure_lists import LISTS, Entries, Meaning


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
    said: Entries | None = None
    """Codes and words that make it match."""
    words_at: frozenset[int | None] | None = None
    """Statuses at which words count, None standing for no status; all of them if not given."""
    yields_to_type: bool = False
    """Without a status, words do not count beside a type that blames the request."""
    decide: Callable[[Facts], str | None] | None = None
    """In place of all of the above."""

    def kind_of(self, facts: Facts) -> str | None:
        """The kind, or None if the rule does not match."""
        if self.decide is not None:
            return self.decide(facts)
        if facts.status in self.statuses:
            return self.kind
        if self.said is None:
            return None
        if self.said.has_code(facts.body):
            return self.kind
        if self.yields_to_type and facts.status is None and LISTS["invalid-request"].has_code(facts.body):
            return None
        return self.kind if self.said.has_words(facts.body.text, facts.status, self.words_at) else None


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
_MODEL: Final = re.compile(r"(?<![\w/-])(?:model|deployment)s?(?![\w/-])", re.ASCII)
"""The word, not a part of a path or of a longer name."""
_NOTHING_SAID: Final = re.compile(
    r"(?:error|http|404|status|code|[:\s.!,])*(?:not[ _]?found)?[\s.!]*", re.ASCII
)
_MISTAKE_AT: Final = frozenset({500, 501, 502, None})


def _redirect(facts: Facts) -> str | None:
    return "redirect" if facts.http is not None and 300 <= facts.http < 400 else None


def _no_error(facts: Facts) -> str | None:
    return None if facts.is_error else "protocol"


def _filtered(facts: Facts) -> str | None:
    said = LISTS["content-filter"]
    matches = (
        facts.body.moderated or said.has_code(facts.body) or said.has_words(facts.body.text, facts.status)
    )
    return "content_filter" if matches else None


def _litellm(facts: Facts) -> str | None:
    listed = [name for name in _LITELLM.findall(facts.body.text) if name in LITELLM_KINDS]
    return LITELLM_KINDS[listed[-1]] if listed else None


def _too_long(facts: Facts) -> str | None:
    text = facts.body.text.replace("`", "")
    if facts.status == 429 or LISTS["limited"].has_words(text, facts.status):
        return None
    return "context_length" if LISTS["context-length"].has_words(text, facts.status) else None


def _unpaid(facts: Facts) -> str | None:
    if facts.status != 402 and not LISTS["credit"].has_words(facts.body.text, facts.status):
        return None
    return "quota" if facts.delay_s is None else "rate_limit"


def _missing(facts: Facts) -> str | None:
    """What a 404 says is not there: nothing in particular (then the route), or a model, or something else."""
    body = facts.body
    if facts.status != 404:
        return _named_missing(facts) if facts.status is None else None
    if body.param is not None:
        return "not_found_model" if body.param == "model" else "invalid_request"
    if LISTS["permission"].has_code(body):
        return "permission"
    if LISTS["wrong-key"].has_words(body.text, facts.status):
        return "auth"
    if LISTS["other-thing"].has_words(body.text, facts.status):
        return "invalid_request"
    if _MODEL.search(body.words.lower()):
        return "not_found_model"
    blames_request = LISTS["invalid-request"].has_code(body)
    return (
        "invalid_request"
        if blames_request and not _NOTHING_SAID.fullmatch(body.words.lower())
        else "not_found_route"
    )


def _named_missing(facts: Facts) -> str | None:
    """The same where no status is told, and a type that stands for 404."""
    is_missing = "not_found_error" in facts.body.names and _MODEL.search(facts.body.words.lower())
    return "not_found_model" if is_missing else None


def _other_4xx(facts: Facts) -> str | None:
    return "invalid_request" if facts.status is not None and 400 <= facts.status < 500 else None


def _other_5xx(facts: Facts) -> str | None:
    return "server" if facts.status is not None and facts.status >= 500 else None


def _no_status(facts: Facts) -> str:
    if LISTS["invalid-request"].has_code(facts.body):
        return "invalid_request"
    return "not_found_route" if "not_found_error" in facts.body.names else "server"


def _codes_of(means: Meaning) -> Entries:
    """The codes of a meaning without its words: they decide at another place of the order, or with a condition."""
    return LISTS[means].only_codes()


RULES: Final = (
    Rule(number=1, kind="redirect", when="status 3xx", decide=_redirect),
    Rule(
        number=2,
        kind="protocol",
        when="status 2xx and no error object",
        decide=_no_error,
    ),
    Rule(
        number=3,
        kind="content_filter",
        when="a code or type of a content filter, a moderation's reasons, or the words of a policy refusal",
        decide=_filtered,
    ),
    Rule(
        number=4,
        kind="context_length",
        when="a code of an over-long prompt, such as `context_length_exceeded`",
        said=_codes_of("context-length"),
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
        when="a code of a spent or overdue account, such as `insufficient_quota`, `Arrearage` or 1113",
        said=_codes_of("credit"),
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
        when="a code of an unknown model, such as `model_not_found` or `DeploymentNotFound`",
        said=_codes_of("unknown-model"),
    ),
    Rule(
        number=10,
        kind="server",
        when="a code that says that the model failed, such as `tool_use_failed`",
        said=LISTS["model-failed"],
    ),
    Rule(
        number=11,
        kind="not_found_route",
        when="status 405, or the words of a route that is not there, such as “unexpected endpoint or method”",
        statuses=frozenset({405}),
        said=LISTS["route"],
    ),
    Rule(
        number=12,
        kind="invalid_request",
        when="status 400, 404, 422, 500, 501 or none, and the words of a feature that is not supported there",
        said=LISTS["unsupported"],
        words_at=frozenset({400, 404, 422, 500, 501, None}),
    ),
    Rule(
        number=13,
        kind="not_found_model",
        when="status 400, 404, 410, 422 or none, and the words of a model that is not there",
        said=LISTS["unknown-model"],
        words_at=frozenset({400, 404, 410, 422, None}),
    ),
    Rule(
        number=14,
        kind="permission",
        when="status 400, 401, 404 or none, and the words of a permission, a data policy or a region",
        said=LISTS["permission"].only_words(),
        words_at=frozenset({400, 401, 404, None}),
    ),
    Rule(
        number=15,
        kind="not_found_route",
        when="status 404; one that names a parameter or another thing is `invalid_request`, "
        "one that speaks of a model `not_found_model`, a code of a permission `permission`",
        decide=_missing,
    ),
    Rule(
        number=16,
        kind="auth",
        when="status 401, a code such as `invalid_api_key`; at 400, 403, 500 or none the words of a wrong key",
        statuses=frozenset({401}),
        said=LISTS["wrong-key"],
        words_at=frozenset({400, 403, 500, None}),
    ),
    Rule(
        number=17,
        kind="permission",
        when="status 403, a code or type such as `permission_error` or `permission_denied`",
        statuses=frozenset({403}),
        said=_codes_of("permission"),
    ),
    Rule(
        number=18,
        kind="rate_limit",
        when="status 429, a code or type of a rate limit; at 500 or none also the words",
        statuses=frozenset({429}),
        said=LISTS["rate-limit"],
        words_at=frozenset({500, None}),
        yields_to_type=True,
    ),
    Rule(
        number=19,
        kind="overloaded",
        when="status 503 or 529, a code or type of an overload; at 500, 502 or none also the word",
        statuses=frozenset({503, 529}),
        said=LISTS["overloaded"],
        words_at=frozenset({500, 502, None}),
        yields_to_type=True,
    ),
    Rule(
        number=20,
        kind="timeout",
        when="status 408, 504, 522 or 524, `timeout` or `timeout_error`; at 500, 502 or none also the words",
        statuses=frozenset({408, 504, 522, 524}),
        said=LISTS["timeout"],
        words_at=frozenset({500, 502, None}),
        yields_to_type=True,
    ),
    Rule(
        number=21,
        kind="invalid_request",
        when="status 500, 501, 502 or none, and the words of a request that can never be served as it is",
        said=LISTS["client-mistake"],
        words_at=_MISTAKE_AT,
    ),
    Rule(number=22, kind="invalid_request", when="any other 4xx", decide=_other_4xx),
    Rule(number=23, kind="server", when="any other 5xx", decide=_other_5xx),
    Rule(
        number=24,
        kind="server",
        when="no status: a type that blames the request is `invalid_request`, `not_found_error` is `not_found_route`",
        decide=_no_status,
    ),
)
"""In order; the last one always decides."""
