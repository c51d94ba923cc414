"""Log records and uncaught exceptions leave without keys."""

import asyncio
import io
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from byok_bench.redact import REDACTED
from byok_bench.redact.logs import (
    GUARDED_LOGGERS,
    RedactingFilter,
    forget_afterwards,
    guard_loggers,
    list_remembered_secrets,
    remember,
)

KEY = "sk-log-1234567890"


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A logger with the filter and a handler that writes into a string."""
    logger = logging.getLogger("tests.redacting")
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    redacting = RedactingFilter(lambda: (KEY,))
    logger.addFilter(redacting)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield logger, written
    logger.removeHandler(handler)
    logger.removeFilter(redacting)


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        (f"sent {KEY}", ()),
        ("headers %r", ({"Authorization": f"Bearer {KEY}"},)),
        ("%s and %d", (KEY, 3)),
        ("headers=%s", ([(b"x-api-key", b"never-told-1")],)),
        (f"wrong %d arguments {KEY}", ("x",)),
    ],
)
def test_a_key_leaves_message_and_arguments(
    log: tuple[logging.Logger, io.StringIO], message: str, arguments: tuple[object, ...]
) -> None:
    """Whether the key is in the message or in its arguments, the line that is written has none."""
    logger, written = log
    logger.info(message, *arguments)
    assert KEY not in written.getvalue()
    assert "never-told-1" not in written.getvalue()
    assert REDACTED in written.getvalue()


def test_a_key_leaves_the_traceback(log: tuple[logging.Logger, io.StringIO]) -> None:
    """An exception that holds the key is written without it, and its frames stay readable."""
    logger, written = log
    try:
        raise ValueError(f"Illegal header value b'Bearer {KEY} '")
    except ValueError:
        logger.exception("failed", stack_info=True)
    assert KEY not in written.getvalue()
    assert "ValueError: Illegal header value b'Bearer [redacted] '" in written.getvalue()
    assert "test_redact_logs.py" in written.getvalue()


def test_the_filters_are_put_in_place_once() -> None:
    """However often keys are used, each guarded logger has one filter."""
    guard_loggers()
    guard_loggers()
    for name in GUARDED_LOGGERS:
        filters = [one for one in logging.getLogger(name).filters if isinstance(one, RedactingFilter)]
        assert len(filters) == 1, name


def test_a_filter_that_was_taken_away_comes_back() -> None:
    """Whoever sets up logging anew between two requests loses no redaction."""
    guard_loggers()
    logging.getLogger("httpcore.http11").filters.clear()
    remember([])
    assert any(isinstance(one, RedactingFilter) for one in logging.getLogger("httpcore.http11").filters)


def test_an_uncaught_exception_is_printed_without_the_key() -> None:
    """A process that guards its excepthook prints a traceback, but not the key in it."""
    program = (
        "from byok_bench.redact.logs import guard_excepthook, remember\n"
        f"remember(['{KEY}'])\nguard_excepthook()\nraise RuntimeError('{KEY[:9]}' + '{KEY[9:]}')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"RuntimeError: {REDACTED}" in done.stderr


def test_what_is_transient_is_forgotten() -> None:
    """Inside the block the key is taken out of records; afterwards this process no longer holds it."""
    before = set(list_remembered_secrets())
    with forget_afterwards():
        remember([KEY])
        assert KEY in list_remembered_secrets()
    assert set(list_remembered_secrets()) == before


async def test_a_task_started_inside_shares_what_is_transient() -> None:
    """A key that a child task or a thread resolved goes with the block it was resolved for."""
    before = set(list_remembered_secrets())
    with forget_afterwards():
        await asyncio.gather(asyncio.to_thread(remember, [KEY]))
        assert KEY in list_remembered_secrets()
    assert set(list_remembered_secrets()) == before
