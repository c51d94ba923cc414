"""One line a server and dialect: what the ladder and the library said."""

import re
from collections import Counter
from typing import Any

from tools.servers.asking import Asked

_NOT_TOLD = ("pass", "skipped")
_COUNTED = re.compile(r"([a-z0-9.-]+\.[a-z0-9-]+) ×(\d+)")


def summarise(name: str, version: str, asked: Asked) -> str:
    """A paragraph of plain text."""
    lines = [f"{name} ({version}), {asked.schema}"]
    if asked.check is not None:
        lines.append(f"  ladder: {_told_rungs(asked.check)}")
    if asked.run is not None:
        lines.append(f"  library: {_told_samples(asked.run)}")
    lines.append(f"  findings: {_told_findings(asked)}")
    lines += [f"  problem: {problem}" for problem in asked.problems]
    return "\n".join(lines)


def _told_rungs(check: dict[str, Any]) -> str:
    told = [f"{one['name']} {one['verdict']}" for one in check["rungs"] if one["verdict"] not in _NOT_TOLD]
    return ", ".join(told) or "everything passed"


def _told_samples(run: dict[str, Any]) -> str:
    rows = [row for row in run["tables"]["errors"] if row["n"]]
    return "; ".join(f"{row['scenario']} {row['as_wanted']} of {row['n']} ({row['seen']})" for row in rows)


def _told_findings(asked: Asked) -> str:
    """Of the ladder's exchanges, and of the library's; in the library a call's finding stands in two tables, so the
    larger count is taken."""
    ladder: Counter[str] = Counter()
    for rung in asked.check["rungs"] if asked.check else []:
        ladder.update(found["check"] for found in rung["findings"])
    library: Counter[str] = Counter()
    tables = asked.run["tables"] if asked.run else {}
    for row in [*tables.get("streaming", []), *tables.get("tools", [])]:
        for rule, times in _COUNTED.findall(row["findings"]):
            library[rule] = max(library[rule], int(times))
    return ", ".join(f"{rule} ×{times}" for rule, times in (ladder + library).most_common()) or "none"
