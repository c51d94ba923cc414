"""Testing an endpoint of the form, asking what it can do, listing its models: results, buttons that mend, the models.

One thing goes on at a time. What the ladder says is in checks/ladder; nothing is judged here.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from ipywidgets import VBox

from byok_bench.checks.address_remedies import AddressRemedy, find_address_remedy
from byok_bench.checks.advice import NO_KEY, choose_advice, describe_failure, has_sent_key
from byok_bench.checks.capabilities.examination import capabilities, describe_expense
from byok_bench.checks.capabilities.fallback import compare_records
from byok_bench.checks.capabilities.saving import save_report
from byok_bench.checks.ladder.climb import find_currency, ladder
from byok_bench.checks.ladder.report import LadderReport
from byok_bench.checks.remedies import Remedy
from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.model_list import list_usable_models
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.send import list_models
from byok_bench.errors import ByokBenchError
from byok_bench.ui.action import Action
from byok_bench.ui.capabilities_view import CapabilityView
from byok_bench.ui.form_fields import make_field_row
from byok_bench.ui.form_state import FormState
from byok_bench.ui.ladder_view import LadderView
from byok_bench.ui.remarks import to_sentence
from byok_bench.ui.tick_list import Tickable, TickList


class Said(Protocol):
    """Who is told a sentence."""

    def __call__(self, text: str, bad: bool = False) -> None: ...


class Changed(Protocol):
    """Who is told that the tester began or ended, and whether the book changed with it."""

    def __call__(self, *, changed: bool) -> None: ...


class EndpointTester(VBox):  # type: ignore[misc]
    """`report` is the last ladder that was climbed."""

    def __init__(self, state: FormState, profile: str) -> None:
        self._state = state
        self._profile = profile
        self.report: LadderReport | None = None
        self._task: asyncio.Task[None] | None = None
        self._listed: dict[str, list[str]] = {}
        """What a server lists, by the endpoint's config_key."""
        self._ladder, self._abilities = LadderView(), CapabilityView()
        self._choose_key = Action("Choose a key source", "warning", hidden=True)
        self._models = TickList(label="Models that take part", hidden=True)
        self._offering = False
        self._tell_changed: Changed = lambda *, changed: None
        self._tell: Said = lambda text, bad=False: None
        self._remedy: tuple[str, Remedy] | None = None
        self._mend = Action("", "warning", hidden=True)
        self._mend.observe_press(self._apply_remedy)
        self._address: AddressRemedy | None = None
        self._move = Action("", "warning", hidden=True)
        self._move.observe_press(self._use_address)
        fixes = make_field_row(self._choose_key, self._mend, self._move)
        super().__init__([fixes, self._ladder, self._abilities, self._models])
        self._models.observe_ticked(self._enter_models)

    @property
    def is_busy(self) -> bool:
        """Whether a test or a listing goes on."""
        return self._task is not None and not self._task.done()

    def observe_changes(self, callback: Changed) -> None:
        """Have `callback` called when something began or ended."""
        self._tell_changed = callback

    def observe_said(self, callback: Said) -> None:
        """Have `callback` called with what is to be said in a sentence."""
        self._tell = callback

    def observe_wanted(self, callback: Callable[[str], Any]) -> None:
        """Have `callback` called with the name of the field in which something is to be mended."""
        self._choose_key.observe_press(lambda: callback("key_source"))

    def start_test(self) -> None:
        """Climb the ladder with the selected endpoint."""
        self._start(self._climb())

    def start_examination(self) -> None:
        """Ask the selected endpoint what it can do, and save what was found."""
        self._start(self._ask_abilities())

    def start_listing(self) -> None:
        """Ask the selected endpoint's server for its models."""
        self._start(self._list_models())

    def stop(self) -> None:
        """End what goes on; what was found stays."""
        if self._task is not None:
            self._task.cancel()

    def clear(self) -> None:
        """Forget what was said of another endpoint."""
        self._ladder.clear()
        self.show_record()
        self._models.hidden = self._choose_key.hidden = self._mend.hidden = self._move.hidden = True

    def show_record(self) -> None:
        """Show what was last found that the selected endpoint's model can do."""
        endpoint = self._state.endpoint
        model = endpoint.models[0] if endpoint is not None and endpoint.models else None
        record = model.record if model is not None else None
        here = (endpoint.origin, model.name) if endpoint is not None and model is not None else None
        if record is not None and (record.origin, record.model) == here:
            self._abilities.show_record(record)
        else:
            self._abilities.clear()

    def list_known_models(self) -> list[str]:
        """What the selected endpoint's server listed when it was asked last."""
        return self._listed.get(self._state.selected or "", [])

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that takes its time, one thing at once."""
        if self.is_busy:
            work.close()
            return
        self._task = asyncio.ensure_future(work)
        self._task.add_done_callback(lambda _: self._tell_changed(changed=False))
        self._tell_changed(changed=False)

    async def _climb(self) -> None:
        """Rung by rung into the view."""
        endpoint = self._state.endpoint
        if endpoint is None:
            return
        self.clear()
        self._tell("")
        self._ladder.begin(find_currency(endpoint, endpoint.get_model().name))
        try:
            policy = self._state.egress_policy
            report = await ladder(endpoint, profile=self._profile, policy=policy, on_rung=self._ladder.add)
        except asyncio.CancelledError:
            self._ladder.stop("Stopped.")
            raise
        self.report = report
        self._ladder.finish(report)
        self._choose_key.hidden = not _is_keyless(report)
        self._offer_remedy(endpoint.config_key, report)
        self._offer_address(endpoint, report)
        try:
            self._state.tests.keep(endpoint, report)
            self._state.keep_proofs(endpoint.config_key, report)
        except ByokBenchError as error:
            self._tell(to_sentence(error), bad=True)
        self._listed[endpoint.config_key] = report.listed_models
        self._tell_changed(changed=True)

    async def _ask_abilities(self) -> None:
        """Line by line into the view, then into the book."""
        endpoint = self._state.endpoint
        if endpoint is None:
            return
        before = endpoint.get_model().record
        self._abilities.begin(describe_expense(endpoint))
        try:
            policy = self._state.egress_policy
            report = await capabilities(
                endpoint, profile=self._profile, policy=policy, on_capability=self._abilities.add
            )
        except asyncio.CancelledError:
            self._abilities.stop("Stopped.")
            raise
        try:
            save_report(self._state.book, endpoint, report)
        except ByokBenchError as error:
            self._tell(to_sentence(error), bad=True)
        self._tell_changed(changed=True)
        self._abilities.finish(report, compare_records(before, report.record) if before is not None else None)

    def _offer_remedy(self, config_key: str, report: LadderReport) -> None:
        """A button that sets what the model wants, where the server said so."""
        self._remedy = (config_key, report.remedies[0]) if report.remedies and self._state.is_editable else None
        if self._remedy is not None:
            _, remedy = self._remedy
            self._mend.text, self._mend.hint = f"Set {remedy.field} and test again", remedy.words
        self._mend.hidden = self._remedy is None

    def _apply_remedy(self) -> None:
        """Set it in the book, and see whether it helped."""
        if self._remedy is None or self.is_busy:
            return
        try:
            self._state.apply_remedy(*self._remedy)
        except ByokBenchError as error:
            self._tell(to_sentence(error), bad=True)
            return
        self._tell_changed(changed=True)
        self.start_test()

    def _offer_address(self, endpoint: Endpoint, report: LadderReport) -> None:
        """A button that tries the address that an answer tells of."""
        asked = [one for rung in report.rungs if rung.verdict == "fail" for one in rung.exchanges]
        self._address = find_address_remedy(endpoint, asked) if self._state.is_editable else None
        if self._address is not None:
            self._move.text = self._address.words
        self._move.hidden = self._address is None

    def _use_address(self) -> None:
        """Put it in, and see whether it helped; a key that is bound to another address is asked about first."""
        if self._address is None or self.is_busy:
            return
        said = self._state.enter("base_url", self._address.base_url)
        self._tell_changed(changed=True)
        if said.tone == "bad" or self._state.has_unconfirmed_key:
            self._tell(said.text if said.tone == "bad" else self._state.describe_missing(), bad=said.tone == "bad")
            self._move.hidden = True
            return
        self.start_test()

    async def _list_models(self) -> None:
        """Offer what is listed; any other id may be typed."""
        endpoint = self._state.endpoint
        if endpoint is None:
            return
        self._tell("Asking for the list of models …")
        try:
            exchange = await list_models(endpoint, profile=self._profile, policy=self._state.egress_policy)
        except ByokBenchError as error:  # the policy, for one, may have changed since the book was read
            self._tell(to_sentence(error), bad=True)
            return
        if exchange.error is not None:
            said = describe_failure(exchange.error, is_list=True, key_sent=has_sent_key(exchange))
            self._tell(f"No list: {said}", bad=True)
            return
        listed = list_usable_models(exchange.reading.body.document)
        self._listed[endpoint.config_key] = listed
        count = "One model is" if len(listed) == 1 else f"{len(listed) or 'No'} models are"
        self._tell(f"{count} listed. Tick those that take part; the field Model takes any other id.")
        if self._state.selected == endpoint.config_key:
            self._offer_models(endpoint)
            self._tell_changed(changed=True)

    def _offer_models(self, endpoint: Endpoint) -> None:
        listed, own = self._listed[endpoint.config_key], [model.name for model in endpoint.models]
        ids = [*listed, *(name for name in own if name and name not in listed)]
        lines = [Tickable(id=name, text=name, note="" if name in listed else "not listed") for name in ids]
        self._offering = True
        try:
            self._models.offer(lines, own)
        finally:
            self._offering = False
        self._models.hidden = not lines or not self._state.is_editable

    def _enter_models(self, names: list[str]) -> None:
        if self._offering:
            return
        said = self._state.set_models(names)
        if said.tone == "bad":
            self._tell(said.text, bad=True)
        self._tell_changed(changed=True)


def _is_keyless(report: LadderReport) -> bool:
    """Whether the rung to mend first failed because no key was sent."""
    first = report.first_failure
    return first is not None and any(_has_no_key(exchange) for exchange in first.exchanges)


def _has_no_key(exchange: Exchange) -> bool:
    return exchange.error is not None and choose_advice(exchange.error, key_sent=has_sent_key(exchange)) == NO_KEY
