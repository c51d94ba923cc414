"""The endpoint form: the list on the left, the fields of the selected one on the right.

Widgets render `FormState` and call it; what a field means is in state.py. Fields are saved on blur and
Enter, the request URL is previewed while typing, a key's text is gone from the browser once it was read.
"""

import asyncio
from typing import Any, Final

from ipywidgets import HTML, Accordion, Button, HBox, Layout, VBox

from byok_bench.checks.ladder import ladder
from byok_bench.checks.rungs import LadderReport
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import KEY_STYLES, SCHEMAS, Endpoint
from byok_bench.ui.field import Field, SecretField
from byok_bench.ui.ladder_view import LadderView
from byok_bench.ui.state import FormState, Said, preview

KEY_SOURCES: Final = (
    ("none", "No key (many local servers need none)"),
    ("env", "Environment variable"),
    ("keyring", "The system's keyring"),
    ("session", "This session only"),
)
MAIN: Final = ("label", "base_url", "schema", "model", "alias", "key_source", "key_env")
ADVANCED: Final = (
    "key_style", "key_header", "headers", "query", "body", "timeouts", "ca_file", "context_window", "price",
)  # fmt: skip


def fields() -> dict[str, Field]:
    """One widget for each field of the form, by the field's name."""
    return {
        "label": Field(label="Label", placeholder="How tables call it"),
        "base_url": Field(label="Base URL", placeholder="https://openrouter.ai/api/v1"),
        "schema": choice("API schema", tuple((name, name) for name in SCHEMAS)),
        "model": Field(label="Model", placeholder="The provider's exact model id"),
        "alias": Field(label="Alias", placeholder="Shown instead of the model id; optional"),
        "key_source": choice("Key source", KEY_SOURCES),
        "key_env": Field(label="Environment variable", placeholder="OPENAI_API_KEY"),
        "key_style": choice("Key style", tuple((name, name) for name in KEY_STYLES)),
        "key_header": Field(label="Key header", placeholder="x-goog-api-key"),
        "headers": Field(
            kind="area", rows=2, label="Extra headers", placeholder="One a line: X-Title: my workbench"
        ),
        "query": Field(
            kind="area", rows=2, label="Query fields", placeholder="One a line: api-version: 2025-01-01"
        ),
        "body": Field(
            kind="area", rows=2, label="Extra request fields", placeholder='{"reasoning_effort": "low"}'
        ),
        "timeouts": Field(label="Timeouts in seconds", placeholder="connect, first byte, idle, total"),
        "ca_file": Field(label="CA file", placeholder="PEM file of your own certificate authority"),
        "context_window": Field(label="Context window in tokens"),
        "price": Field(label="Price per million tokens", placeholder="input / output"),
    }


def choice(label: str, options: tuple[tuple[str, str], ...], rows: int = 1) -> Field:
    """A field that offers a fixed set."""
    return Field(
        kind="choice", label=label, options=[list(pair) for pair in options], value=options[0][0], rows=rows
    )


def button(text: str, style: str = "") -> Button:
    """A button as wide as its text."""
    return Button(description=text, button_style=style, layout=Layout(width="auto"))


class EndpointForm(HBox):  # type: ignore[misc]
    """`EndpointForm(book)`: show it as the last line of a cell. `report` is the last ladder that was climbed."""

    def __init__(self, book: EndpointBook | None = None, *, profile: str = "local") -> None:
        self.state = FormState(book or EndpointBook.open())
        self.report: LadderReport | None = None
        self._profile = profile
        self._climbing: asyncio.Task[None] | None = None
        self._filling = False
        self._fields = fields()
        self._list = choice("Endpoints", (("", ""),), rows=9)
        self._secret = SecretField(
            label="API key", placeholder="Type or paste, then Enter; it is not shown again"
        )
        self._missing = HTML()
        self._ladder = LadderView()
        self._buttons = {name: button(name) for name in ("Add", "Duplicate", "Test", "Delete")}
        self._buttons["Test"].button_style = "primary"
        self._confirm_key = button("The key may go to this address", "warning")
        self._really = button("Yes, delete it and its stored key", "danger")
        self._keep = button("Keep it")
        self._ask = HBox([HTML("Delete this endpoint?"), self._really, self._keep])
        super().__init__([self._left(), self._right()], layout=Layout(width="100%", align_items="flex-start"))
        self._wire()
        self._refill()

    @property
    def ready(self) -> list[Endpoint]:
        """Endpoints of the book that may take part in a run."""
        return list(self.state.book.usable)

    def _left(self) -> VBox:
        row = HBox([self._buttons["Add"], self._buttons["Duplicate"]])
        return VBox([self._list, row], layout=Layout(width="260px", min_width="200px", padding="0 12px 0 0"))

    def _right(self) -> VBox:
        main = [self._fields[name] for name in MAIN]
        self._advanced = Accordion([VBox([self._fields[name] for name in ADVANCED])], titles=("Advanced",))
        self._advanced.selected_index = None
        row = HBox([self._buttons["Test"], self._buttons["Delete"]])
        parts = [
            *main,
            self._secret,
            self._confirm_key,
            self._advanced,
            self._missing,
            row,
            self._ask,
            self._ladder,
        ]
        return VBox(parts, layout=Layout(flex="1 1 0", min_width="0", max_width="760px"))

    def _wire(self) -> None:
        for name, field in self._fields.items():
            field.observe(lambda change, name=name: self._entered(name, change["new"]), "value")
        self._fields["base_url"].observe(lambda change: self._preview(change["new"]), "draft")
        self._list.observe(lambda change: self._selected(change["new"]), "value")
        self._secret.on_entered(self._key_entered)
        self._buttons["Add"].on_click(lambda _: self._then_refill(self.state.add))
        self._buttons["Duplicate"].on_click(lambda _: self._then_refill(self.state.duplicate))
        self._buttons["Test"].on_click(lambda _: self._test())
        self._buttons["Delete"].on_click(lambda _: self._show(self._ask, True))
        self._keep.on_click(lambda _: self._show(self._ask, False))
        self._really.on_click(lambda _: self._then_refill(self.state.delete))
        self._confirm_key.on_click(lambda _: self._then_refill(self.state.confirm_key))

    def _entered(self, name: str, text: str) -> None:
        """A field was left, or Enter was pressed in it: save it, and say what came of it."""
        if self._filling:
            return
        said = self.state.enter(name, text)
        if said.tone == "bad":
            self._fields[name].say(said.text, said.tone)
            return
        self._refill()

    def _key_entered(self, text: str) -> None:
        said = self.state.enter_key(text)
        del text
        self._refill()
        self._secret.say(said.text, said.tone)

    def _preview(self, text: str) -> None:
        if not self._filling:
            said = preview(text, self._fields["schema"].value)
            self._fields["base_url"].say(said.text, said.tone)

    def _selected(self, config_key: str) -> None:
        if not self._filling and config_key:
            self.state.selected = config_key
            self._ladder.clear()
            self._refill()

    def _then_refill(self, act: Any) -> None:
        act()
        self._ladder.clear()
        self._refill()

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
            self._fill_key(editable)
        finally:
            self._filling = False
        why = self.state.refusal or self.state.missing()
        self._missing.value = f"<div role='status' class='byok-note'>{why}</div>" if why else ""
        for name in ("Duplicate", "Test", "Delete"):
            self._buttons[name].disabled = self.state.endpoint is None
        self._buttons["Test"].disabled |= bool(why)
        self._show(self._ask, False)

    def _fill_list(self) -> None:
        options = [(one.config_key, self.state.list_label(one)) for one in self.state.endpoints]
        self._list.offer(options or [("", "(none yet: press Add)")], self.state.selected or "")

    def _fill_key(self, editable: bool) -> None:
        source = self._fields["key_source"].value
        self._fields["key_env"].hidden = source != "env"
        self._fields["key_header"].hidden = self._fields["key_style"].value != "header"
        self._secret.hidden = source not in ("keyring", "session")
        self._secret.disabled = not editable
        said: Said = self.state.key_remark()
        near = self._fields["key_source"] if self._secret.hidden else self._secret
        near.say(said.text, said.tone)
        endpoint = self.state.endpoint
        self._show(self._confirm_key, endpoint is not None and not endpoint.key_is_confirmed)

    def _show(self, widget: Any, shown: bool) -> None:
        widget.layout.display = None if shown else "none"

    def _test(self) -> None:
        if self._climbing is None or self._climbing.done():
            self._climbing = asyncio.ensure_future(self._climb())

    async def _climb(self) -> None:
        """Climb the ladder with the selected endpoint, rung by rung into the view."""
        endpoint = self.state.endpoint
        if endpoint is None:
            return
        self._buttons["Test"].disabled = True
        self._ladder.begin()
        try:
            policy = self.state.egress_policy
            self.report = await ladder(
                endpoint, profile=self._profile, policy=policy, on_rung=self._ladder.add
            )
            listed = self.report.listed_models
            self._fields["model"].offer([(name, name) for name in listed])
        finally:
            self._buttons["Test"].disabled = False
