"""What an endpoint was seen to be able to do: name → capability, with the exchanges behind it. No sending in here."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, Final

import msgspec

from byok_bench.checks.ladder.report import describe_spending
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.model_record import Capability, ModelRecord

MARKS: Final = {"yes": "✔", "no": "✘", "partly": "~", "unknown": "?"}
REPORT_VERSION: Final = 2


class Spending(msgspec.Struct, frozen=True, kw_only=True):
    """What asking took."""

    requests: int
    tokens: int | None = None
    """Prompt and completion, as the server counted them; None if it counted none."""
    cost: float | None = None
    """As the server charged it, else by the declared price; None if neither is known."""
    currency: str = "USD"

    def __str__(self) -> str:
        return describe_spending(self.requests, self.tokens, self.cost, self.currency)


class CapabilityReport(Mapping[str, Capability]):
    """Name → capability, in the order in which they were asked for."""

    def __init__(
        self,
        label: str,
        record: ModelRecord,
        exchanges: Mapping[str, Sequence[Exchange]],
        spending: Spending,
    ) -> None:
        self.label = label
        """Of the endpoint."""
        self.record = record
        """When, where and what, as a book keeps it."""
        self.exchanges = exchanges
        """Name → what was sent for it and came back; an exchange may stand behind several names."""
        self.spending = spending

    def __getitem__(self, name: str) -> Capability:
        return self.record.found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.record.found)

    def __len__(self) -> int:
        return len(self.record.found)

    @property
    def at(self) -> datetime:
        """When it was asked, UTC."""
        return self.record.at

    @property
    def is_answered(self) -> bool:
        """Whether any request was answered, well or with a refusal."""
        return any(one.raw.head is not None for some in self.exchanges.values() for one in some)

    def find_exchange(self, name: str) -> Exchange | None:
        """The exchange that shows a capability; None if no single one does."""
        wanted = self[name].exchange_id
        return next((one for some in self.exchanges.values() for one in some if one.id == wanted), None)

    def to_json(self, *, with_bytes: bool = False) -> dict[str, Any]:
        """Plain data, version 2: the capabilities, and each exchange once."""
        every = {one.id: one for some in self.exchanges.values() for one in some}
        return {
            "version": REPORT_VERSION,
            "label": self.label,
            **msgspec.to_builtins(self.record),
            "requests": self.spending.requests,
            "tokens": self.spending.tokens,
            "cost": self.spending.cost,
            "currency": self.spending.currency,
            "exchanges": [one.to_json(with_bytes=with_bytes) for one in every.values()],
        }

    def __str__(self) -> str:
        lines = [f"{self.label}  ({self.record.origin}, {self.record.model}, {self.at:%Y-%m-%d %H:%M} UTC)"]
        lines += [f"  {render_line(name, found)}" for name, found in self.items()]
        return "\n".join([*lines, f"  {self.spending}"])

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr>"
            + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in list_cells(name, found))
            + "</tr>"
            for name, found in self.items()
        )
        title = f"{self.label} · {self.record.model} · {self.at:%Y-%m-%d %H:%M} UTC"
        return f"<table><caption>{escape(title)}</caption>{rows}</table><p>{escape(str(self.spending))}</p>"


def list_cells(name: str, found: Capability) -> tuple[str, str, str, str, str]:
    """A capability as the cells of a line: mark, name, state, value, evidence."""
    return MARKS[found.state], name, found.state, found.value or "", found.evidence or ""


def render_line(name: str, found: Capability) -> str:
    """A capability as one line of text."""
    mark, name, state, value, evidence = list_cells(name, found)
    return f"{mark} {name:<26} {state:<8} {value:<18}  {evidence}".rstrip()
