"""Keys out of log records and uncaught exceptions: message, arguments and formatted traceback.

The loggers of the HTTP libraries print headers at DEBUG; they are off until a user turns them on, and then
their records pass through here. The keys in use are remembered, in memory alone: for the life of the process,
or inside `forget_afterwards()` until its end.
Rules: docs/secrets.md, section "Where text goes out".
"""

import logging
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from types import TracebackType
from typing import Final
from weakref import WeakSet

from byok_bench.redact import redact

GUARDED_LOGGERS: Final = (
    "byok_bench", "asyncio", "h11", "h2", "hpack", "httpx", "keyring",
    # A filter sees the records of its own logger alone, not of the ones below it.
    "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks",
    "hpack.hpack", "hpack.table",
)  # fmt: skip


class _SecretsInUse:
    """Secrets in use together, gone with this object."""

    def __init__(self) -> None:
        self.secrets: set[str] = set()


_of_process: Final = _SecretsInUse()
_in_use: Final[WeakSet[_SecretsInUse]] = WeakSet([_of_process])
_current: Final = ContextVar("_current", default=_of_process)


def remember(secrets: Iterable[str]) -> None:
    """Take these out of every guarded record from now on; puts the filters in place."""
    guard_loggers()
    _current.get().secrets.update(secrets)


def list_remembered_secrets() -> tuple[str, ...]:
    """The secrets in use in this process."""
    return tuple(secret for known in list(_in_use) for secret in tuple(known.secrets))


@contextmanager
def forget_afterwards() -> Iterator[None]:
    """What is remembered inside (by this task and those it starts) is forgotten at the end."""
    known = _SecretsInUse()
    _in_use.add(known)
    token = _current.set(known)
    try:
        yield
    finally:
        _current.reset(token)
        _in_use.discard(known)
        known.secrets.clear()


class RedactingFilter(logging.Filter):
    """Rewrites a record so that no handler behind it can print a key; lets every record pass."""

    def __init__(self, secrets: Callable[[], Iterable[str]] = list_remembered_secrets) -> None:
        super().__init__()
        self._secrets = secrets

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true. Arguments go into the message, the exception into its text."""
        secrets = tuple(self._secrets())
        record.msg, record.args = redact(_format_message(record), secrets), ()
        if record.exc_info:
            formatted = logging.Formatter().formatException(record.exc_info)
            record.exc_info, record.exc_text = None, formatted
        if record.exc_text:
            record.exc_text = redact(record.exc_text, secrets)
        if record.stack_info:
            record.stack_info = redact(record.stack_info, secrets)
        return True


def guard_loggers() -> None:
    """Put the filter on each guarded logger that has none (any more): a user may set up logging anew at any time."""
    loggers, redacting = _guard()
    for logger in loggers:
        logger.addFilter(redacting)


@cache
def _guard() -> tuple[list[logging.Logger], RedactingFilter]:
    """The guarded loggers, which live as long as the process, and their filter: every request asks for them."""
    return [logging.getLogger(name) for name in GUARDED_LOGGERS], RedactingFilter()


def guard_excepthook() -> None:
    """Print uncaught exceptions redacted from now on (for a process of our own, never for a user's kernel)."""

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        sys.stderr.write(redact(text, list_remembered_secrets()))

    sys.excepthook = show


def _format_message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit; logging itself would print them to stderr
        return f"{record.msg} {record.args}"
