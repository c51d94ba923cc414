"""What the check ladder says: rungs, their verdicts, and the report they make. No sending in here."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, Final, Literal, TypeVar

import msgspec

from byok_bench.checks.finding import Finding
from byok_bench.checks.remedies import Remedy
from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.model_list import list_usable_models

Number = TypeVar("Number", int, float)
RungVerdict = Literal["pass", "fail", "warn", "inconclusive", "skipped"]
RUNGS: Final = ("parse", "policy", "dns", "connect", "tls", "models", "chat", "stream", "tools", "turn 2")
"""In order; each needs the ones it names in NEEDS."""
NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "parse": (),
    "policy": ("parse",),
    "dns": ("policy",),
    "connect": ("dns",),
    "tls": ("connect",),
    "models": ("connect", "tls"),
    "chat": ("connect", "tls"),
    "stream": ("connect", "tls"),
    "tools": ("stream",),
    "turn 2": ("chat",),
}
"""`models` blocks nothing: a list of models is wrong both ways in the wild."""
HOPELESS: Final = frozenset(
    {"auth", "permission", "not_found_model", "not_found_route", "quota", "redirect", "network", "egress"}
)
"""Failure kinds of the chat rung that every other request to the model would meet as well."""
MARKS: Final = {"pass": "✔", "fail": "✘", "warn": "!", "inconclusive": "?", "skipped": "–"}


TOOLS_SAID: Final = {
    "pass": "tools ok",
    "fail": "tools failed",
    "warn": "tools with a warning",
    "inconclusive": "tools not shown",
    "skipped": "tools not tried",
}
"""Verdict of the rung `tools` → what a summary says of it."""


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the ladder."""

    name: str
    verdict: RungVerdict
    advice: str
    """One sentence: what was found and what to do."""
    duration_ms: float | None = None
    """Wall time of this rung's requests, or of the step itself; None if nothing was done."""
    requests: int = 0
    tokens: int | None = None
    """Prompt and completion tokens that the server reported; None if it reported none."""
    cost: float | None = None
    """What the server said it charged, or tokens times the declared price; None if neither is known."""
    findings: tuple[Finding, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    """What was sent and came back."""
    remedy: Remedy | None = None
    """What to set of the model, where the server refused a member of the request."""

    def to_json(self) -> dict[str, Any]:
        """Plain data, the exchanges behind it as `send --json` prints them."""
        document = {
            name: getattr(self, name) for name in self.__struct_fields__ if name not in ("exchanges", "findings")
        }
        document["findings"] = [msgspec.to_builtins(one) for one in self.findings]
        document["remedy"] = None if self.remedy is None else msgspec.to_builtins(self.remedy)
        document["exchanges"] = [one.to_json() for one in self.exchanges]
        return document


class LadderReport(msgspec.Struct, frozen=True, kw_only=True):
    """All rungs of one endpoint, in order."""

    label: str
    base_url: str
    model: str
    rungs: tuple[Rung, ...]
    currency: str = "USD"
    """Of every cost; what a server charges is taken to be in it, too."""

    @property
    def has_passed(self) -> bool:
        """No rung failed."""
        return all(rung.verdict != "fail" for rung in self.rungs)

    @property
    def first_failure(self) -> Rung | None:
        """The rung to mend first."""
        return next((rung for rung in self.rungs if rung.verdict == "fail"), None)

    @property
    def spending(self) -> str:
        """What the whole ladder took, in words: requests, tokens, cost."""
        return describe_spending(
            sum(rung.requests for rung in self.rungs),
            sum_known([rung.tokens for rung in self.rungs]),
            sum_known([rung.cost for rung in self.rungs]),
            self.currency,
        )

    @property
    def ttft_ms(self) -> float | None:
        """Request written → first token, of the streaming rung; None if no token came."""
        streamed = [one.timing.ttft for rung in self.rungs if rung.name == "stream" for one in rung.exchanges]
        return next((ttft for ttft in streamed if ttft is not None), None)

    @property
    def summary(self) -> str:
        """`✔ ready: 51 ms to first token, tools ok, 284 tokens`, or the rung to mend first and what to do."""
        first = self.first_failure
        if first is not None:
            return f"{MARKS['fail']} {first.name}: {first.advice}"
        verdict = next((rung.verdict for rung in self.rungs if rung.name == "tools"), "skipped")
        said = [
            "" if self.ttft_ms is None else f"{self.ttft_ms:.0f} ms to first token",
            TOOLS_SAID[verdict],
            describe_spending(
                None,
                sum_known([rung.tokens for rung in self.rungs]),
                sum_known([rung.cost for rung in self.rungs]),
                self.currency,
            ),
        ]
        return f"{MARKS['pass']} ready: {', '.join(filter(None, said))}"

    @property
    def remedies(self) -> list[Remedy]:
        """What to set of the model, in order, each once."""
        return list(dict.fromkeys(rung.remedy for rung in self.rungs if rung.remedy is not None))

    @property
    def listed_models(self) -> list[str]:
        """What the server lists; empty if it was not asked, or lists nothing."""
        asked = [one for rung in self.rungs if rung.name == "models" for one in rung.exchanges]
        return list_usable_models(asked[0].reading.body.document) if asked else []

    def __iter__(self) -> Iterator[Rung]:
        return iter(self.rungs)

    def __getitem__(self, name: str) -> Rung:
        return next(rung for rung in self.rungs if rung.name == name)

    def to_json(self) -> dict[str, Any]:
        """Plain data, version 1."""
        return {
            "version": 1,
            "label": self.label,
            "base_url": self.base_url,
            "model": self.model,
            "ok": self.has_passed,
            "requests": sum(rung.requests for rung in self.rungs),
            "tokens": sum_known([rung.tokens for rung in self.rungs]),
            "cost": sum_known([rung.cost for rung in self.rungs]),
            "currency": self.currency,
            "rungs": [rung.to_json() for rung in self.rungs],
        }

    def __str__(self) -> str:
        lines = [f"{self.label}  ({self.base_url}, {self.model or 'no model'})"]
        lines += [f"  {render_rung_line(rung, self.currency)}" for rung in self.rungs]
        return "\n".join([*lines, f"  {self.spending}"])

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr>"
            + "".join(
                f"<td style='text-align:left'>{escape(cell)}</td>" for cell in render_rung_cells(rung, self.currency)
            )
            + "</tr>"
            for rung in self.rungs
        )
        title = f"{self.label} · {self.base_url} · {self.model or 'no model'}"
        return f"<table><caption>{escape(title)}</caption>{rows}</table><p>{escape(self.spending)}</p>"


def render_rung_cells(rung: Rung, currency: str = "USD") -> tuple[str, str, str, str, str, str]:
    """A rung as the columns of a table: mark, name, verdict, time, what it spent, advice."""
    took = "" if rung.duration_ms is None else f"{rung.duration_ms:.0f} ms"
    used = describe_spending(None, rung.tokens, rung.cost, currency)
    return MARKS[rung.verdict], rung.name, rung.verdict, took, used, rung.advice


def render_rung_line(rung: Rung, currency: str = "USD") -> str:
    """A rung as one line of text."""
    mark, name, verdict, took, used, advice = render_rung_cells(rung, currency)
    return f"{mark} {name:<22} {verdict:<12} {took:>9}  {used:<14}  {advice}"


def describe_spending(requests: int | None, tokens: int | None, cost: float | None, currency: str) -> str:
    """`12 requests, 300 tokens, 0.0012 USD`, as far as each is known."""
    said = [
        f"{requests} request{'' if requests == 1 else 's'}" if requests is not None else "",
        f"{tokens} token{'' if tokens == 1 else 's'}" if tokens is not None else "",
        f"{cost:.2g} {currency}" if cost else ("no cost" if cost == 0 else ""),
    ]
    return ", ".join(filter(None, said))


def sum_known(values: Sequence[Number | None]) -> Number | None:
    """The sum of what is known; None if nothing is."""
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None
