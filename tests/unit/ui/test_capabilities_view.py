"""What an endpoint can do, in the form: line by line, an exchange behind each, and the record of an earlier day."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from byok_bench.backends.simulator.server import Simulator
from byok_bench.checks.capabilities.report import CapabilityReport, Spending
from byok_bench.endpoints.model_record import Capability, ModelRecord
from byok_bench.endpoints.send import send
from byok_bench.ui.capabilities_view import CapabilityView
from byok_bench.ui.endpoint_form import EndpointForm
from byok_bench.ui.exchange_view import render_exchange

QUICK: dict[str, Any] = {"ttft_ms": 0.0, "gap_ms": 0.0, "context": 256}


def shown_by(form: EndpointForm) -> str:
    text: str = form._tester._abilities.value
    return text


async def asked(base_url: str) -> EndpointForm:
    """A form whose one endpoint was asked what it can do."""
    form = EndpointForm()
    form._buttons["Add"].press()
    form._fields["base_url"].value = base_url
    form._fields["model"].value = "simulator-1"
    form._buttons["Capabilities"].press()
    task: Any = form._tester._task
    await task
    await asyncio.sleep(0)
    return form


async def test_the_form_asks_shows_and_saves_what_an_endpoint_can_do() -> None:
    """Each line has its exchange in the page; the book has the record, and the form shows it again after an edit."""
    async with Simulator(**QUICK) as server:
        form = await asked(server.base_url)
    shown = shown_by(form)
    assert "tools.required" in shown
    assert shown.count("title='Open the exchange behind it'") == shown.count("role='listitem'") - 1
    assert "It took " in shown
    assert form.state.endpoint is not None
    record = form.state.endpoint.get_model().record
    assert record is not None
    form._fields["label"].value = "Another name"
    assert f"Seen on {record.at:%Y-%m-%d}" in shown_by(form)


async def test_a_record_of_another_address_is_not_shown() -> None:
    """What one server can do says nothing of another."""
    async with Simulator(**QUICK) as server:
        form = await asked(server.base_url)
    form._fields["base_url"].value = "http://127.0.0.1:9/v1"
    assert shown_by(form) == ""


async def test_another_model_behind_the_name_is_told_in_the_form() -> None:
    """The second time it is compared with the first."""
    async with Simulator(**QUICK) as server:
        form = await asked(server.base_url)
        form._buttons["Capabilities"].press()
        task: Any = form._tester._task
        await task
    assert "Looks like the same model as on" in shown_by(form)


def test_what_a_server_said_is_no_markup() -> None:
    """In evidence and values."""
    found = {"streaming": Capability(state="no", value="<b>", evidence="<script>")}
    record = ModelRecord(at=datetime(2026, 11, 14, tzinfo=UTC), origin="o", schema="chat", model="m", found=found)
    view = CapabilityView()
    view.finish(CapabilityReport("l", record, {}, Spending(requests=1)))
    assert "<script>" not in view.value
    assert "<b>" not in view.value
    view.show_record(record)
    assert "1 no." in view.value


async def test_an_exchange_shows_request_and_answer() -> None:
    """Also one that is no stream, and one that was never answered."""
    async with Simulator(**QUICK) as server:
        endpoint = server.endpoint
        whole = await send(endpoint, {"messages": [{"role": "user", "content": "<i>Hello"}]})
    gone = await send(endpoint, {"messages": [{"role": "user", "content": "Hello"}]})
    assert "&lt;i&gt;Hello" in render_exchange(whole)
    assert "chat.completion" in render_exchange(whole)
    assert "no response" in render_exchange(gone)
