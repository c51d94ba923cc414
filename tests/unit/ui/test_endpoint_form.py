"""The form's widgets: the result on top, buttons that keep the focus, models to tick, deleting that can be undone."""

import asyncio
from typing import Any

import pytest

from byok_bench.backends.simulator.server import Simulator
from byok_bench.checks.ladder.last_tests import describe_span
from byok_bench.ui.action import Action, make_disclosure
from byok_bench.ui.endpoint_form import EndpointForm
from byok_bench.ui.ladder_view import LadderView
from byok_bench.ui.tick_list import Tickable, TickList


def press(form: EndpointForm, name: str) -> None:
    form._buttons[name].press()


async def work_of(form: EndpointForm, name: str) -> None:
    """Press a button, and wait for what it begins."""
    press(form, name)
    task: Any = form._tester._task
    await task
    await asyncio.sleep(0)


def filled(base_url: str, model: str = "simulator-1") -> EndpointForm:
    form = EndpointForm()
    press(form, "Add")
    form._fields["base_url"].value = base_url
    form._fields["model"].value = model
    return form


def ladder_of(form: EndpointForm) -> str:
    text: str = form._tester._ladder.value
    return text


async def test_a_good_test_is_one_line_with_its_rungs_folded() -> None:
    """What one wants to know stands on top; the list of endpoints says it, too."""
    async with Simulator() as server:
        form = filled(server.base_url)
        await work_of(form, "Test")
    shown = ladder_of(form)
    assert shown.startswith("<div role='status'")
    assert "✔ ready: " in shown
    assert "ms to first token, tools ok, " in shown
    assert "<details><summary" in shown
    assert form.report is not None
    assert form.report.has_passed
    assert "✔" in form._list.options[0][1]


async def test_the_rung_to_mend_stands_on_top_with_its_advice() -> None:
    """And the rungs are open below it."""
    async with Simulator(api_key="k-0123456789") as server:
        form = filled(server.base_url)
        await work_of(form, "Test")
        first = ladder_of(form).partition("</div>")[0]
        assert "✘ chat: " in first
        assert "No key was sent: choose" in first
        assert "<details open>" in ladder_of(form)
        assert "✘ chat" in form._list.options[0][1]
        assert not form._tester._choose_key.hidden
        form._fields["label"].value = "Another name"
        assert ladder_of(form) == ""


async def test_one_press_sets_what_the_server_wants_and_tests_again() -> None:
    """Twice for a reasoning model of OpenAI: another name for max_tokens, then no temperature."""
    async with Simulator(profile="openai-reasoning") as server:
        form = filled(server.base_url, "simulation/reasons")
        await work_of(form, "Test")
        mend, told = form._tester._mend, []
        while not mend.hidden:
            told.append((mend.text, mend.hint))
            mend.press()
            task: Any = form._tester._task
            await task
            await asyncio.sleep(0)
    assert [text for text, _ in told] == ["Set rename and test again", "Set drop and test again"]
    assert told[0][1] == "simulation/reasons wants max_completion_tokens: set rename=max_tokens:max_completion_tokens."
    assert form.report is not None
    assert form.report.has_passed
    assert form._fields["rename"].value == "max_tokens:max_completion_tokens"
    assert form._fields["drop"].value == "temperature"


async def test_listed_models_are_ticked_and_taken() -> None:
    """The endpoint's own are ticked, those that no list has are kept; a tick puts a model into the endpoint."""
    async with Simulator() as server:
        form = filled(server.base_url, "of-my-own")
        await work_of(form, "List models")
    ticks = form._tester._models
    assert (ticks.hidden, ticks.ticked) == (False, ["of-my-own"])
    notes = {one["id"]: one["note"] for one in ticks.items}
    assert (notes["simulator-1"], notes["of-my-own"]) == ("", "not listed")
    ticks.ticked = ["simulator-1", "of-my-own"]
    assert form.state.endpoint is not None
    assert [one.name for one in form.state.endpoint.models] == ["of-my-own", "simulator-1"]
    assert "simulator-1" in form._fields["other_models"].value


def test_five_hundred_models_are_listed() -> None:
    """A gateway's whole list, each a line to tick."""
    ids = [f"vendor/model-{number}" for number in range(500)]
    form = filled("http://127.0.0.1:9/v1", ids[3])
    assert form.state.endpoint is not None
    form._tester._listed[form.state.endpoint.config_key] = ids
    form._tester._offer_models(form.state.endpoint)
    assert len(form._tester._models.items) == 500
    assert form._tester._models.ticked == [ids[3]]


def test_forty_endpoints_are_listed() -> None:
    """Each with how it stands."""
    form = EndpointForm()
    for _ in range(40):
        press(form, "Add")
    assert len(form._list.options) == 40
    assert all(text.endswith("(incomplete)") for _, text, _ in form._list.options)


def test_a_deleted_endpoint_can_be_brought_back() -> None:
    """Deleting asks first; afterwards one button undoes it."""
    form = EndpointForm()
    press(form, "Add")
    press(form, "Delete")
    assert form._ask.layout.display is None
    form._really.press()
    assert form.state.endpoints == []
    assert form._buttons["Undo"].text == "Undo: bring New endpoint back"
    press(form, "Undo")
    assert [one.label for one in form.state.endpoints] == ["New endpoint"]
    assert form._buttons["Undo"].hidden


def test_whoever_follows_the_form_hears_of_changes() -> None:
    """A run panel beside it offers what is there now."""
    form = EndpointForm()
    heard: list[int] = []
    form.observe_changes(lambda: heard.append(len(form.state.endpoints)))
    press(form, "Add")
    assert heard[-1] == 1


def test_a_disabled_button_does_nothing() -> None:
    """It keeps the focus, so a press has to be refused here."""
    button, pressed = Action("Test", disabled=True), []
    button.observe_press(lambda: pressed.append(1))
    button._receive(button, {"kind": "press"}, [])
    assert pressed == []
    button.disabled = False
    button._receive(button, {"kind": "press"}, [])
    assert pressed == [1]


def test_a_button_that_opens_something_says_whether_it_is_open() -> None:
    """For screen readers, which do not see the arrow."""
    folded = LadderView()
    button = make_disclosure("Advanced", folded)
    assert (button.expanded, folded.layout.display) == (False, "none")
    button.press()
    assert (button.expanded, folded.layout.display) == (True, None)


def test_only_what_is_offered_can_be_ticked() -> None:
    """In the order of the list; what is greyed is never ticked."""
    ticks = TickList(label="Endpoints")
    lines = [Tickable(id=id, text=id, disabled=id == "c") for id in "abc"]
    ticks.offer(lines, ["c", "b", "gone", "a"])
    assert ticks.ticked == ["a", "b"]


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "now"), (59, "59 s"), (61, "1 min"), (7300, "2 h"), (200_000, "2 d")]
)
def test_an_age_is_said_in_one_unit(seconds: float, said: str) -> None:
    """The largest of which there is a whole one."""
    assert describe_span(seconds) == said


async def test_a_missing_version_is_put_in_by_a_button() -> None:
    """The address without /v1 answers with a missing route; one press tries it with."""
    async with Simulator() as server:
        form = filled(server.base_url.removesuffix("/v1"))
        await work_of(form, "Test")
        move = form._tester._move
        assert (move.hidden, move.text) == (False, f"Use {server.base_url}")
        move.press()
        task: Any = form._tester._task
        await task
        assert form._fields["base_url"].value == server.base_url
    assert "✔ ready: " in ladder_of(form)
    assert move.hidden
