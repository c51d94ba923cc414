"""docs/sdk.md, made from real runs: every fault that a chat stream can have, read by the OpenAI SDK and by us."""

import asyncio
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from support.sdk import READERS, Seen, seen_by
from support.sdk_words import code, numbered, told
from support.simulated import KEY, body_of

from byok_bench.backends.simulator.faults import Fault, list_faults
from byok_bench.backends.simulator.faults.fault import leave_visit
from byok_bench.backends.simulator.server import Simulator
from byok_bench.checks.registry import load_catalogue as checks
from byok_bench.checks.registry import run_checks
from byok_bench.endpoints.send import send
from byok_bench.wire.limits import Timeouts

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "sdk.md"
LEGAL: list[dict[str, Any]] = tomllib.loads((ROOT / "tests" / "cases" / "sdk.toml").read_text("utf-8"))["otherwise"]
OTHERWISE: Mapping[str, Mapping[str, str]] = {
    case: {name: entry[name] for name in ("loop", "helper") if name in entry}
    for entry in LEGAL
    for case in entry["cases"]
}
"""Legal stream → what its readers get in place of the answer as sent."""

WAITS = ("stream.stall", "silence")
"""Faults that are noticed by waiting; only these are read in haste, so that a busy machine looks like none of them."""
HASTE_S = 1.0
_SAME = "the answer as sent"
_OTHER = "another answer, and no exception"
_PASSIVE = {one.id for one in checks() if one.mode == "passive"}
FAULTS = [
    fault
    for fault in list_faults()
    if fault.route in (None, "chat") and "document" not in fault.needs and (fault.id in _PASSIVE or not fault.is_check)
]
"""Faults that show in one streamed chat answer."""
_GROUPS = {
    "stream": "The stream",
    "delta": "Text and choices",
    "finish": "The end of an answer",
    "tool": "Tool calls",
    "usage": "Usage",
    "reasoning": "Reasoning",
    "structured": "JSON mode",
    "error": "Errors",
    "http": "HTTP",
    "": "Servers that fail",
}


@dataclass(frozen=True)
class Row:
    """What each reader says about one fault."""

    fault: Fault
    loop: str
    helper: str
    findings: tuple[str, ...]
    kind: str | None


async def row_of(fault: Fault) -> Row:
    """One fault, met by each reader. What was meant is what the same server sends without the fault's last step."""
    body: dict[str, Any] = {"model": "simulator-1", **body_of(fault, "chat")}
    async with Simulator(api_key=KEY, faults=[fault.id], ttft_ms=0, gap_ms=0) as server:
        server.faults.faults = [replace(fault, before=leave_visit, after=leave_visit)]
        want = numbered(await seen_by(READERS["chat"]["loop"], server.base_url, body, key=KEY))
    words = {name: told(await _met(fault, name, body), want) for name in ("loop", "helper")}
    timeouts = Timeouts(first_byte=HASTE_S, idle=HASTE_S) if fault.id in WAITS else None
    async with Simulator(api_key=KEY, faults=[fault.id], ttft_ms=0, gap_ms=0) as server:
        exchange = await send(server.endpoint, body, timeouts=timeouts)
    found = {one.check for one in run_checks(exchange) if one.severity != "info" or one.check == fault.id}
    return Row(fault, words["loop"], words["helper"], tuple(sorted(found)), _kind(exchange.error))


async def _met(fault: Fault, name: str, body: Mapping[str, Any]) -> Seen:
    timeout = HASTE_S if fault.id in WAITS else 30.0
    async with Simulator(api_key=KEY, faults=[fault.id], ttft_ms=0, gap_ms=0) as server:
        return numbered(await seen_by(READERS["chat"][name], server.base_url, body, key=KEY, timeout=timeout))


def _kind(failure: Any) -> str | None:
    return None if failure is None else failure.kind


async def rows() -> list[Row]:
    """Every fault, one after the other."""
    return [await row_of(fault) for fault in FAULTS]


def page(met: Sequence[Row]) -> str:
    """The page's Markdown."""
    loops = Counter(_sort(row.loop) for row in met)
    helpers = Counter(_sort(row.helper) for row in met)
    lines = [
        "<!-- Written by tools/make_sdk_page.py, from real runs. -->",
        _HEAD.format(version=_version(), faults=len(met)),
        "| | the loop | the helper |",
        "|---|---|---|",
        *(f"| {name} | {loops[name]} | {helpers[name]} |" for name in ("raises", _OTHER, _SAME)),
        "",
        "## Faulty streams",
        *_faulty(met),
        _LEGAL_HEAD,
        "| the stream | the loop | the helper | why |",
        "|---|---|---|---|",
        *(_legal(entry) for entry in LEGAL),
    ]
    return "\n".join(lines) + "\n"


def _sort(words: str) -> str:
    return _SAME if not words else "raises" if words.startswith("raises") else _OTHER


def _faulty(met: Sequence[Row]) -> Iterator[str]:
    for group, title in _GROUPS.items():
        mine = [row for row in met if (row.fault.id.split(".")[0] if row.fault.is_check else "") == group]
        yield from ("", f"### {title}", "")
        yield from ("| fault | the loop | the helper | byok-bench |", "|---|---|---|---|")
        yield from (_line(row) for row in mine)
    yield ""


def _line(row: Row) -> str:
    name = f"[{row.fault.id}](checks/{row.fault.id}.md)" if row.fault.is_check else f"`{row.fault.id}`"
    helper = "the same" if row.helper == row.loop and row.loop else row.helper or _SAME
    ours = [code(check) for check in row.findings] + ([f"failure {code(row.kind)}"] if row.kind else [])
    about = row.fault.about.replace("|", "\\|")
    return f"| {name}: {about} | {row.loop or _SAME} | {helper} | {', '.join(ours) or 'nothing'} |"


def _legal(entry: Mapping[str, Any]) -> str:
    loop, helper = entry.get("loop"), entry.get("helper")
    same = "the same" if helper == loop and loop else helper or _SAME
    return f"| {entry['what']} | {loop or _SAME} | {same} | {entry['why']} |"


def _version() -> str:
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text("utf-8").split() if "==" in line)
    return pins["openai"]


_HEAD = """# What your SDK does not tell you

A client library wants to hand you an answer; it is no verifier, and being lenient is part of its task.
This page shows what lenient means where a server does one thing otherwise, for each of {faults} such things:
what a program gets from the OpenAI Python SDK {version}, and what byok-bench says about the same bytes.
`byok-bench serve --fault ID` breaks a stream for your own program in the same way.

* **The loop** is that of the SDK's documentation: `async for chunk in stream`, with text added up
  and calls put together by their index.
  It reads choice 0, passes over chunks without choices, and keeps the first id and name of a call.
* **The helper** is `client.chat.completions.stream()` with `get_final_completion()`.
* A request that was about to leave for another host was stopped there.
* Retries are off (`max_retries=0`; the default repeats connection errors, time-outs, 408, 409, 429 and 5xx twice).
  A `TypeError` or `AttributeError` is mostly raised by the loop's own `+=`,
  on a value that is not of its documented type.
* `APITimeoutError` comes when nothing arrived for the read timeout: 600 s unless you set one.
* "The answer as sent" is what the simulator sends without the fault. What is compared is choice 0:
  text, refusal, calls, finish reason, usage.
* The last column names rules ([one page each](checks/index.md)) and the [failure kind](errors.md), where there is one.

## In short

What {faults} faults come to:
"""

_LEGAL_HEAD = """## Legal streams

More than 300 streams of the test corpus break no rule.
Both ways of reading give text, refusal, calls, finish reason and usage of choice 0
as byok-bench does, on all of them but these:
"""


def written() -> str:
    """The page from fresh runs."""
    return page(asyncio.run(rows()))
