"""What `bb.attach()` shows in a notebook: whose run it is, a field for each key that is missing, the live board."""

import asyncio
from collections.abc import Generator
from html import escape
from typing import Any

from IPython.display import display
from ipywidgets import HTML, VBox

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef
from byok_bench.errors import ByokBenchError, SecretError
from byok_bench.redact import redact
from byok_bench.redact.logs import list_remembered_secrets
from byok_bench.report.printable_text import to_printable_line
from byok_bench.runs.attachment import Attachment
from byok_bench.runs.results import Run
from byok_bench.ui.field import SecretField
from byok_bench.ui.remarks import to_sentence
from byok_bench.ui.run_view import RunView
from byok_bench.ui.stand_in import WithStandIn


class AttachmentView(WithStandIn, VBox):  # type: ignore[misc]
    """Goes on as soon as it is made; `run = await view` shows it and waits for the end."""

    stand_in = "A run that goes on."

    def __init__(self, attachment: Attachment) -> None:
        self.view = RunView()
        self.key_field = SecretField(hidden=True)
        """Where the key is typed that is asked for now."""
        self.run: Run | None = None
        """The run, once it has ended."""
        self._about = HTML(_render(attachment.describe()))
        self._is_shown = False
        super().__init__([self._about, self.key_field, self.view])
        self.view.stop_button.hidden = bool(attachment.driver)
        self._playing = asyncio.ensure_future(self._play(attachment))
        self._playing.add_done_callback(self._note_end)

    def __await__(self) -> Generator[Any, None, Run]:
        if not self._is_shown:
            display(self)  # type: ignore[no-untyped-call]
        return self._playing.__await__()

    def _repr_mimebundle_(self, **more: Any) -> Any:
        self._is_shown = True
        return super()._repr_mimebundle_(**more)

    async def _play(self, attachment: Attachment) -> Run:
        following = attachment.go_on(self.view.show_event, self._ask_key, self.view.stop_switch)
        self.run = await self.view.wait_for_run(following)
        return self.run

    async def _ask_key(self, endpoint: Endpoint) -> str:
        """The key that is typed into the field; one that no header can hold is asked for again."""
        entered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        loop = entered.get_loop()

        def take_text(text: str) -> None:
            try:
                KeyRef.session(text).forget()
            except SecretError as error:
                self.key_field.say(to_sentence(error), "bad")
                return
            if not entered.done():
                entered.set_result(text)

        def tell_loop(text: str) -> None:
            loop.call_soon_threadsafe(take_text, text)  # a front end may tell it in another thread

        field = self.key_field
        field.label, field.hidden = f"API {endpoint.describe_key()}", False
        field.say("It was kept for one session only, and that is over")
        field.observe_entered(tell_loop)
        try:
            return await entered
        finally:
            field.hidden = True

    def _note_end(self, playing: "asyncio.Future[Run]") -> None:
        if playing.cancelled() or playing.exception() is None:
            return
        error = playing.exception()
        said = to_sentence(error) if isinstance(error, ByokBenchError) else f"{type(error).__name__}: {error}"
        said = redact(said, list_remembered_secrets())
        self._about.value = f"<div role='alert' class='byok-note' data-tone='bad'>{_escape(said)}</div>"


def _render(text: str) -> str:
    return f"<div class='byok-note'>{_escape(text)}</div>"


def _escape(text: str) -> str:
    return escape(to_printable_line(text))
