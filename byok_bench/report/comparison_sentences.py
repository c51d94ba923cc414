"""What changed, in words, worst first: one sentence for each pair of targets and metric of which something is shown."""

from collections.abc import Iterator, Sequence
from typing import Final

from byok_bench.report.columns import get_heading
from byok_bench.report.comparison_lines import ALL, FAILURES
from byok_bench.report.table_parts import Line

_SHOWN: Final = ("B is slower", "B is faster", "B fails more", "B fails less")


def describe_changes(lines: Sequence[Line]) -> list[str]:
    """Failures first, then what became slower by how much, what became quicker, and last what is not decided."""
    overall = [line for line in lines if line["scenario"] == ALL]
    shown = [line for line in overall if line["verdict"].startswith(_SHOWN) or _has_failures(line)]
    told = [_describe(line, lines) for line in sorted(shown, key=_rank)]
    return [*told, *_describe_rest([line for line in overall if line not in shown])]


def _has_failures(line: Line) -> bool:
    return bool(line["metric"] == FAILURES and line["failed_a"] != line["failed_b"])


def _rank(line: Line) -> tuple[bool, bool, float]:
    """Failures, then worse, then better; each by how much."""
    change = line["difference_percent"] or 0.0
    return line["metric"] != FAILURES, (line["difference"] or 0.0) < 0, -abs(change)


def _describe(line: Line, lines: Sequence[Line]) -> str:
    if line["metric"] == FAILURES:
        word = {True: "more", False: "fewer"}[line["failed_b"] > line["failed_a"]]
        sure = "" if line["verdict"].startswith("B fails") else "; whether that is chance is undecided"
        return (
            f"{line['target']}: {word} failures, {line['failed_b']} of {line['pairs']} after {line['failed_a']} "
            f"({_render_share(line)}){sure}"
        )
    word = "rose" if line["difference"] > 0 else "fell"
    ends = sorted((abs(line["low"]), abs(line["high"])))
    percent = "" if line["difference_percent"] is None else f", {abs(line['difference_percent']):.0f} %"
    metric = get_heading(line["metric"]).removesuffix(" ms")
    return (
        f"{metric} of {line['target']} {word} by {abs(line['difference']):.3g} ms "
        f"({ends[0]:.3g}–{ends[1]:.3g}{percent}){_describe_spread(line, lines)}"
    )


def _render_share(line: Line) -> str:
    points = 100 * (line["difference"] or 0.0)
    if line["low"] is None or line["high"] is None:
        return f"{points:+.1f} points"
    return f"{points:+.1f} points, {100 * line['low']:+.1f} to {100 * line['high']:+.1f}"


def _describe_spread(line: Line, lines: Sequence[Line]) -> str:
    """On how many scenarios the same is shown by itself."""
    mine = [one for one in lines if (one["target"], one["metric"]) == (line["target"], line["metric"])]
    single = [one for one in mine if one["scenario"] != ALL]
    if len(single) < 2:
        return ""
    others = [one["verdict"] for one in single if not one["verdict"].startswith(line["verdict"][:11])]
    if len(others) == len(single):
        return ""
    rest = "shows no difference" if all(one.startswith("no difference") for one in others) else "is undecided by itself"
    shown = f"{len(single) - len(others)} of {len(single)} scenarios"
    return f" on {shown}; the rest {rest}" if others else " on all"


def _describe_rest(lines: Sequence[Line]) -> Iterator[str]:
    """What shows no change, and what is not decided, one sentence each."""
    for begins, told in (("no difference", "no change is shown in"), ("undecided", "undecided:")):
        found = [line for line in lines if line["verdict"].startswith(begins)]
        names = dict.fromkeys(get_heading(line["metric"]).removesuffix(" ms") for line in found)
        if names:
            yield f"{told} {', '.join(names)}{_describe_reason(found) if begins == 'undecided' else ''}"


def _describe_reason(lines: Sequence[Line]) -> str:
    reasons = dict.fromkeys(line["verdict"].partition(": ")[2] for line in lines)
    return f" ({'; '.join(filter(None, reasons))})" if any(reasons) else ""
