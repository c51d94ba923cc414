"""LimitsMap: how much an endpoint lets through, each verdict with the exchanges behind it. No sending in here."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape
from typing import Any, Final

import msgspec

from byok_bench.checks.capabilities.report import Spending
from byok_bench.dialects.exchange import Exchange
from byok_bench.runs.limits.concurrency import Concurrency, Wave, choose_safe_wave
from byok_bench.runs.limits.drains import DrainRecord
from byok_bench.runs.limits.header_truth import Told
from byok_bench.runs.limits.rates import Rate, Rates, Span
from byok_bench.runs.limits.shots import Shot

MAP_VERSION: Final = 2


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the map."""

    name: str
    state: str
    """`found`, `not_reached` or `unknown`; of what is told `true`, `false`, `absent` or `unknown`."""
    sentence: str
    shots: tuple[Shot, ...]

    @property
    def exchange_ids(self) -> list[str]:
        """Of the exchanges that show it."""
        return [shot.exchange.id for shot in self.shots]


class LimitsMap(msgspec.Struct, frozen=True, kw_only=True):
    """Of one endpoint and model."""

    label: str
    origin: str
    model: str
    schema: str
    at: datetime
    """UTC."""
    concurrency: Concurrency
    rates: Rates
    records: tuple[DrainRecord, ...]
    delays: Told
    """Whether Retry-After is true."""
    budgets: Told
    """Whether x-ratelimit-* is true."""
    spending: Spending
    seconds: float
    stopped: str
    """Why the search ended early; empty if it did not."""
    shots: tuple[Shot, ...]

    @property
    def is_answered(self) -> bool:
        """Whether any request was answered, well or with a refusal."""
        return any(shot.exchange.raw.head is not None for shot in self.shots)

    @property
    def safe_wave(self) -> Wave | None:
        """The cheapest safe width: the narrowest that gives nearly the highest throughput; None if none is known."""
        rate = self.rates.requests
        return choose_safe_wave(self.concurrency.waves, rate.per_s.low if rate.is_met else None)

    @property
    def recovery_s(self) -> Span | None:
        """From the first refusal over time until a request was let in again; None if that was not seen."""
        found = next((one for record in self.records for one in record.recoveries if one.bracket_ns), None)
        if found is None or found.bracket_ns is None:
            return None
        closed, opened = found.bracket_ns
        return Span(max(0.0, (closed - found.refused.decided_ns) / 1e9), (opened - found.refused.sent_ns) / 1e9)

    @property
    def verdicts(self) -> list[Verdict]:
        """The lines of the map, in order."""
        return [
            self._judge_concurrency(),
            self._judge_rate("requests", self.rates.requests),
            self._judge_rate("tokens", self.rates.tokens),
            self._judge_recovery(),
            _judge_told("retry_after", self.delays),
            _judge_told("budget_headers", self.budgets),
            self._judge_safe_width(),
        ]

    def _judge_concurrency(self) -> Verdict:
        found, waves = self.concurrency, self.concurrency.waves
        last = max((wave for wave in waves if wave.admitted == wave.width), key=lambda one: one.width, default=None)
        refused = [wave for wave in waves if wave.limited and wave.width == found.high]
        shots = [shot for wave in (*([last] if last else []), *refused[:1]) for shot in wave.shots]
        if found.high is not None and found.low:
            exact = f"{found.low} at a time" if found.is_found else f"{found.low} to {found.high - 1} at a time"
            said = f"{exact}; of {found.high} sent at once some are refused"
            return Verdict(name="concurrency", state="found", sentence=said, shots=tuple(shots))
        if not found.low:
            why = found.why or self.stopped
            return Verdict(
                name="concurrency", state="unknown", sentence=f"nothing was let in: {why}", shots=tuple(shots)
            )
        said = f"not reached: at least {found.low} at a time ({found.why})"
        return Verdict(name="concurrency", state="not_reached", sentence=said, shots=tuple(shots))

    def _judge_rate(self, name: str, rate: Rate) -> Verdict:
        verdict = _judge_rate(name, rate, self.stopped)
        if self.rates.are_told_apart:
            return verdict
        said = f"this or the other limit is met: {verdict.sentence}; large requests enough would tell"
        return Verdict(name=name, state="unknown", sentence=said, shots=verdict.shots)

    def _judge_recovery(self) -> Verdict:
        span, rate = self.recovery_s, self.rates.requests if self.rates.requests.is_met else self.rates.tokens
        seen = [one for record in self.records for one in record.recoveries]
        if span is None:
            said = "no limit over time was met" if not seen else "nothing was let in again within the bound"
            return Verdict(
                name="recovery", state="unknown", sentence=said, shots=tuple(one.refused for one in seen[:1])
            )
        how = {"window": ", all at once", "bucket": ", little by little"}.get(rate.style or "", "")
        shots = next([one.refused, one.admitted] for one in seen if one.admitted is not None)
        said = f"let in again {span} s after the first refusal{how}"
        return Verdict(name="recovery", state="found", sentence=said, shots=tuple(shot for shot in shots if shot))

    def _judge_safe_width(self) -> Verdict:
        wave = self.safe_wave
        if wave is None:
            return Verdict(name="safe_concurrency", state="unknown", sentence="no wave was answered whole", shots=())
        said = f"{wave.width} at a time: {_describe_wave(wave)}"
        return Verdict(name="safe_concurrency", state="found", sentence=said, shots=wave.shots)

    def to_json(self, *, with_bytes: bool = False) -> dict[str, Any]:
        """Plain data, version 2: each verdict with its numbers and exchanges, the waves, and each exchange once."""
        numbers = {
            "concurrency": {"low": self.concurrency.low, "high": self.concurrency.high},
            "requests": _make_numbers(self.rates.requests),
            "tokens": _make_numbers(self.rates.tokens),
            "recovery": {"seconds": _to_pair(self.recovery_s or Span())},
            "safe_concurrency": {"width": self.safe_wave.width if self.safe_wave else None},
        }
        found = {
            one.name: {
                "state": one.state,
                "sentence": one.sentence,
                **numbers.get(one.name, {}),
                "exchange_ids": one.exchange_ids,
            }
            for one in self.verdicts
        }
        return {
            "version": MAP_VERSION,
            "label": self.label,
            "origin": self.origin,
            "model": self.model,
            "schema": self.schema,
            "at": self.at,
            "limits": found,
            "waves": [_make_wave_line(wave) for wave in self.concurrency.waves],
            "stopped": self.stopped,
            "requests": self.spending.requests,
            "tokens": self.spending.tokens,
            "cost": self.spending.cost,
            "currency": self.spending.currency,
            "seconds": self.seconds,
            "exchanges": [one.to_json(with_bytes=with_bytes) for one in self.exchanges],
        }

    @property
    def exchanges(self) -> list[Exchange]:
        """All that was sent and came back."""
        return [shot.exchange for shot in self.shots]

    def list_lines(self) -> Iterator[str]:
        """The map as plain lines."""
        for one in self.verdicts:
            yield f"{one.name:<18} {one.state:<12} {one.sentence}"

    def __str__(self) -> str:
        return "\n".join([f"{self.label}  ({self.origin}, {self.model})", *(f"  {one}" for one in self.list_lines())])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in (one.name, one.state, one.sentence))}</tr>"
            for one in self.verdicts
        )
        title = f"{self.label} · {self.model} · {self.at:%Y-%m-%d %H:%M} UTC"
        return f"<table><caption>{escape(title)}</caption>{rows}</table><p>{escape(str(self.spending))}</p>"


def _judge_rate(name: str, rate: Rate, stopped: str) -> Verdict:
    per_minute = "" if rate.per_minute.low is None else f", {rate.per_minute} a minute"
    if rate.is_met and rate.style == "window":
        usual = rate.usual_window_s
        window = f"{usual:g} s" if usual is not None else f"{rate.window_s} s"
        said = f"{rate.per_window} in a window of {window}{per_minute}"
    elif rate.is_met and rate.style == "bucket":
        said = f"a bucket of {rate.burst}{per_minute}"
    elif rate.is_met:
        why = f": {stopped}" if stopped else ""
        return Verdict(name=name, state="unknown", sentence=f"met, and not known more closely{why}", shots=rate.shots)
    elif rate.per_window.low is not None or rate.per_s.low is not None:
        least = f"{rate.per_window} in a window" if rate.per_window.low is not None else f"{rate.per_minute} a minute"
        went = f"; {rate.passed:.0f} went through in {rate.window_s} s" if rate.passed is not None else ""
        return Verdict(name=name, state="not_reached", sentence=f"not reached: {least}{went}", shots=rate.shots)
    else:
        why = stopped or "nothing was let in"
        return Verdict(name=name, state="unknown", sentence=f"not measured: {why}", shots=rate.shots)
    return Verdict(name=name, state="found", sentence=said, shots=rate.shots)


def _judge_told(name: str, told: Told) -> Verdict:
    return Verdict(name=name, state=told.truth, sentence=told.sentence, shots=told.shots)


def _make_numbers(rate: Rate) -> dict[str, Any]:
    return {
        "style": rate.style,
        "per_window": _to_pair(rate.per_window),
        "window_s": _to_pair(rate.window_s),
        "per_minute": _to_pair(rate.per_minute),
        "burst": _to_pair(rate.burst),
        "passed": rate.passed,
    }


def _to_pair(span: Span) -> list[float | None]:
    """Lowest and highest value; null where that end is not known."""
    return [span.low, span.high]


def _make_wave_line(wave: Wave) -> dict[str, Any]:
    names: Sequence[str] = ("width", "admitted", "limited", "failures", "overlap", "answers_per_s", "ttft_ms", "e2e_ms")
    return {name: getattr(wave, name) for name in names}


def _describe_wave(wave: Wave) -> str:
    ttft = "" if wave.ttft_ms is None else f", first token after {wave.ttft_ms:.0f} ms"
    return f"{wave.answers_per_s or 0:.3g} answers/s{ttft}"
