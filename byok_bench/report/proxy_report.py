"""What a proxy changes: the same requests direct and through it, what became of the answers, and the time it adds."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from html import escape
from pathlib import Path
from typing import Any, Final

import msgspec

from byok_bench.dialects.timing import Timing
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.report.printable_text import describe_count
from byok_bench.report.proxy_sentences import list_sentences
from byok_bench.report.stats import Interval, median, paired
from byok_bench.report.table_parts import Line, round_number
from byok_bench.runs.differential.changes import Change, list_changes
from byok_bench.runs.differential.pairs import OnPair, Pair, Sides, check_sides, play_pairs, select_playable
from byok_bench.runs.planning.plan import check_counts
from byok_bench.scenarios.scenario import Scenario
from byok_bench.scenarios.selection import find_scenarios
from byok_bench.wire.client import Client

REPORT_VERSION: Final = 2
REPEATS: Final = 5
METRICS: Final[Mapping[str, Callable[[Timing], float | None]]] = {
    "ttft_ms": lambda one: one.ttft,
    "gap_ms": lambda one: median(one.itl).value if one.itl else None,
    "e2e_ms": lambda one: one.e2e,
}
"""Request written → first output; median time between two deltas of one answer; request written → end."""


class AddedTime(msgspec.Struct, frozen=True, kw_only=True):
    """One time on both sides, over the pairs in which neither failed."""

    metric: str
    a_ms: float | None
    b_ms: float | None
    difference: Interval
    """Median of the paired differences, B − A, ms."""
    ratio: Interval
    """Median of the paired ratios, B ÷ A."""


class ProxyReport(msgspec.Struct, frozen=True, kw_only=True):
    """A beside B, on the same requests."""

    a: str
    """Label of the endpoint that is asked directly."""
    b: str
    scenarios: tuple[str, ...]
    repeats: int
    pairs: tuple[Pair, ...]
    changes: tuple[Change, ...]
    times: tuple[AddedTime, ...]
    left_out: dict[str, str] = {}
    """`scenario/sample` → why it was not asked."""

    @property
    def sentences(self) -> list[str]:
        """What it comes to, in a few sentences."""
        said = list_sentences(self.a, self.b, self.pairs, self.changes, self.times)
        names = [*self.left_out]
        if not names:
            return said
        reason, count = self.left_out[names[0]], describe_count(len(names), "sample")
        return [*said, f"Left out: {count}, {names[0]} ({reason}){' and others' if len(names) > 1 else ''}."]

    @property
    def table(self) -> list[Line]:
        """The changes as lines: place, what, change, pairs, of, a, b."""
        names = {"place": "place", "what": "what", "change": "kind", "pairs": "pairs", "of": "of", "a": "a", "b": "b"}
        return [{key: getattr(one, field) for key, field in names.items()} for one in self.changes]

    @property
    def time_table(self) -> list[Line]:
        """The times as lines: medians of both sides, and of the differences with their interval."""
        return [
            {
                "metric": one.metric,
                "pairs": one.difference.n,
                "a": round_number(one.a_ms),
                "b": round_number(one.b_ms),
                "difference": round_number(one.difference.value),
                "low": round_number(one.difference.low),
                "high": round_number(one.difference.high),
            }
            for one in self.times
        ]

    def to_json(self) -> dict[str, Any]:
        """Plain data, version 2; of the exchanges those that a change names."""
        named = {id_ for one in self.changes for id_ in (one.exchange_a, one.exchange_b)}
        behind = {one.id: one for pair in self.pairs for one in (pair.a, pair.b) if one.id in named}
        return {
            "version": REPORT_VERSION,
            "a": self.a,
            "b": self.b,
            "scenarios": list(self.scenarios),
            "repeats": self.repeats,
            "pairs": len(self.pairs),
            "left_out": self.left_out,
            "sentences": self.sentences,
            "changes": msgspec.to_builtins(self.changes),
            "times": self.time_table,
            "exchanges": [one.to_json(with_bytes=True) for one in behind.values()],
        }

    def __str__(self) -> str:
        lines = [
            f"{one.place:<8} {one.kind:<10} {one.what:<44} {one.pairs}/{one.of}  {one.a} → {one.b}"
            for one in self.changes
        ]
        return "\n".join([*self.sentences, "", *lines])

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{escape(one)}</p>" for one in self.sentences)
        cells = [[str(cell) for cell in line.values()] for line in self.table]
        rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in cells)
        heads = "".join(f"<th style='text-align:left'>{name}</th>" for name in (self.table[0] if self.table else ()))
        return f"{said}<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


async def diff(
    a: Endpoint,
    b: Endpoint,
    scenarios: Sequence[str | Path | Scenario] | str = "agent",
    *,
    repeats: int = REPEATS,
    profile: str = "local",
    on_pair: OnPair | None = None,
    client: Client | None = None,
) -> ProxyReport:
    """The same requests to `a` directly and to `b`, a proxy in front of it, paired and interleaved: what differs.

    Each sample is played `repeats` times and once before, for caches and connections; that pair is compared and not
    timed. `on_pair` is called with each pair. Raises EndpointError for endpoints of different dialects, PlanError for
    a scenario that is none and for fewer repeats than one.
    """
    check_sides(a, b)
    check_counts(repeats, warmup=1)
    playable = select_playable(a, find_scenarios(scenarios))
    async with AsyncExitStack() as stack:
        if client is None:
            client = await stack.enter_async_context(Client())
        sides = Sides(a=a, b=b, client=client, profile=profile)
        pairs = await play_pairs(sides, playable.scenarios, repeats, on_pair or _ignore_pair)
    names = [one.name for one in playable.scenarios]
    return make_proxy_report(a.label, b.label, names, repeats, pairs, playable.left_out)


def make_proxy_report(
    a: str,
    b: str,
    scenarios: Sequence[str],
    repeats: int,
    pairs: Sequence[Pair],
    left_out: Mapping[str, str] | None = None,
) -> ProxyReport:
    """What recorded pairs show; pure."""
    return ProxyReport(
        a=a,
        b=b,
        scenarios=tuple(scenarios),
        repeats=repeats,
        pairs=tuple(pairs),
        changes=tuple(list_changes(pairs)),
        times=tuple(_measure_times(pairs)),
        left_out=dict(left_out or {}),
    )


def _measure_times(pairs: Sequence[Pair]) -> list[AddedTime]:
    timed = [pair for pair in pairs if pair.is_timed]
    made = []
    for metric, read in METRICS.items():
        both = [(first, second) for pair in timed for first, second in [(read(pair.a.timing), read(pair.b.timing))]]
        known = [(first, second) for first, second in both if first is not None and second is not None]
        before, after = [first for first, _ in known], [second for _, second in known]
        found = paired(before, after)
        made.append(
            AddedTime(
                metric=metric,
                a_ms=median(before).value,
                b_ms=median(after).value,
                difference=found.difference,
                ratio=found.ratio,
            )
        )
    return made


def _ignore_pair(pair: Pair) -> None:
    """Nobody listens."""
