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

from byok_bench.checks.advice import describe_failure, has_sent_key
from byok_bench.checks.ladder.capabilities import prove_capabilities
from byok_bench.checks.ladder.climb import find_currency, ladder
from byok_bench.checks.ladder.report import LadderReport
from byok_bench.dialects.model_list import list_usable_models
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.send import list_models
from byok_bench.errors import ByokBenchError
from byok_bench.ui import form_fields
from byok_bench.ui.form_fields import make_button, make_field_row
from byok_bench.ui.form_state import FormState, Remark, to_sentence
from byok_bench.ui.ladder_view import LadderView

NO_ENDPOINTS = ("", "(none yet: press Add)", True)
KEY_HINT = "Paste it, then Enter; it is never shown"
STORED_HINT = "Stored. Replace key takes another"


class EndpointForm(HBox):  # type: ignore[misc]
    """`EndpointForm(book)`: show it as the last line of a cell. `report` is the last ladder that was climbed."""

    def __init__(self, book: EndpointBook | None = None, *, profile: str = "local") -> None:
        self.state = FormState(book or EndpointBook.open())
        self.report: LadderReport | None = None
        self._profile = self.state.book.workspace.choose_profile(profile)
        self._task: asyncio.Task[None] | None = None
        self._filling = False
        self._listed: dict[str, list[str]] = {}
        """What a server lists, by the endpoint's config_key."""
        self._fields = form_fields.make_fields()
        self._list = form_fields.make_choice_field("Endpoints", (("", ""),), rows=9)
        self._from = form_fields.make_source_field()
        self._secret = form_fields.make_secret_field()
        self._notice, self._found = HTML(), HTML()
        self._ladder = LadderView()
        names = ("Add", "Duplicate", "Test", "List models", "Stop", "Delete", "Replace key")
        self._buttons = {name: make_button(name) for name in names}
        self._buttons["Test"].button_style = "primary"
        self._confirm_key = make_button("The key may go to this address", "warning")
        self._really = make_button("Yes, delete it and its stored key", "danger")
        self._keep = make_button("Keep it")
        self._ask = make_field_row(HTML("Delete this endpoint?"), self._really, self._keep)
        super().__init__(
            [self._build_left(), self._build_right()], layout=Layout(width="100%", align_items="flex-start")
        )
        self.add_class("byok-form")
        self._connect_widgets()
        self._refill()

    @property
    def ready_endpoints(self) -> list[Endpoint]:
        """Endpoints of the book that may take part in a run."""
        return list(self.state.book.usable_endpoints)

    def _build_left(self) -> VBox:
        parts = [self._list, make_field_row(self._buttons["Add"], self._buttons["Duplicate"]), self._from]
        made = VBox(parts)
        made.add_class("byok-left")
        return made

    def _build_right(self) -> VBox:
        keys = make_field_row(self._buttons["Replace key"], self._confirm_key)
        actions = make_field_row(*(self._buttons[name] for name in ("Test", "List models", "Stop", "Delete")))
        parts = [
            *form_fields.make_main_fields(self._fields, self._secret),
            keys,
            form_fields.make_advanced_fields(self._fields),
        ]
        made = VBox([*parts, self._notice, actions, self._ask, self._ladder, self._found])
        made.add_class("byok-right")
        return made

    def _connect_widgets(self) -> None:
        for name, field in self._fields.items():
            field.observe(lambda change, name=name: self._enter_field(name, change["new"]), "value")
        self._fields["base_url"].observe(lambda change: self._show_address(change["new"]), "draft")
        self._list.observe(lambda change: self._select_endpoint(change["new"]), "value")
        self._from.observe(lambda change: self._add_from(change["new"]), "value")
        self._secret.observe_entered(self._enter_key)
        actions: dict[str, Callable[[], Any]] = {
            "Add": lambda: self._change_book(self.state.add),
            "Duplicate": lambda: self._change_book(self.state.duplicate),
            "Test": lambda: self._start(self._climb()),
            "List models": lambda: self._start(self._list_models()),
            "Stop": lambda: self._task and self._task.cancel(),
            "Delete": lambda: self._show_widget(self._ask, True),
            "Replace key": self._replace_key,
        }
        for name, act in actions.items():
            self._buttons[name].on_click(lambda _, act=act: act())
        self._keep.on_click(lambda _: self._show_widget(self._ask, False))
        self._really.on_click(lambda _: self._change_book(self.state.delete))
        self._confirm_key.on_click(lambda _: self._change_book(self.state.confirm_key))

    def _enter_field(self, name: str, text: str) -> None:
        """A field was left, or Enter was pressed in it: save it, and say what came of it."""
        if self._filling:
            return
        said = self._call_saying_refusal(lambda: self.state.enter(name, text))
        if said is not None and said.tone != "bad":
            self._ladder.clear()
        self._refill()
        if said is not None:
            self._fields[name].say(said.text, said.tone)

    def _enter_key(self, text: str) -> None:
        said = self._call_saying_refusal(partial(self.state.enter_key, text))
        del text
        self._refill()
        if said is not None:
            self._secret.say(said.text, said.tone)

    def _replace_key(self) -> None:
        self.state.replace_key()
        self._refill()
        self._secret.focus()

    def _show_address(self, text: str) -> None:
        if not self._filling:
            said = self.state.describe_address(text)
            self._fields["base_url"].say(said.text, said.tone)

    def _select_endpoint(self, config_key: str) -> None:
        if not self._filling and config_key:
            self.state.selected = config_key
            self._clear()
            self._refill()

    def _add_from(self, source: str) -> None:
        if self._filling or not source:
            return
        said = self._change_book(lambda: self.state.add_from(source))
        if isinstance(said, Remark):
            self._say(said.text)

    def _change_book(self, act: Callable[[], Any]) -> Any:
        """An action on the book, and the form as it is then; what it refuses is said."""
        self._clear()
        return self._call_saying_refusal(act, refill=True)

    def _call_saying_refusal(self, act: Callable[[], Any], *, refill: bool = False) -> Any:
        problem = ""
        done = None
        try:
            done = act()
        except ByokBenchError as error:
            problem = to_sentence(error)
        if refill:
            self._refill()
        if problem:
            self._say(problem, bad=True)
        return done

    def _say(self, text: str, *, bad: bool = False) -> None:
        """One line beside the buttons, which screen readers announce."""
        tone = "bad" if bad else "plain"
        shown = "<br>".join(escape(line) for line in text.split("\n"))
        self._notice.value = f"<div role='status' class='byok-note' data-tone='{tone}'>{shown}</div>" if text else ""

    def _clear(self) -> None:
        """Forget what was said of another endpoint."""
        self._ladder.clear()
        self._say("")

    def _refill(self) -> None:
        """Show what the state says, in every widget."""
        self._filling = True
        try:
            self._fill_list()
            editable = self.state.is_editable
            for name, field in self._fields.items():
                field.value = field.draft = self.state.get_field_text(name)
                said = self.state.describe_field(name)
                field.say(said.text, said.tone)
                field.disabled = not editable
            self._fill_key()
        finally:
            self._filling = False
        self._say(self.state.refusal or self.state.describe_missing())
        self._fill_buttons()
        self._show_widget(self._ask, False)

    def _fill_list(self) -> None:
        options = [(one.config_key, *self.state.make_list_label(one)) for one in self.state.endpoints]
        self._list.offer(options or [NO_ENDPOINTS], self.state.selected or "")
        self._from.value = ""
        self._fields["model"].suggest(self._listed.get(self.state.selected or "", []))

    def _fill_key(self) -> None:
        source = self._fields["key_source"].value
        self._fields["key_env"].hidden = source != "env"
        self._fields["key_header"].hidden = self._fields["key_style"].value != "header"
        self._secret.hidden = source == "env"
        self._secret.disabled = not self.state.can_take_key
        waits = self.state.has_stored_key and not self.state.can_take_key
        self._secret.placeholder = STORED_HINT if waits else KEY_HINT
        said = self.state.describe_key()
        shown, quiet = (
            (self._fields["key_env"], self._secret) if source == "env" else (self._secret, self._fields["key_env"])
        )
        refused = source == "env" and self.state.describe_field("key_env").tone == "bad"
        if not refused:
            shown.say(said.text, said.tone)
        quiet.say("")
        self._show_widget(self._buttons["Replace key"], self.state.is_editable and waits)
        self._show_widget(self._confirm_key, self.state.has_unconfirmed_key)

    def _fill_buttons(self) -> None:
        endpoint, busy = self.state.endpoint, self._is_busy
        may_add = self.state.book.workspace.byok_enabled
        self._buttons["Add"].disabled = self._from.disabled = not may_add
        self._buttons["Duplicate"].disabled = endpoint is None or not may_add
        self._buttons["Delete"].disabled = endpoint is None or self.state.book.is_team(endpoint) or busy
        ready = endpoint is not None and endpoint in self.ready_endpoints
        self._buttons["Test"].disabled = not ready or busy
        has_address = endpoint is not None and bool(endpoint.base_url) and not self.state.refusal
        self._buttons["List models"].disabled = not has_address or busy
        self._show_widget(self._buttons["Stop"], busy)

    def _show_widget(self, widget: Any, shown: bool) -> None:
        widget.layout.display = None if shown else "none"

    @property
    def _is_busy(self) -> bool:
        return self._task is not None and not self._task.done()

    def _start(self, work: Any) -> None:
        """Do something that takes its time, one thing at once; Stop cancels it."""
        if self._is_busy:
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
        self._ladder.begin(find_currency(endpoint, endpoint.get_model().name))
        try:
            policy = self.state.egress_policy
            report = await ladder(endpoint, profile=self._profile, policy=policy, on_rung=self._ladder.add)
        except asyncio.CancelledError:
            self._ladder.stop("Stopped.")
            raise
        self.report = report
        self._ladder.finish(report)
        found = prove_capabilities(report, endpoint.get_model(report.model).capabilities)
        self._call_saying_refusal(lambda: self.state.keep_capabilities(endpoint.config_key, report.model, found))
        self._suggest(endpoint, report.listed_models)

    async def _list_models(self) -> None:
        """Ask the server what it lists, and offer that; any other id may be typed."""
        endpoint = self.state.endpoint
        if endpoint is None:
            return
        self._say("Asking for the list of models …")
        try:
            exchange = await list_models(endpoint, profile=self._profile, policy=self.state.egress_policy)
        except ByokBenchError as error:  # the policy, for one, may have changed since the book was read
            self._say(to_sentence(error), bad=True)
            return
        if exchange.error is not None:
            self._say(
                f"No list: {describe_failure(exchange.error, is_list=True, key_sent=has_sent_key(exchange))}",
                bad=True,
            )
            return
        listed = list_usable_models(exchange.reading.body.document)
        self._suggest(endpoint, listed)
        count = "One model is" if len(listed) == 1 else f"{len(listed) or 'No'} models are"
        self._say(f"{count} listed. The field Model offers what is listed, and takes any other id.")

    def _suggest(self, endpoint: Endpoint, listed: list[str]) -> None:
        self._listed[endpoint.config_key] = listed
        if self.state.selected == endpoint.config_key:
            self._fields["model"].suggest(listed)
