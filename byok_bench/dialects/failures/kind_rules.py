"""The ordered rules that turn an error into a kind, as a table: the first that matches decides.

A plain rule matches by status, by a listed code, or by listed words (word_lists.py); the few rules with a
condition of their own stand beside the table. `when` is the rule in words, for docs/errors.md.
"""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from byok_bench.dialects.failures.error_body import ErrorBody
from byok_bench.dialects.failures.word_lists import WORD_LISTS, Meaning, WordEntries


class ErrorFacts(msgspec.Struct, frozen=True, kw_only=True):
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


class KindRule(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the order."""

    number: int
    kind: str
    """What it decides; a rule with `decide` may give another kind."""
    when: str
    statuses: frozenset[int] = frozenset()
    said: WordEntries | None = None
    """Codes and words that make it match."""
    words_at: frozenset[int | None] | None = None
    """Statuses at which words count, None standing for no status; all of them if not given."""
    yields_to_type: bool = False
    """Without a status, words do not count beside a type that blames the request."""
    decide: Callable[[ErrorFacts], str | None] | None = None
    """In place of all of the above."""

    def find_kind(self, facts: ErrorFacts) -> str | None:
        """The kind, or None if the rule does not match."""
        if self.decide is not None:
            return self.decide(facts)
        if facts.status in self.statuses:
            return self.kind
        if self.said is None:
            return None
        if self.said.has_code(facts.body):
            return self.kind
        if self.yields_to_type and facts.status is None and WORD_LISTS["invalid-request"].has_code(facts.body):
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
_NOTHING_SAID: Final = re.compile(r"(?:error|http|404|status|code|[:\s.!,])*(?:not[ _]?found)?[\s.!]*", re.ASCII)
_MISTAKE_AT: Final = frozenset({500, 501, 502, None})


def _classify_redirect(facts: ErrorFacts) -> str | None:
    return "redirect" if facts.http is not None and 300 <= facts.http < 400 else None


def _classify_non_error(facts: ErrorFacts) -> str | None:
    return None if facts.is_error else "protocol"


def _classify_filtered(facts: ErrorFacts) -> str | None:
    said = WORD_LISTS["content-filter"]
    matches = facts.body.is_moderated or said.has_code(facts.body) or said.has_words(facts.body.text, facts.status)
    return "content_filter" if matches else None


def _classify_litellm(facts: ErrorFacts) -> str | None:
    listed = [name for name in _LITELLM.findall(facts.body.text) if name in LITELLM_KINDS]
    return LITELLM_KINDS[listed[-1]] if listed else None


def _classify_too_long(facts: ErrorFacts) -> str | None:
    text = facts.body.text.replace("`", "")
    if facts.status == 429 or WORD_LISTS["limited"].has_words(text, facts.status):
        return None
    return "context_length" if WORD_LISTS["context-length"].has_words(text, facts.status) else None


def _classify_unpaid(facts: ErrorFacts) -> str | None:
    if facts.status != 402 and not WORD_LISTS["credit"].has_words(facts.body.text, facts.status):
        return None
    return "quota" if facts.delay_s is None else "rate_limit"


def _classify_missing(facts: ErrorFacts) -> str | None:
    """What a 404 says is not there: nothing in particular (then the route), or a model, or something else."""
    body = facts.body
    if facts.status != 404:
        return _classify_named_missing(facts) if facts.status is None else None
    if body.param is not None:
        return "not_found_model" if body.param == "model" else "invalid_request"
    if WORD_LISTS["permission"].has_code(body):
        return "permission"
    if WORD_LISTS["wrong-key"].has_words(body.text, facts.status):
        return "auth"
    if WORD_LISTS["other-thing"].has_words(body.text, facts.status):
        return "invalid_request"
    if _MODEL.search(body.words.lower()):
        return "not_found_model"
    blames_request = WORD_LISTS["invalid-request"].has_code(body)
    return (
        "invalid_request" if blames_request and not _NOTHING_SAID.fullmatch(body.words.lower()) else "not_found_route"
    )


def _classify_named_missing(facts: ErrorFacts) -> str | None:
    """The same where no status is told, and a type that stands for 404."""
    is_missing = "not_found_error" in facts.body.names and _MODEL.search(facts.body.words.lower())
    return "not_found_model" if is_missing else None


def _classify_other_4xx(facts: ErrorFacts) -> str | None:
    return "invalid_request" if facts.status is not None and 400 <= facts.status < 500 else None


def _classify_other_5xx(facts: ErrorFacts) -> str | None:
    return "server" if facts.status is not None and facts.status >= 500 else None


def _classify_without_status(facts: ErrorFacts) -> str:
    if WORD_LISTS["invalid-request"].has_code(facts.body):
        return "invalid_request"
    return "not_found_route" if "not_found_error" in facts.body.names else "server"


def _select_codes(means: Meaning) -> WordEntries:
    """The codes of a meaning without its words: they decide at another place of the order, or with a condition."""
    return WORD_LISTS[means].select_codes()


KIND_RULES: Final = (
    KindRule(number=1, kind="redirect", when="status 3xx", decide=_classify_redirect),
    KindRule(
        number=2,
        kind="protocol",
        when="status 2xx and no error object",
        decide=_classify_non_error,
    ),
    KindRule(
        number=3,
        kind="content_filter",
        when="a code or type of a content filter, a moderation's reasons, or the words of a policy refusal",
        decide=_classify_filtered,
    ),
    KindRule(
        number=4,
        kind="context_length",
        when="a code of an over-long prompt, such as `context_length_exceeded`",
        said=_select_codes("context-length"),
    ),
    KindRule(
        number=5,
        kind="the class's kind",
        when="a LiteLLM exception class in the text; the last one that says anything",
        decide=_classify_litellm,
    ),
    KindRule(
        number=6,
        kind="context_length",
        when="the words of an over-long prompt, at any status but 429 and unless the text speaks of a rate limit",
        decide=_classify_too_long,
    ),
    KindRule(
        number=7,
        kind="quota",
        when="a code of a spent or overdue account, such as `insufficient_quota`, `Arrearage` or 1113",
        said=_select_codes("credit"),
    ),
    KindRule(
        number=8,
        kind="quota",
        when="status 402, or the words of missing credit; with a delay to wait for it is `rate_limit`",
        decide=_classify_unpaid,
    ),
    KindRule(
        number=9,
        kind="not_found_model",
        when="a code of an unknown model, such as `model_not_found` or `DeploymentNotFound`",
        said=_select_codes("unknown-model"),
    ),
    KindRule(
        number=10,
        kind="server",
        when="a code that says that the model failed, such as `tool_use_failed`",
        said=WORD_LISTS["model-failed"],
    ),
    KindRule(
        number=11,
        kind="not_found_route",
        when="status 405, or the words of a route that is not there, such as “unexpected endpoint or method”",
        statuses=frozenset({405}),
        said=WORD_LISTS["route"],
    ),
    KindRule(
        number=12,
        kind="invalid_request",
        when="status 400, 404, 422, 500, 501 or none, and the words of a feature that is not supported there",
        said=WORD_LISTS["unsupported"],
        words_at=frozenset({400, 404, 422, 500, 501, None}),
    ),
    KindRule(
        number=13,
        kind="not_found_model",
        when="status 400, 404, 410, 422 or none, and the words of a model that is not there",
        said=WORD_LISTS["unknown-model"],
        words_at=frozenset({400, 404, 410, 422, None}),
    ),
    KindRule(
        number=14,
        kind="permission",
        when="status 400, 401, 404 or none, and the words of a permission, a data policy or a region",
        said=WORD_LISTS["permission"].select_words(),
        words_at=frozenset({400, 401, 404, None}),
    ),
    KindRule(
        number=15,
        kind="not_found_route",
        when="status 404; one that names a parameter or another thing is `invalid_request`, "
        "one that speaks of a model `not_found_model`, a code of a permission `permission`",
        decide=_classify_missing,
    ),
    KindRule(
        number=16,
        kind="auth",
        when="status 401, a code such as `invalid_api_key`; at 400, 403, 500 or none the words of a wrong key",
        statuses=frozenset({401}),
        said=WORD_LISTS["wrong-key"],
        words_at=frozenset({400, 403, 500, None}),
    ),
    KindRule(
        number=17,
        kind="permission",
        when="status 403, a code or type such as `permission_error` or `permission_denied`",
        statuses=frozenset({403}),
        said=_select_codes("permission"),
    ),
    KindRule(
        number=18,
        kind="rate_limit",
        when="status 429, a code or type of a rate limit; at 500 or none also the words",
        statuses=frozenset({429}),
        said=WORD_LISTS["rate-limit"],
        words_at=frozenset({500, None}),
        yields_to_type=True,
    ),
    KindRule(
        number=19,
        kind="overloaded",
        when="status 503 or 529, a code or type of an overload; at 500, 502 or none also the word",
        statuses=frozenset({503, 529}),
        said=WORD_LISTS["overloaded"],
        words_at=frozenset({500, 502, None}),
        yields_to_type=True,
    ),
    KindRule(
        number=20,
        kind="timeout",
        when="status 408, 504, 522 or 524, `timeout` or `timeout_error`; at 500, 502 or none also the words",
        statuses=frozenset({408, 504, 522, 524}),
        said=WORD_LISTS["timeout"],
        words_at=frozenset({500, 502, None}),
        yields_to_type=True,
    ),
    KindRule(
        number=21,
        kind="invalid_request",
        when="status 500, 501, 502 or none, and the words of a request that can never be served as it is",
        said=WORD_LISTS["client-mistake"],
        words_at=_MISTAKE_AT,
    ),
    KindRule(number=22, kind="invalid_request", when="any other 4xx", decide=_classify_other_4xx),
    KindRule(number=23, kind="server", when="any other 5xx", decide=_classify_other_5xx),
    KindRule(
        number=24,
        kind="server",
        when="no status: a type that blames the request is `invalid_request`, `not_found_error` is `not_found_route`",
        decide=_classify_without_status,
    ),
)
"""In order; the last one always decides."""
