"""The endpoint form: the list on the left, the fields of the selected one on the right.

Widgets render `FormState` and call it; what a field means is in endpoints/text_fields.py. Fields are saved on blur
and Enter, the request URL is previewed while typing, a key's text is gone from the browser once it was read.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

from ipywidgets import HTML, HBox, Layout, VBox

from byok_bench.checks.advice import advice
from byok_bench.checks.capabilities import capabilities
from byok_bench.checks.ladder import currency_of, ladder
from byok_bench.checks.rungs import LadderReport
from byok_bench.dialects.models import listed_models
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.send import get_models
from byok_bench.errors import ByokBenchError
from byok_bench.ui import form_fields
from byok_bench.ui.form_fields import button, row
from byok_bench.ui.ladder_view import LadderView
from byok_bench.ui.state import FormState, Said, sentence

NO_ENDPOINTS = ("", "(none yet: press Add)", True)
KEY_HINT = "Paste it, then Enter; it is never shown"
STORED_HINT = "Stored. Replace key takes another"


class EndpointForm(HBox):  # type: ignore[misc]
    """`EndpointForm(book)`: show it as the last line of a cell. `report` is the last ladder that was climbed."""

    def __init__(self, book: EndpointBook | None = None, *, profile: str = "local") -> None:
        self.state = FormState(book or EndpointBook.open())
        self.report: LadderReport | None = None
        self._profile = self.state.book.workspace.profile_for(profile)
        self._task: asyncio.Task[None] | None = None
        self._filling = False
        self._listed: dict[str, list[str]] = {}
        """What a server lists, by the endpoint's config_key."""
        self._fields = form_fields.fields()
        self._list = form_fields.choice("Endpoints", (("", ""),), rows=9)
        self._from = form_fields.sources()
        self._secret = form_fields.secret_field()
        self._notice, self._found = HTML(), HTML()
        self._ladder = LadderView()
        names = ("Add", "Duplicate", "Test", "List models", "Stop", "Delete", "Replace key")
        self._buttons = {name: button(name) for name in names}
        self._buttons["Test"].button_style = "primary"
        self._confirm_key = button("The key may go to this address", "warning")
        self._really = button("Yes, delete it and its stored key", "danger")
        self._keep = button("Keep it")
        self._ask = row(HTML("Delete this endpoint?"), self._really, self._keep)
        super().__init__([self._left(), self._right()], layout=Layout(width="100%", align_items="flex-start"))
        self.add_class("byok-form")
        self._wire()
        self._refill()

    @property
    def ready(self) -> list[Endpoint]:
        """Endpoints of the book that may take part in a run."""
        return list(self.state.book.usable)

    def _left(self) -> VBox:
        parts = [self._list, row(self._buttons["Add"], self._buttons["Duplicate"]), self._from]
        made = VBox(parts)
        made.add_class("byok-left")
        return made

    def _right(self) -> VBox:
        keys = row(self._buttons["Replace key"], self._confirm_key)
        actions = row(*(self._buttons[name] for name in ("Test", "List models", "Stop", "Delete")))
        parts = [*form_fields.main(self._fields, self._secret), keys, form_fields.advanced(self._fields)]
        made = VBox([*parts, self._notice, actions, self._ask, self._ladder, self._found])
        made.add_class("byok-right")
        return made

    def _wire(self) -> None:
        for name, field in self._fields.items():
            field.observe(lambda change, name=name: self._entered(name, change["new"]), "value")
        self._fields["base_url"].observe(lambda change: self._preview(change["new"]), "draft")
        self._list.observe(lambda change: self._selected(change["new"]), "value")
        self._from.observe(lambda change: self._add_from(change["new"]), "value")
        self._secret.on_entered(self._key_entered)
        actions: dict[str, Callable[[], Any]] = {
            "Add": lambda: self._do(self.state.add),
            "Duplicate": lambda: self._do(self.state.duplicate),
            "Test": lambda: self._start(self._climb()),
            "List models": lambda: self._start(self._list_models()),
            "Stop": lambda: self._task and self._task.cancel(),
            "Delete": lambda: self._show(self._ask, True),
            "Replace key": self._replace_key,
        }
        for name, act in actions.items():
            self._buttons[name].on_click(lambda _, act=act: act())
        self._keep.on_click(lambda _: self._show(self._ask, False))
        self._really.on_click(lambda _: self._do(self.state.delete))
        self._confirm_key.on_click(lambda _: self._do(self.state.confirm_key))

    def _entered(self, name: str, text: str) -> None:
        """A field was left, or Enter was pressed in it: save it, and say what came of it."""
        if self._filling:
            return
        said = self._tried(lambda: self.state.enter(name, text))
        if said is not None and said.tone != "bad":
            self._ladder.clear()
        self._refill()
        if said is not None:
            self._fields[name].say(said.text, said.tone)

    def _key_entered(self, text: str) -> None:
        said = self._tried(partial(self.state.enter_key, text))
        del text
        self._refill()
        if said is not None:
            self._secret.say(said.text, said.tone)

    def _replace_key(self) -> None:
        self.state.replace_key()
        self._refill()
        self._secret.focus()

    def _preview(self, text: str) -> None:
        if not self._filling:
            said = self.state.preview(text)
            self._fields["base_url"].say(said.text, said.tone)

    def _selected(self, config_key: str) -> None:
        if not self._filling and config_key:
            self.state.selected = config_key
            self._clear()
            self._refill()

    def _add_from(self, source: str) -> None:
        if self._filling or not source:
            return
        said = self._do(lambda: self.state.add_from(source))
        if isinstance(said, Said):
            self._say(said.text)

    def _do(self, act: Callable[[], Any]) -> Any:
        """An action on the book, and the form as it is then; what it refuses is said."""
        self._clear()
        return self._tried(act, refill=True)

    def _tried(self, act: Callable[[], Any], *, refill: bool = False) -> Any:
        problem = ""
        done = None
        try:
            done = act()
        except ByokBenchError as error:
            problem = sentence(error)
        if refill:
            self._refill()
        if problem:
            self._say(problem, bad=True)
        return done

    def _say(self, text: str, *, bad: bool = False) -> None:
        """One line beside the buttons, which screen readers announce."""
        tone = "bad" if bad else "plain"
        shown = "<br>".join(escape(line) for line in text.split("\n"))
        self._notice.value = (
            f"<div role='status' class='byok-note' data-tone='{tone}'>{shown}</div>" if text else ""
        )

    def _clear(self) -> None:
        """Forget what was said of another endpoint."""
        self._ladder.clear()
        self._say("")

    def _refill(self) -> None:
        """Show what the state says, in every widget."""
        self._filling = True
        try:
            self._fill_list()
            editable = self.state.editable
            for name, field in self._fields.items():
                field.value = field.draft = self.state.value(name)
                said = self.state.remark(name)
                field.say(said.text, said.tone)
                field.disabled = not editable
            self._fill_key()
        finally:
            self._filling = False
        self._say(self.state.refusal or self.state.missing())
        self._fill_buttons()
        self._show(self._ask, False)

    def _fill_list(self) -> None:
        options = [(one.config_key, *self.state.list_label(one)) for one in self.state.endpoints]
        self._list.offer(options or [NO_ENDPOINTS], self.state.selected or "")
        self._from.value = ""
        self._fields["model"].suggest(self._listed.get(self.state.selected or "", []))

    def _fill_key(self) -> None:
        source = self._fields["key_source"].value
        self._fields["key_env"].hidden = source != "env"
        self._fields["key_header"].hidden = self._fields["key_style"].value != "header"
        self._secret.hidden = source == "env"
        self._secret.disabled = not self.state.takes_key
        waits = self.state.has_stored_key and not self.state.takes_key
        self._secret.placeholder = STORED_HINT if waits else KEY_HINT
        said = self.state.key_remark()
        shown, quiet = (
            (self._fields["key_env"], self._secret)
            if source == "env"
            else (self._secret, self._fields["key_env"])
        )
        refused = source == "env" and self.state.remark("key_env").tone == "bad"
        if not refused:
            shown.say(said.text, said.tone)
        quiet.say("")
        self._show(self._buttons["Replace key"], self.state.editable and waits)
        self._show(self._confirm_key, self.state.asks_for_key_confirmation)

    def _fill_buttons(self) -> None:
        endpoint, busy = self.state.endpoint, self._busy
        may_add = self.state.book.workspace.byok_enabled
        self._buttons["Add"].disabled = self._from.disabled = not may_add
        self._buttons["Duplicate"].disabled = endpoint is None or not may_add
        self._buttons["Delete"].disabled = endpoint is None or self.state.book.is_team(endpoint) or busy
        ready = endpoint is not None and endpoint in self.ready
        self._buttons["Test"].disabled = not ready or busy
        has_address = endpoint is not None and bool(endpoint.base_url) and not self.state.refusal
        self._buttons["List models"].disabled = not has_address or busy
        self._show(self._buttons["Stop"], busy)

    def _show(self, widget: Any, shown: bool) -> None:
        widget.layout.display = None if shown else "none"

    @property
    def _busy(self) -> bool:
        return self._task is not None and not self._task.done()

    def _start(self, work: Any) -> None:
        """Do something that takes its time, one thing at once; Stop cancels it."""
        if self._busy:
            work.close()
            return
        self._task = asyncio.ensure_future(work)
        self._task.add_done_callback(lambda _: self._fill_buttons())
        self._fill_buttons()

    async def _climb(self) -> None:
        """Climb the ladder with the selected endpoint, rung by rung into the view."""
        endpoint = self.state.endpoint
        if endpoint is None:
            return
        self._ladder.begin(currency_of(endpoint, endpoint.model().name))
        try:
            policy = self.state.egress_policy
            report = await ladder(endpoint, profile=self._profile, policy=policy, on_rung=self._ladder.add)
        except asyncio.CancelledError:
            self._ladder.stop("Stopped.")
            raise
        self.report = report
        self._ladder.finish(report)
        found = capabilities(report, endpoint.model(report.model).capabilities)
        self._tried(lambda: self.state.keep_capabilities(endpoint.config_key, report.model, found))
        self._suggest(endpoint, report.listed_models)

    async def _list_models(self) -> None:
        """Ask the server what it lists, and offer that; any other id may be typed."""
        endpoint = self.state.endpoint
        if endpoint is None:
            return
        self._say("Asking for the list of models …")
        try:
            exchange = await get_models(endpoint, profile=self._profile, policy=self.state.egress_policy)
        except ByokBenchError as error:  # the policy, for one, may have changed since the book was read
            self._say(sentence(error), bad=True)
            return
        if exchange.error is not None:
            self._say(f"No list: {advice(exchange.error, is_list=True)}", bad=True)
            return
        listed = listed_models(exchange.reading.body.document)
        self._suggest(endpoint, listed)
        count = "One model is" if len(listed) == 1 else f"{len(listed) or 'No'} models are"
        self._say(f"{count} listed. The field Model offers what is listed, and takes any other id.")

    def _suggest(self, endpoint: Endpoint, listed: list[str]) -> None:
        self._listed[endpoint.config_key] = listed
        if self.state.selected == endpoint.config_key:
            self._fields["model"].suggest(listed)
