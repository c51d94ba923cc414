"""The model of the endpoint form: which endpoint is selected, what was entered, what is missing. No widgets.

Every field is applied on its own and saved at once. A refused entry changes nothing in the book; its text is kept
here beside the reason until it is mended, whatever else is edited meanwhile. Only what looks like a key is not kept:
the form's fields are part of the saved notebook.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from msgspec.structs import replace

from byok_bench.checks.ladder.capabilities import note_proofs
from byok_bench.checks.ladder.last_tests import FILE_NAME, LastTests
from byok_bench.checks.ladder.report import LadderReport
from byok_bench.checks.remedies import Remedy
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.entered_text import trim_ends
from byok_bench.endpoints.importing import add_to_book, from_environment, from_preset
from byok_bench.endpoints.key_places import describe_key_place, is_key_stored
from byok_bench.endpoints.keys import KEYRING_CODES, KeyRef
from byok_bench.endpoints.model import Model, make_config_key
from byok_bench.endpoints.model_text_fields import read_model_field
from byok_bench.endpoints.readiness import (
    describe_unreadiness,
    find_url_hint,
    find_url_problem,
    render_request_line,
)
from byok_bench.endpoints.secret import Secret
from byok_bench.endpoints.text_fields import MULTILINE_FIELDS, TEXT_FIELDS
from byok_bench.errors import ByokBenchError, EndpointError, SecretError
from byok_bench.redact import redact
from byok_bench.ui.remarks import Remark, Tone, describe_capabilities, is_key_like, to_sentence

NEW_LABEL: Final = "New endpoint"
ENVIRONMENT: Final = "environment"
"""What `add_from` takes beside the presets: OPENAI_BASE_URL and OPENAI_API_KEY."""
_TONES: Final[Mapping[bool | None, Tone]] = {True: "good", False: "bad", None: "plain"}
_TRIMMED: Final = "White space or invisible characters around it were taken off."
_LINES: Final = MULTILINE_FIELDS | {"body", "model_body"}
"""Where a line end is no slip."""

_COPIED_KEYS: Final = {
    "env": "It reads the same variable.",
    "none": "It sends no key.",
    "keyring": "The stored key was not copied: enter one.",
    "session": "The stored key was not copied: enter one.",
}
"""Kind of a copied key source → what became of the key."""


class FormState:
    """The endpoint book as a form sees it."""

    def __init__(self, book: EndpointBook) -> None:
        self.book = book
        self.selected: str | None = next((one.config_key for one in book.endpoints), None)
        self._refused: dict[tuple[str, str], tuple[str, Remark]] = {}
        """Texts that were not accepted, with the reason, by endpoint and field."""
        self._deleted: Endpoint | None = None
        """The endpoint that was deleted last, until it is put back."""
        self.tests = LastTests(book.path.with_name(FILE_NAME))
        """How the last test of each endpoint ended."""

    @property
    def endpoints(self) -> list[Endpoint]:
        """All endpoints, in the order of the book."""
        return list(self.book.endpoints)

    @property
    def endpoint(self) -> Endpoint | None:
        """The selected one; None in an empty book."""
        return next((one for one in self.endpoints if one.config_key == self.selected), None)

    @property
    def refusal(self) -> str:
        """Why the selected endpoint may not be used here; empty if it may."""
        endpoint = self.endpoint
        return "" if endpoint is None else self.book.find_refusal(endpoint) or ""

    @property
    def is_editable(self) -> bool:
        """Whether the fields may be changed: a team's endpoint and a refused one are shown only."""
        endpoint = self.endpoint
        return endpoint is not None and not self.refusal and not self.book.is_team(endpoint)

    @property
    def egress_policy(self) -> Mapping[str, Any] | None:
        """The workspace's egress lists."""
        return self.book.egress_policy

    def make_list_label(self, endpoint: Endpoint) -> tuple[str, bool]:
        """How the list names one, and whether it is greyed out, being turned off here."""
        if self.book.find_refusal(endpoint):
            return f"{endpoint.label}  (turned off here)", True
        where = "  (Team)" if self.book.is_team(endpoint) else ""
        return f"{endpoint.label}{where}  {self.describe_standing(endpoint)}", False

    def describe_standing(self, endpoint: Endpoint) -> str:
        """`(incomplete)`, `untested`, or how its last test ended and how long ago."""
        if describe_unreadiness(endpoint):
            return "(incomplete)"
        test = self.tests.find(endpoint)
        return "untested" if test is None else test.describe(datetime.now(UTC))

    def add(self) -> None:
        """A new, incomplete endpoint, saved and selected."""
        self._keep(Endpoint(label=self._find_free_label(NEW_LABEL)))

    def add_server(self, server: Endpoint) -> Remark:
        """An endpoint of one's own at a server of this machine, saved and selected."""
        self._keep(
            Endpoint(
                label=self._find_free_label(server.label),
                base_url=server.base_url,
                schema=server.schema,
                key=server.key,
                models=[Model(model.name) for model in server.models],
            )
        )
        return Remark(f"Points at {server.label}, as long as it runs.")

    def add_from(self, source: str) -> Remark:
        """One from a preset or from the environment, saved and selected; what there is to know about it."""
        found = from_environment() if source == ENVIRONMENT else from_preset(source)
        added = add_to_book(self.book, found)
        if added.endpoints:
            self.selected = added.endpoints[0].config_key
        return Remark("\n".join(note if note.endswith(".") else f"{note}." for note in added.notes))

    def duplicate(self) -> Remark:
        """A copy of the selected one under a free label, with models of its own; a stored key is not copied."""
        source = self._require_selected()
        copy = Endpoint(
            **{
                name: getattr(source, name)
                for name in source.__struct_fields__
                if name not in ("label", "config_key", "models", "key", "key_origin", "key_set_at")
            },
            label=self._find_free_label(f"{source.label} copy"),
            models=[copy_model(model) for model in source.models],
            key=_copy_key_source(source.key),
        )
        self._keep(copy)
        return Remark(f"The copy has the same key source. {_COPIED_KEYS[copy.key.kind]}".strip())

    def delete(self) -> None:
        """Remove the selected one, and its keyring entry."""
        endpoint = self._require_selected()
        keys = [one.config_key for one in self.endpoints]
        at = keys.index(endpoint.config_key)
        gone = keys.pop(at)
        try:
            self.book.remove(gone)
        finally:
            if gone not in [one.config_key for one in self.endpoints]:
                self._deleted = endpoint
                self.selected = keys[min(at, len(keys) - 1)] if keys else None

    @property
    def deleted_label(self) -> str:
        """What the endpoint was called that can be put back; empty if there is none."""
        return self._deleted.label if self._deleted else ""

    def undo_delete(self) -> Remark:
        """Put the endpoint back that was deleted last. A stored key went with it, and is asked for again."""
        endpoint, self._deleted = self._deleted, None
        if endpoint is None:
            return Remark()
        lost = is_key_stored(endpoint) or endpoint.key.kind in ("keyring", "session")
        back = replace(endpoint, key=_copy_key_source(endpoint.key), key_set_at=None) if lost else endpoint
        self._keep(replace(back, label=self._find_free_label(back.label)))
        return Remark(f"{back.label} is back. {'Its key was deleted: enter it again.' if lost else ''}".strip())

    def set_models(self, names: Sequence[str]) -> Remark:
        """Let the selected endpoint have just these models; one that stays keeps its place and what is known of it."""
        current = self._require_selected()
        known = {model.name: model for model in current.models if model.name in names}
        try:
            models = [*known.values(), *(Model(name) for name in names if name not in known)]
            self.book.update(replace(current, models=models))
        except ByokBenchError as error:
            return Remark(f"{to_sentence(error)} Not saved.", "bad")
        self._refused.pop((current.config_key, "model"), None)
        return self.describe_field("model")

    def enter(self, field: str, text: str) -> Remark:
        """Apply one field of the selected endpoint and save it; what to say under the field."""
        current = self._require_selected()
        place = current.config_key, field
        self._refused.pop(place, None)
        try:
            changed = TEXT_FIELDS[field].read(current, text)
            if changed != current:
                self.book.update(changed)
        except ByokBenchError as error:
            said = Remark(f"{to_sentence(error)} Not saved.", "bad")
            if is_key_like(field, text):
                return Remark(f"{said.text} It may be a key, so it was taken out of this field.", "bad")
            self._refused[place] = text, said
            return said
        said = self.describe_field(field)
        if field in _LINES or text == trim_ends(text):
            return said
        return Remark(f"{said.text} {_TRIMMED}".strip(), said.tone)

    def enter_key(self, text: str) -> Remark:
        """Keep a key that was typed: in the keyring, or for this session if that is wanted or there is no keyring."""
        current = self._require_selected()
        secret = Secret(text)
        trimmed = "" if text == trim_ends(text) else f" {_TRIMMED}"
        del text
        try:
            said = self._store_secret(current, secret)
        except ByokBenchError as error:
            return Remark(f"{to_sentence(error)} Nothing was stored.", "bad")
        return Remark(f"{said.text}{trimmed}", said.tone)

    def _store_secret(self, current: Endpoint, secret: Secret) -> Remark:
        """Keep a good key where it belongs; where the keyring cannot take it, it is at least not lost."""
        problem = ""
        if current.key.kind != "session":
            try:
                self.book.set_key(current.config_key, secret)
                return self.describe_key()
            except SecretError as error:
                if error.code not in KEYRING_CODES:
                    raise
                problem = to_sentence(error)
        ref = KeyRef.session(secret)
        self.book.update(replace(current, key=ref, key_origin=current.origin, key_set_at=None))
        if current.key.kind == "session":
            current.key.forget()
        said = self.describe_key()
        return Remark(f"{said.text} {problem}".strip(), said.tone)

    @property
    def can_take_key(self) -> bool:
        """Whether a key may be typed; it replaces a stored one."""
        return self.is_editable

    @property
    def has_stored_key(self) -> bool:
        """Whether a key of the selected endpoint is in the keyring or in this session."""
        endpoint = self.endpoint
        return endpoint is not None and is_key_stored(endpoint)

    def confirm_key(self) -> None:
        """The user said that the key may go to the endpoint's present address."""
        self.book.confirm_key(self._require_selected().config_key)

    def apply_remedy(self, config_key: str, remedy: Remedy) -> None:
        """Set what mends the requests to one model of an endpoint. Raises EndpointError."""
        endpoint = next((one for one in self.endpoints if one.config_key == config_key), None)
        if endpoint is None or self.book.is_team(endpoint) or self.book.find_refusal(endpoint):
            raise EndpointError("this endpoint cannot be changed here", code="not_editable")
        self.book.update(read_model_field(endpoint, remedy.field, remedy.value, remedy.model))

    def keep_proofs(self, config_key: str, report: LadderReport) -> None:
        """Note on the model what a test showed, where that may be written."""
        endpoint = next((one for one in self.endpoints if one.config_key == config_key), None)
        if endpoint is None or self.book.is_team(endpoint) or self.book.find_refusal(endpoint):
            return
        if redact(endpoint.base_url, ()) != report.base_url:
            return  # edited while the test ran: what was shown is of the other address
        models = [note_proofs(one, report) if one.name == report.model else one for one in endpoint.models]
        self.book.update(replace(endpoint, models=models))

    def get_field_text(self, field: str) -> str:
        """Text of a field: as stored, or as it was typed and refused."""
        endpoint = self.endpoint
        if endpoint is None:
            return ""
        refused = self._refused.get((endpoint.config_key, field))
        return refused[0] if refused else TEXT_FIELDS[field].show(endpoint)

    def describe_field(self, field: str) -> Remark:
        """What stands under a field: why its text was refused, or what there is to say of the stored one."""
        endpoint = self.endpoint
        if endpoint is None:
            return Remark()
        if refused := self._refused.get((endpoint.config_key, field)):
            return refused[1]
        match field:
            case "base_url":
                return self.describe_address(endpoint.base_url)
            case "model" if not endpoint.models or not endpoint.models[0].name:
                return Remark("Missing: the model's exact id.")
            case "model":
                return Remark(describe_capabilities(endpoint.models[0].capabilities))
            case "verify" if not endpoint.tls.verify:
                return Remark("For this machine and private networks only; every report says so.", "bad")
            case _:
                return Remark()

    def describe_address(self, text: str) -> Remark:
        """The exact request URL that a base URL gives, while it is typed; what is wrong with it otherwise."""
        endpoint = self.endpoint
        if endpoint is None:
            return Remark()
        if not trim_ends(text):
            return Remark("Missing: the address, such as https://openrouter.ai/api/v1")
        if problem := find_url_problem(text):
            return Remark(problem, "bad")
        line, more = (
            render_request_line(text, endpoint.schema, endpoint.query),
            find_url_hint(text, endpoint.schema),
        )
        return Remark(f"{line}   ({more})" if more else line, "good")

    def describe_key(self) -> Remark:
        """Where the key comes from; never anything of the key."""
        endpoint = self.endpoint
        if endpoint is None:
            return Remark()
        if endpoint.base_url and not find_url_problem(endpoint.base_url) and not endpoint.key_is_confirmed:
            moved = f"The key belongs to {endpoint.key_origin}. " if endpoint.key_origin else ""
            return Remark(f"{moved}Confirm that it may go to {endpoint.origin}, or enter another one.", "bad")
        words, there = describe_key_place(endpoint)
        more = ": type one here, then Enter" if there is False and endpoint.key.kind != "env" else ""
        return Remark(f"{words[0].upper()}{words[1:]}{more}.", _TONES[there])

    @property
    def has_unconfirmed_key(self) -> bool:
        """Whether the key is bound to another address than the present one."""
        endpoint = self.endpoint
        if endpoint is None or find_url_problem(endpoint.base_url):
            return False
        if not self.is_editable and not self.book.is_team(endpoint):
            return False
        return "key_origin" in endpoint.list_missing_fields()

    def describe_missing(self) -> str:
        """What keeps the selected endpoint from a run, in words; empty if nothing does."""
        endpoint = self.endpoint
        if endpoint is None:
            return ""
        why = describe_unreadiness(endpoint)
        return f"Not ready for a run. {why}" if why else ""

    def _require_selected(self) -> Endpoint:
        endpoint = self.endpoint
        if endpoint is None:
            raise EndpointError("no endpoint is selected: add one first", code="none_selected")
        return endpoint

    def _keep(self, endpoint: Endpoint) -> None:
        self.book.add(endpoint)
        self.selected = endpoint.config_key

    def _find_free_label(self, wanted: str) -> str:
        taken = {one.label for one in self.endpoints}
        numbers = (f"{wanted[:70]} {number}" for number in range(2, len(taken) + 3))
        return next(label for label in (wanted[:80], *numbers) if label not in taken)


def _copy_key_source(key: KeyRef) -> KeyRef:
    """The same kind of source, without a key that is stored: an endpoint's key is its own."""
    kinds = {"env": key, "keyring": KeyRef.keyring(), "session": KeyRef(kind="session"), "none": KeyRef.none()}
    return kinds[key.kind]


def copy_model(model: Model) -> Model:
    """The same model under an id of its own."""
    return replace(model, config_key=make_config_key())
