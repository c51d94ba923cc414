"""Keys out of log records and uncaught exceptions: message, arguments and formatted traceback.

The loggers of the HTTP libraries print headers at DEBUG; they are off until a user turns them on, and then
their records pass through here. The keys in use are remembered for the life of the process, in memory alone.
Rules: docs/secrets.md, section "Where text goes out".
"""

import logging
import sys
import traceback
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Final

from byok_bench.redact import redact

GUARDED_LOGGERS: Final = (
    "byok_bench", "asyncio", "h11", "h2", "hpack", "httpx", "keyring",
    # A filter sees the records of its own logger alone, not of the ones below it.
    "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks",
    "hpack.hpack", "hpack.table",
)  # fmt: skip

_in_use: Final[set[str]] = set()


def remember(secrets: Iterable[str]) -> None:
    """Take these out of every guarded record from now on; the first call puts the filters in place."""
    if not _in_use:
        guard_loggers()
    _in_use.update(secrets)


def remembered() -> tuple[str, ...]:
    """The secrets that were used in this process."""
    return tuple(_in_use)


class RedactingFilter(logging.Filter):
    """Rewrites a record so that no handler behind it can print a key; lets every record pass."""

    def __init__(self, secrets: Callable[[], Iterable[str]] = remembered) -> None:
        super().__init__()
        self._secrets = secrets

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true. Arguments go into the message, the exception into its text."""
        secrets = tuple(self._secrets())
        record.msg, record.args = redact(_message(record), secrets), ()
        if record.exc_info:
            formatted = logging.Formatter().formatException(record.exc_info)
            record.exc_info, record.exc_text = None, formatted
        if record.exc_text:
            record.exc_text = redact(record.exc_text, secrets)
        if record.stack_info:
            record.stack_info = redact(record.stack_info, secrets)
        return True


def guard_loggers(names: Iterable[str] = GUARDED_LOGGERS) -> None:
    """Put the filter on each logger that has none yet."""
    for name in names:
        logger = logging.getLogger(name)
        if not any(isinstance(one, RedactingFilter) for one in logger.filters):
            logger.addFilter(RedactingFilter())


def guard_excepthook() -> None:
    """Print uncaught exceptions redacted from now on (for a process of our own, never for a user's kernel)."""

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        sys.stderr.write(redact(text, remembered()))

    sys.excepthook = show


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit; logging itself would print them to stderr
        return f"{record.msg} {record.args}"
