"""The endpoint form: the list on the left, the fields of the selected one on the right.

Widgets render `FormState` and call it; what a field means is in endpoints/text_fields.py, testing and listing in
endpoint_tester.py. Fields are saved on blur and Enter, the request URL is previewed while typing, a key's text is gone
from the browser once it was read. Every button keeps the focus, or hands it on to what comes next.
"""

from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from typing import Any

from ipywidgets import HTML, HBox, Layout, VBox

from byok_bench.checks.ladder.report import LadderReport
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.errors import ByokBenchError
from byok_bench.ui import form_fields
from byok_bench.ui.action import Action
from byok_bench.ui.endpoint_tester import EndpointTester
from byok_bench.ui.form_fields import make_field_row
from byok_bench.ui.form_state import FormState
from byok_bench.ui.remarks import Remark, to_sentence
from byok_bench.ui.stand_in import WithStandIn

NO_ENDPOINTS = ("", "(none yet: press Add)", True)
KEY_HINT = "Paste it, then Enter; it is never shown"
STORED_HINT = "Stored; a new one replaces it"
DELETE = "Yes, delete it and its stored key"


class EndpointForm(WithStandIn, HBox):  # type: ignore[misc]
    """`EndpointForm(book)`: show it as the last line of a cell. `report` is the last ladder that was climbed."""

    stand_in = "The form for endpoints."

    def __init__(self, book: EndpointBook | None = None, *, profile: str = "local") -> None:
        self.state = FormState(book or EndpointBook.open())
        self._filling = False
        self._fields = form_fields.make_fields()
        self._list = form_fields.make_choice_field("Endpoints", (("", ""),), rows=9)
        self._from = form_fields.make_source_field()
        self._known = list(self._from.options)
        self._servers: dict[str, Endpoint] = {}
        self._secret = form_fields.make_secret_field()
        self._notice = HTML()
        names = ("Add", "Duplicate", "Test", "Capabilities", "List models", "Stop", "Delete", "Undo")
        self._buttons = {name: Action(name, "primary" if name == "Test" else "plain") for name in names}
        self._confirm_key = Action("The key may go to this address", "warning", hidden=True)
        self._really, self._keep = Action(DELETE, "danger"), Action("Keep it")
        self._ask = make_field_row(HTML("Delete this endpoint?"), self._really, self._keep)
        self._tester = EndpointTester(self.state, self.state.book.workspace.choose_profile(profile))
        self._listeners: list[Callable[[], Any]] = []
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

    @property
    def report(self) -> LadderReport | None:
        """The last ladder that was climbed."""
        return self._tester.report

    def offer_servers(self, servers: Sequence[Endpoint]) -> None:
        """Offer servers of this machine under `Add from`, beside the known ones."""
        self._servers = {f"server {number}": one for number, one in enumerate(servers)}
        more = [(id, f"{one.label} (runs here)", False) for id, one in self._servers.items()]
        self._from.offer([*self._known, *more])

    def observe_changes(self, callback: Callable[[], Any]) -> None:
        """Call `callback()` when the book changed, or a test ended."""
        self._listeners.append(callback)

    def _build_left(self) -> VBox:
        parts = [self._list, make_field_row(self._buttons["Add"], self._buttons["Duplicate"]), self._from]
        made = VBox(parts)
        made.add_class("byok-left")
        return made

    def _build_right(self) -> VBox:
        names = ("Test", "Capabilities", "List models", "Stop", "Delete", "Undo")
        actions = make_field_row(*(self._buttons[name] for name in names))
        parts = [
            *form_fields.make_main_fields(self._fields, self._secret),
            self._confirm_key,
            actions,
            self._ask,
            self._notice,
            self._tester,
            *form_fields.make_advanced_fields(self._fields),
        ]
        made = VBox(parts)
        made.add_class("byok-right")
        return made

    def _connect_widgets(self) -> None:
        for name, field in self._fields.items():
            field.observe(lambda change, name=name: self._enter_field(name, change["new"]), "value")
        self._fields["base_url"].observe(lambda change: self._show_address(change["new"]), "draft")
        self._list.observe(lambda change: self._select_endpoint(change["new"]), "value")
        self._from.observe(lambda change: self._add_from(change["new"]), "value")
        self._secret.observe_entered(self._enter_key)
        self._tester.observe_changes(self._show_tested)
        self._tester.observe_said(self._say)
        self._tester.observe_wanted(lambda name: self._fields[name].focus())
        actions: dict[str, Callable[[], Any]] = {
            "Add": lambda: self._add(self.state.add),
            "Duplicate": lambda: self._add(self.state.duplicate),
            "Test": self._tester.start_test,
            "Capabilities": self._tester.start_examination,
            "List models": self._tester.start_listing,
            "Stop": self._tester.stop,
            "Delete": lambda: self._ask_to_delete(True),
            "Undo": lambda: self._add(self.state.undo_delete),
        }
        for name, act in actions.items():
            self._buttons[name].observe_press(act)
        self._keep.observe_press(lambda: self._ask_to_delete(False))
        self._really.observe_press(self._delete)
        self._confirm_key.observe_press(self._confirm)

    def _enter_field(self, name: str, text: str) -> None:
        """A field was left, or Enter was pressed in it: save it, and say what came of it."""
        if self._filling:
            return
        said = self._call_saying_refusal(lambda: self.state.enter(name, text))
        if said is not None and said.tone != "bad":
            self._tester.clear()
        self._refill()
        if said is not None:
            self._fields[name].say(said.text, said.tone)

    def _enter_key(self, text: str) -> None:
        said = self._call_saying_refusal(partial(self.state.enter_key, text))
        del text
        self._refill()
        if said is not None:
            self._secret.say(said.text, said.tone)

    def _show_address(self, text: str) -> None:
        if not self._filling:
            said = self.state.describe_address(text)
            self._fields["base_url"].say(said.text, said.tone)

    def _select_endpoint(self, config_key: str) -> None:
        if not self._filling and config_key:
            self.state.selected = config_key
            self._tester.clear()
            self._refill()

    def _add_from(self, source: str) -> None:
        if self._filling or not source:
            return
        server = self._servers.get(source)
        self._add(lambda: self.state.add_from(source) if server is None else self.state.add_server(server))

    def _add(self, act: Callable[[], Remark | None]) -> None:
        """An action that selects a new endpoint: the cursor goes to its label, or to what it still needs."""
        said = self._change_book(act)
        if isinstance(said, Remark) and said.text:
            self._say(said.text)
        self._fields["label"].focus()

    def _ask_to_delete(self, asked: bool) -> None:
        self._show_widget(self._ask, asked)
        (self._keep if asked else self._buttons["Delete"]).focus()

    def _delete(self) -> None:
        label = self.state.endpoint.label if self.state.endpoint else ""
        self._change_book(self.state.delete)
        if self.state.deleted_label == label:
            self._say(f"{label} was deleted.")
            self._buttons["Undo"].focus()

    def _confirm(self) -> None:
        self._change_book(self.state.confirm_key)
        self._buttons["Test"].focus()

    def _change_book(self, act: Callable[[], Any]) -> Any:
        """An action on the book, and the form as it is then; what it refuses is said."""
        self._tester.clear()
        self._say("")
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

    def _say(self, text: str, bad: bool = False) -> None:
        """One line below the buttons, which screen readers announce."""
        tone = "bad" if bad else "plain"
        shown = "<br>".join(escape(line) for line in text.split("\n"))
        self._notice.value = f"<div role='status' class='byok-note' data-tone='{tone}'>{shown}</div>" if text else ""

    def _show_tested(self, *, changed: bool) -> None:
        """The tester began, ended, or changed the selected endpoint: its words stay where they are."""
        if changed:
            said = self._notice.value
            self._refill()
            self._notice.value = said or self._notice.value
        self._fill_buttons()

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
        for listener in self._listeners:
            listener()

    def _fill_list(self) -> None:
        options = [(one.config_key, *self.state.make_list_label(one)) for one in self.state.endpoints]
        self._list.offer(options or [NO_ENDPOINTS], self.state.selected or "")
        self._from.value = ""
        self._fields["model"].suggest(self._tester.list_known_models())

    def _fill_key(self) -> None:
        source = self._fields["key_source"].value
        self._fields["key_env"].hidden = source != "env"
        self._fields["key_header"].hidden = self._fields["key_style"].value != "header"
        self._secret.hidden = source == "env"
        self._secret.disabled = not self.state.can_take_key
        self._secret.placeholder = STORED_HINT if self.state.has_stored_key else KEY_HINT
        said = self.state.describe_key()
        shown, quiet = (
            (self._fields["key_env"], self._secret) if source == "env" else (self._secret, self._fields["key_env"])
        )
        refused = source == "env" and self.state.describe_field("key_env").tone == "bad"
        if not refused:
            shown.say(said.text, said.tone)
        quiet.say("")
        self._confirm_key.hidden = not self.state.has_unconfirmed_key

    def _fill_buttons(self) -> None:
        endpoint, busy = self.state.endpoint, self._tester.is_busy
        may_add = self.state.book.workspace.byok_enabled
        self._buttons["Add"].disabled = self._from.disabled = not may_add
        self._buttons["Duplicate"].disabled = endpoint is None or not may_add
        self._buttons["Delete"].disabled = endpoint is None or self.state.book.is_team(endpoint) or busy
        ready = endpoint is not None and endpoint in self.ready_endpoints
        self._buttons["Test"].disabled = self._buttons["Capabilities"].disabled = not ready or busy
        has_address = endpoint is not None and bool(endpoint.base_url) and not self.state.refusal
        self._buttons["List models"].disabled = not has_address or busy
        self._buttons["Stop"].hidden = not busy
        self._buttons["Undo"].hidden = not self.state.deleted_label
        self._buttons["Undo"].text = (
            f"Undo: bring {self.state.deleted_label} back" if self.state.deleted_label else "Undo"
        )

    def _show_widget(self, widget: Any, shown: bool) -> None:
        widget.layout.display = None if shown else "none"
