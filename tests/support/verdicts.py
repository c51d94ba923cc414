"""What a case expects, held against what was read: every difference as one line of text."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from support.cases import Case

from byok_bench.checks.finding import Finding
from byok_bench.dialects.output import Output
from byok_bench.wire.failures import Failure

_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


def finding_differences(case: Case, found: Sequence[Finding], *, info_may_miss: bool = False) -> Iterator[str]:
    """Findings of error and warn must be those of the case, no more and no less.

    Of info only the file's own rule and those listed in the case are compared; `info_may_miss` lets them miss.
    """
    wanted = {(expected.severity, expected.check) for expected in case.findings if not expected.optional}
    allowed = {(expected.severity, expected.check) for expected in case.findings}
    got = {(one.severity, one.check) for one in found}
    for severity, check in sorted(wanted - got):
        if severity != "info" or not info_may_miss:
            yield f"missing: {severity} {check}"
    for one in sorted(found, key=lambda one: one.check):
        if (one.severity, one.check) not in allowed and (one.severity != "info" or one.check == case.file):
            yield f"unexpected: {one.severity} {one.check} event={one.event}: {one.message}"
    for one in found:
        yield from _misplaced(case, one)


def _misplaced(case: Case, one: Finding) -> Iterator[str]:
    places = [expected for expected in case.findings if expected.check == one.check]
    events = {expected.event for expected in places if expected.event is not None}
    if events and one.event not in events:
        yield f"{one.check} is at event {one.event}, not at {sorted(events)}"
    offsets = {expected.offset for expected in places if expected.offset is not None}
    if offsets and one.offset not in offsets:
        yield f"{one.check} is at byte {one.offset}, not at {sorted(offsets)}"


def output_differences(expected: dict[str, Any] | None, output: Output) -> Iterator[str]:
    """Each member that the case asserts."""
    for name, value in (expected or {}).items():
        if name == "tool_calls":
            yield from _call_differences(value, output)
        elif name == "usage":
            got = None if output.usage is None else {key: getattr(output.usage, key) for key in _COUNTS}
            if got is None or value is None:
                same = got is value is None
            else:
                same = all(got[key] == value[key] for key in _COUNTS if key in value)
            if not same:
                yield f"usage is {got}, not {value}"
        elif getattr(output, name) != value:
            yield f"{name} is {getattr(output, name)!r}, not {value!r}"


def _call_differences(calls: list[dict[str, Any]], output: Output) -> Iterator[str]:
    got = [(one.name, plain(one.arguments)) for one in output.tool_calls]
    want = [(one["name"], plain(one["arguments"])) for one in calls]
    if got != want:
        yield f"calls are {got}, not {want}"
        return
    for one, call in zip(output.tool_calls, calls, strict=True):
        # An id that the server never sent may be made up.
        if call["id"] is not None and one.id != call["id"]:
            yield f"id of {one.name} is {one.id!r}, not {call['id']!r}"


def plain(arguments: str) -> Any:
    """Arguments as they are compared: as JSON if they parse, empty as {}."""
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments


def failure_differences(expected: dict[str, Any] | None, got: Failure | None) -> Iterator[str]:
    """Each member that the case asserts; an empty dict asserts nothing."""
    if expected == {}:
        return
    if expected is None or got is None:
        if got is not None:
            yield f"unexpected failure: {got.kind}: {got.message}"
        elif expected is not None:
            yield f"no failure, where {expected['kind']} was expected"
        return
    for name, value in expected.items():
        have = getattr(got, name)
        if name == "message":
            same = value in have
        elif name == "retry_after_s" and value is not None and have is not None:
            same = abs(have - value) <= max(1.5, value / 10)
        else:
            same = have == value
        if not same:
            yield f"failure.{name} is {have!r}, not {value!r}"
