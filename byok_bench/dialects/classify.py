"""From an error answer, or an error inside a stream, to a Failure.

The order of the rules is in classify_rules.py, the parts of an error in error_body.py, the delay in
retry_after.py. A transport that failed is not judged here: its Failure is in the record already.
"""

import time

from byok_bench.dialects.classify_rules import RULES, Facts
from byok_bench.dialects.error_body import ErrorBody, read_body, read_text, read_value
from byok_bench.dialects.retry_after import retry_after_s
from byok_bench.dialects.server_text import printable, shortened
from byok_bench.redact import redact
from byok_bench.wire.failures import RETRYABLE_KINDS, Failure
from byok_bench.wire.raw import RawHead


def failure_of_answer(head: RawHead, body: bytes, *, now: float | None = None) -> Failure:
    """The failure that an answer reports: any status from 300 on, or a 2xx that is no good answer.

    `body` after content decoding. `now` is seconds since the epoch, for a Retry-After date.
    """
    said = read_body(body, head.header("content-type") or "")
    is_error = head.status >= 300 or said.is_error
    return _failure(said, head, head.status, is_error, "headers" if _is_redirect(head) else "body", now)


def failure_of_page(head: RawHead, body: bytes) -> Failure:
    """The failure of a page with a 2xx status: kind protocol, even if what is labelled as one is an error in JSON."""
    said = read_body(body, head.header("content-type") or "")
    return _failure(said, head, head.status, False, "body", None)


def failure_of_object(
    value: object, *, head: RawHead | None, phase: str = "stream", now: float | None = None
) -> Failure:
    """The failure that an error object reports; a string is the server's words, be it JSON or not."""
    said = read_text(value) if isinstance(value, str) else read_value(value)
    http = head.status if head is not None and head.status >= 400 else None
    return _failure(said, head, http, True, phase, now)


def _is_redirect(head: RawHead) -> bool:
    return 300 <= head.status < 400


def _failure(
    said: ErrorBody, head: RawHead | None, http: int | None, is_error: bool, phase: str, now: float | None
) -> Failure:
    status = http if http is not None and http >= 300 else said.named_status
    delay = retry_after_s(
        head, status=status, delays=said.delays, text=said.text, now=time.time() if now is None else now
    )
    facts = Facts(http=http, status=status, is_error=is_error, body=said, delay_s=delay)
    kind = next(kind for rule in RULES if (kind := rule.kind_of(facts)))
    return Failure(
        kind=kind,
        phase=phase,
        message=_message(said, head, http),
        retryable=_retryable(kind, head),
        retry_after_s=delay,
        status=status or (head.status if head is not None else None),
        code=said.code,
    )


def _message(said: ErrorBody, head: RawHead | None, http: int | None) -> str:
    status = f"HTTP {http}" if http is not None else "an error without a message"
    words = said.words or (f"{status}: {said.shown}" if said.shown else status)
    if head is not None and _is_redirect(head):
        location = printable(head.header("location") or "")
        words = f"{words} (Location: {_without_query(location)})" if location else f"{words} (no Location)"
    return shortened(redact(words, ()))


def _without_query(location: str) -> str:
    """A query may carry what only the asked server should know."""
    return location.partition("?")[0].partition("#")[0]


def _retryable(kind: str, head: RawHead | None) -> bool:
    asked = (head.header("x-should-retry") or "").strip().lower() if head is not None else ""
    return asked == "true" if asked in ("true", "false") else kind in RETRYABLE_KINDS
