"""What the check ladder says: rungs, their verdicts, and the report they make. No sending in here."""

from collections.abc import Iterator
from html import escape
from typing import Any, Final, Literal

import msgspec

from byok_bench.checks.finding import Finding
from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.models import listed_models

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
    "stream": ("chat",),
    "tools": ("chat",),
    "turn 2": ("chat",),
}
"""`models` blocks nothing: a list of models is wrong both ways in the wild."""
MARKS: Final = {"pass": "✔", "fail": "✘", "warn": "!", "inconclusive": "?", "skipped": "–"}


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

    def to_json(self) -> dict[str, Any]:
        """Plain data; exchanges by their ids."""
        document = {
            name: getattr(self, name)
            for name in self.__struct_fields__
            if name not in ("exchanges", "findings")
        }
        document["findings"] = [msgspec.to_builtins(one) for one in self.findings]
        document["exchange_ids"] = [one.request.id for one in self.exchanges]
        return document


class LadderReport(msgspec.Struct, frozen=True, kw_only=True):
    """All rungs of one endpoint, in order."""

    label: str
    base_url: str
    model: str
    rungs: tuple[Rung, ...]

    @property
    def ok(self) -> bool:
        """No rung failed."""
        return all(rung.verdict != "fail" for rung in self.rungs)

    @property
    def first_failure(self) -> Rung | None:
        """The rung to mend first."""
        return next((rung for rung in self.rungs if rung.verdict == "fail"), None)

    @property
    def listed_models(self) -> list[str]:
        """What the server lists; empty if it was not asked, or lists nothing."""
        asked = [one for rung in self.rungs if rung.name == "models" for one in rung.exchanges]
        return listed_models(asked[0].reading.body.document) if asked else []

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
            "ok": self.ok,
            "rungs": [rung.to_json() for rung in self.rungs],
        }

    def __str__(self) -> str:
        lines = [f"{self.label}  ({self.base_url}, {self.model or 'no model'})"]
        for rung in self.rungs:
            took = "" if rung.duration_ms is None else f"{rung.duration_ms:.0f} ms"
            lines.append(
                f"  {MARKS[rung.verdict]} {rung.name:<14} {rung.verdict:<12} {took:>9}  {rung.advice}"
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{MARKS[rung.verdict]}</td><td>{escape(rung.name)}</td><td>{rung.verdict}</td>"
            f"<td style='text-align:right'>{'' if rung.duration_ms is None else f'{rung.duration_ms:.0f} ms'}</td>"
            f"<td style='text-align:left'>{escape(rung.advice)}</td></tr>"
            for rung in self.rungs
        )
        return f"<table><caption>{escape(self.label)} · {escape(self.base_url)}</caption>{rows}</table>"
