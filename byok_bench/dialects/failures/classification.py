"""From an error answer, or an error inside a stream, to a Failure.

The order of the rules is in kind_rules.py, the parts of an error in error_body.py, the delay in
retry_after.py. A transport that failed is not judged here: its Failure is in the record already.
"""

import time
from typing import Final

import msgspec

from byok_bench.dialects.failures.durations import read_http_date_s
from byok_bench.dialects.failures.error_body import (
    ErrorBody,
    read_error_body,
    read_error_text,
    read_error_value,
)
from byok_bench.dialects.failures.kind_rules import KIND_RULES, ErrorFacts
from byok_bench.dialects.failures.oversized_requests import is_over_whole_limit
from byok_bench.dialects.failures.redirect_location import render_location
from byok_bench.dialects.failures.retry_after import read_delay
from byok_bench.dialects.server_text import shorten_text
from byok_bench.redact import redact
from byok_bench.wire.failures import RETRYABLE_KINDS, Failure
from byok_bench.wire.raw_exchange import RawHead

WEB_PAGE: Final = "web_page"
"""Code of a failure that is a web page in place of an answer."""


def classify_error_answer(head: RawHead, body: bytes, *, url: str = "") -> Failure:
    """The failure that an answer reports: any status from 300 on, or a 2xx that is no good answer.

    `body` after content decoding. `url` is the one that was asked: what a relative Location starts from.
    """
    said = read_error_body(body, head.get_header("content-type") or "")
    is_error = head.status >= 300 or said.is_error
    if _is_redirect(head):
        said = msgspec.structs.replace(said, words=_describe_redirect(said, head, url))
    return _make_failure(said, head, head.status, is_error, "headers" if _is_redirect(head) else "body")


def classify_page(head: RawHead, body: bytes) -> Failure:
    """The failure of a 2xx answer that is a web page: no answer of an API, even if its text reads like an error."""
    said = read_error_body(body, head.get_header("content-type") or "")
    return msgspec.structs.replace(_make_failure(said, head, head.status, False, "body"), code=WEB_PAGE)


def classify_error_object(value: object, *, head: RawHead | None, phase: str = "stream") -> Failure:
    """The failure that an error object reports; a string is the server's words, be it JSON or not."""
    said = read_error_text(value) if isinstance(value, str) else read_error_value(value)
    http = head.status if head is not None and head.status >= 400 else None
    return _make_failure(said, head, http, True, phase)


def _is_redirect(head: RawHead) -> bool:
    return 300 <= head.status < 400


def _make_failure(said: ErrorBody, head: RawHead | None, http: int | None, is_error: bool, phase: str) -> Failure:
    status = http if http is not None and http >= 300 else said.named_status
    delay = read_delay(head, status=status, body=said.delays, text=said.text, now=_find_receipt_s(head))
    facts = ErrorFacts(http=http, status=status, is_error=is_error, body=said, delay_s=delay)
    kind = next(kind for rule in KIND_RULES if (kind := rule.find_kind(facts)))
    return Failure(
        kind=kind,
        phase=phase,
        message=_make_message(said, head),
        retryable=_is_retryable(kind, head, status, said.text),
        retry_after_s=delay,
        status=status or (head.status if head is not None else None),
        code=said.code,
    )


def _find_receipt_s(head: RawHead | None) -> float:
    """When a date in the head was read: at receipt, so that a stored exchange gives the same delay later."""
    if head is None:
        return time.time()
    told = read_http_date_s(head.get_header("date") or "") if head.received_s is None else head.received_s
    return time.time() if told is None else told


def _make_message(said: ErrorBody, head: RawHead | None) -> str:
    status = f"HTTP {head.status}" if head is not None else "an error without a message"
    words = said.words or (f"{status}: {said.excerpt}" if said.excerpt else status)
    return shorten_text(redact(words, ()))


def _describe_redirect(said: ErrorBody, head: RawHead, url: str) -> str:
    """The words of a redirect, and where it points."""
    location = head.get_header("location")
    shown = f"Location: {render_location(location, url)}" if location else "no Location"
    return f"{said.words or said.excerpt or f'HTTP {head.status}'} ({shown})"


def _is_retryable(kind: str, head: RawHead | None, status: int | None, text: str) -> bool:
    """Whether the same request can pass later. A server's own word on that comes first."""
    asked = (head.get_header("x-should-retry") or "").strip().lower() if head is not None else ""
    if asked in ("true", "false"):
        return asked == "true"
    return kind in RETRYABLE_KINDS and not (status == 413 or is_over_whole_limit(text, status))
