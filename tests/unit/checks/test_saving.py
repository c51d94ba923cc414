"""What was measured goes into the book as it stands then: a measurement takes minutes, and people go on editing."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from byok_bench.checks.capabilities.report import CapabilityReport, Spending
from byok_bench.checks.capabilities.saving import save_report
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.endpoints.model_record import Capability, ModelRecord
from byok_bench.errors import EndpointError

URL = "https://llm.example.com/v1"
FOUND = ModelRecord(
    at=datetime(2026, 1, 2, tzinfo=UTC),
    origin="https://llm.example.com:443",
    schema="chat",
    model="m",
    found={"streaming": Capability(state="yes", evidence="it streamed")},
)


@pytest.fixture
def book(tmp_path: Path) -> EndpointBook:
    opened = EndpointBook.open(tmp_path / "endpoints.toml")
    opened.add(Endpoint(label="Mine", base_url=URL, models=[Model("m")]))
    return opened


def make_report() -> CapabilityReport:
    return CapabilityReport("Mine", FOUND, {}, Spending(requests=1))


def test_an_edit_during_the_measurement_stays(book: EndpointBook) -> None:
    """Label and alias are of the person, the record is of the measurement; the file has all three."""
    measured = book["Mine"]
    book.update(replace(measured, label="Renamed", models=[replace(measured.models[0], alias="small")]))
    save_report(book, measured, make_report())
    [model] = EndpointBook.open(book.path)["Renamed"].models
    assert (model.alias, model.record and model.record.found) == ("small", FOUND.found)


def test_what_was_found_of_another_address_is_not_saved(book: EndpointBook) -> None:
    """The address was changed while the old one was measured."""
    measured = book["Mine"]
    book.update(replace(measured, base_url="https://elsewhere.example.com/v1"))
    with pytest.raises(EndpointError, match="was changed meanwhile"):
        save_report(book, measured, make_report())
    assert book["Mine"].models[0].record is None
