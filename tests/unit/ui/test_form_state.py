"""The form's state: fields saved one by one, refused texts kept, keys put where they belong, nothing lost."""

import os
import re
from pathlib import Path
from typing import Any

import certifi
import keyring
import pytest
from msgspec.structs import replace
from support.books import PLANTED, MemoryKeyring, an_endpoint, book_text, written

from byok_bench.backends.simulator.server import Simulator
from byok_bench.checks.ladder.climb import ladder
from byok_bench.checks.ladder.report import LadderReport
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.model import DeclaredCapabilities, Model
from byok_bench.endpoints.model_record import Capability
from byok_bench.endpoints.text_fields import TEXT_FIELDS
from byok_bench.errors import EndpointError
from byok_bench.ui.form_state import ENVIRONMENT, FormState

ANOTHER = "unknown/shape+of=a-key_0123456789"
"""A key that nothing about it gives away."""


@pytest.fixture
def state() -> FormState:
    """A form on an empty book."""
    return FormState(EndpointBook.open())


@pytest.fixture
def filled(state: FormState) -> FormState:
    """A form whose one endpoint is complete."""
    state.add()
    for field, text in (("label", "Mine"), ("base_url", "https://llm.example.com/v1"), ("model", "m-1")):
        assert state.enter(field, text).tone != "bad"
    return state


def stored(state: FormState) -> Any:
    """The selected endpoint as the file has it."""
    return next(one for one in EndpointBook.open(state.book.path) if one.config_key == state.selected)


ACCEPTED = {
    "label": ("Work", "Work"),
    "base_url": ("https://other.example.com/v1/", "https://other.example.com/v1/"),
    "schema": ("responses", "responses"),
    "model": ("vendor/m-2", "vendor/m-2"),
    "alias": ("small", "small"),
    "other_models": ("m-2\nm-3 = third", "m-2\nm-3 = third"),
    "key_source": ("env", "env"),
    "key_env": ("MY_KEY", "MY_KEY"),
    "key_style": ("x-api-key", "x-api-key"),
    "headers": ("X-Title: bench\nX-Org: env:MY_ORG", "X-Title: bench\nX-Org: env:MY_ORG"),
    "query": ("api-version: 2025-01-01", "api-version: 2025-01-01"),
    "body": ('{"reasoning_effort":"low"}', '{"reasoning_effort": "low"}'),
    "timeouts": ("5, 60, 30, 300", "5 60 30 300"),
    "context_window": ("128_000", "128000"),
    "price": ("0.15/0.6", "0.15 / 0.6"),
    "ca_file": (certifi.where(), certifi.where()),
    "verify": ("off", "off"),
    "proxy": ("http://127.0.0.1:3128", "http://127.0.0.1:3128"),
    "max_output_tokens": ("16_384", "16384"),
    "effort": ("reasoning_effort: high,low", "reasoning_effort: high, low"),
    "echo_reasoning": ("required", "required"),
    "drop": ("temperature,seed", "temperature, seed"),
    "rename": ("max_tokens : max_completion_tokens", "max_tokens:max_completion_tokens"),
    "model_schema": ("messages", "messages"),
    "model_headers": ("X-Team: two\nX-Org: env:MY_ORG", "X-Team: two\nX-Org: env:MY_ORG"),
    "model_body": ('{"top_k":3}', '{"top_k": 3}'),
    "cert_file": (certifi.where(), certifi.where()),
    "no_proxy": ("localhost,*.Example.com", "localhost, *.example.com"),
    "retention": ("30", "30 days"),
    "accept_encoding": ("GZIP,deflate", "gzip, deflate"),
    "transport": ("http2", "http2"),
}


@pytest.mark.parametrize("field", ACCEPTED)
def test_a_field_is_saved_when_it_is_left(filled: FormState, field: str) -> None:
    """What was entered is in the file at once, and is what the field shows then."""
    text, shown = ACCEPTED[field]
    filled.enter(field, text)
    assert filled.get_field_text(field) == shown
    assert TEXT_FIELDS[field].show(stored(filled)) == shown


def test_every_field_but_the_style_of_a_header_is_tried() -> None:
    """The table above leaves nothing out."""
    assert set(TEXT_FIELDS) - set(ACCEPTED) == {"key_header", "key_file"}


def test_the_key_of_a_certificate_needs_the_certificate(filled: FormState) -> None:
    """And what is no key of it is refused beside the reason."""
    assert "give its cert_file" in filled.enter("key_file", certifi.where()).text
    filled.enter("cert_file", certifi.where())
    assert "no certificate in PEM form with the private key" in filled.enter("key_file", certifi.where()).text


def test_a_header_for_the_key_needs_its_style(filled: FormState) -> None:
    """Style and header are entered one after the other, and the header goes with its style."""
    assert filled.enter("key_header", "x-goog-api-key").tone == "bad"
    filled.enter("key_style", "header")
    filled.enter("key_header", "x-goog-api-key")
    assert stored(filled).key_header == "x-goog-api-key"
    filled.enter("key_style", "bearer")
    assert stored(filled).key_header is None


REFUSED = {
    "label": ("x" * 81, "81 characters"),
    "model": ("m\u200b1", "U+200B"),
    "key_env": ("2nd KEY", "name of its variable"),
    "headers": ("no colon here", "header 1 is not written as Name: value"),
    "query": ("a: 1\na: 2", "query field 2 has the name of another one"),
    "body": ('{"a": ', "line 1, column"),
    "timeouts": ("1 2", "four numbers"),
    "context_window": ("1.5k", "whole number"),
    "price": ("cheap", "two numbers"),
    "ca_file": ("/nonexistent.pem", "cannot be read"),
    "proxy": ("foo", "no URL"),
    "accept_encoding": ("utf-8", "is no content coding"),
    "transport": ("quic", "own, httpx, http2"),
}


@pytest.mark.parametrize("field", REFUSED)
def test_a_refused_text_stays_in_its_field_with_the_reason(filled: FormState, field: str) -> None:
    """Other fields can be edited and other endpoints looked at; the text waits until it is mended."""
    text, reason = REFUSED[field]
    before = stored(filled)
    said = filled.enter(field, text)
    assert said.tone == "bad"
    assert reason.lower() in said.text.lower()
    assert stored(filled) == before
    first = filled.selected
    filled.enter("verify", "off")
    filled.add()
    filled.selected = first
    assert (filled.get_field_text(field), filled.describe_field(field)) == (text, said)
    filled.enter(field, ACCEPTED[field][0])
    assert filled.describe_field(field).tone != "bad"


WRONG_FIELDS = (
    "label",
    "model",
    "alias",
    "key_env",
    "headers",
    "query",
    "body",
    "base_url",
    "ca_file",
    "proxy",
)


@pytest.mark.parametrize("key", [PLANTED, ANOTHER])
@pytest.mark.parametrize("field", WRONG_FIELDS)
def test_a_key_in_the_wrong_field_is_taken_out_of_it(filled: FormState, field: str, key: str) -> None:
    """The form's fields are saved with the notebook, so a key may stay in none, nor in the file."""
    filled.enter_key(key)
    forms = {"base_url": f"https://me:{key}@host/v1", "body": f'{{"api_key": "{key}"}}'}
    said = filled.enter(field, forms.get(field, key))
    assert said.tone == "bad"
    assert key not in said.text + filled.get_field_text(field)
    assert key not in filled.book.path.read_text()


@pytest.mark.parametrize(
    ("field", "text", "kept"),
    [
        ("base_url", " \ufeffhttps://llm.example.com/v2\u200b", "https://llm.example.com/v2"),
        ("model", "m-2\u00a0", "m-2"),
        ("label", "\u2060Two ", "Two"),
    ],
)
def test_what_is_trimmed_is_said(filled: FormState, field: str, text: str, kept: str) -> None:
    """White space and invisible characters around a pasted value go, with a note; plain text gets none."""
    said = filled.enter(field, text)
    assert filled.get_field_text(field) == kept
    assert "taken off" in said.text
    assert said.tone != "bad"
    assert "taken off" not in filled.enter(field, f"{kept}x").text


def test_the_exact_request_url_is_previewed(filled: FormState) -> None:
    """Schema and query fields are part of it, a reference is not resolved, and nothing is ever added."""
    assert filled.describe_address("https://a.example/v1/").text == "POST https://a.example/v1/chat/completions"
    filled.enter("schema", "messages")
    filled.enter("query", "api-version: 2025-01-01\ncode: env:CODE")
    line = "POST https://a.example/v1/messages?api-version=2025-01-01&code=<env:CODE>"
    assert filled.describe_address("https://a.example/v1").text == line
    assert "most servers want /v1" in filled.describe_address("https://a.example").text
    assert filled.describe_address("a.example/v1").tone == "bad"
    assert "https://" in filled.describe_address("a.example/v1").text
    assert filled.describe_address("").text.startswith("Missing")


def test_what_is_missing_is_said_in_words(state: FormState) -> None:
    """A new endpoint says what it needs, and a URL that is none is not taken for one."""
    state.add()
    assert state.describe_missing() == "Not ready for a run. It needs a base URL and a model."
    assert state.make_list_label(state.endpoints[0]) == ("New endpoint  (incomplete)", False)
    state.enter("model", "m")
    state.enter("base_url", "llm.example.com/v1")
    assert "Put https:// in front" in state.describe_missing()
    assert state.book.usable_endpoints == ()
    assert stored(state).base_url == "llm.example.com/v1"
    state.enter("base_url", "https://llm.example.com/v1")
    assert state.describe_missing() == ""
    assert len(state.book.usable_endpoints) == 1


def test_a_pasted_key_goes_to_the_keyring(filled: FormState) -> None:
    """Whatever the source said, the key is kept, shown by its place and date, and bound to the address."""
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    said = filled.enter_key(f" {PLANTED}\n")
    assert said.text.startswith("In the keyring, set today.")
    assert "taken off" in said.text
    assert list(backend.entries.values()) == [PLANTED]
    assert stored(filled).key_origin == "https://llm.example.com:443"
    filled.delete()
    assert backend.entries == {}


def test_without_a_keyring_the_key_is_kept_for_the_session(filled: FormState) -> None:
    """A good key is not lost because this machine has no keyring, and the form says why it is where it is."""
    filled.enter("key_source", "keyring")
    said = filled.enter_key(PLANTED)
    assert said.text.startswith("Kept for this session only. This machine has no keyring")
    resolved = stored(filled).key.resolve()
    assert resolved is not None
    assert resolved.reveal() == PLANTED


def test_a_key_that_is_typed_replaces_a_stored_one(filled: FormState) -> None:
    """The field stays open; a refused text leaves the stored key, a good one takes its place, and the old is gone."""
    filled.enter_key(PLANTED)
    old = stored(filled).key
    assert (filled.has_stored_key, filled.can_take_key) == (True, True)
    assert filled.enter_key("two words").tone == "bad"
    assert stored(filled).key == old
    filled.enter_key("another-key-0123456789")
    assert not old.is_set
    assert stored(filled).key.resolve().reveal() == "another-key-0123456789"


def test_a_key_is_confirmed_for_a_new_address(filled: FormState) -> None:
    """After a move the form asks, names both addresses, and offers the endpoint again once it was told."""
    filled.enter_key(PLANTED)
    filled.enter("base_url", "https://elsewhere.example.com/v1")
    assert filled.has_unconfirmed_key
    assert "https://llm.example.com:443" in filled.describe_key().text
    assert "https://elsewhere.example.com:443" in filled.describe_key().text
    assert filled.book.usable_endpoints == ()
    filled.confirm_key()
    assert not filled.has_unconfirmed_key
    assert len(filled.book.usable_endpoints) == 1


def test_a_duplicate_has_ids_of_its_own_and_no_stored_key(filled: FormState) -> None:
    """The copy can be changed and deleted without the original noticing."""
    filled.enter("other_models", "m-2 = second")
    filled.enter("price", "1/2")
    filled.enter_key(PLANTED)
    original = stored(filled)
    said = filled.duplicate()
    copy = stored(filled)
    assert copy.label == "Mine copy"
    assert [one.name for one in copy.models] == ["m-1", "m-2"]
    assert copy.models[0].price == original.models[0].price
    ids = {
        copy.config_key,
        original.config_key,
        *(one.config_key for one in (*copy.models, *original.models)),
    }
    assert len(ids) == 6
    assert (copy.key.kind, copy.key.is_set) == (original.key.kind, False)
    assert "The stored key was not copied" in said.text
    filled.delete()
    assert original.key.is_set


def test_a_known_server_fills_in_an_endpoint(state: FormState, monkeypatch: pytest.MonkeyPatch) -> None:
    """A preset and the environment each make one, select it, and say what there is to know."""
    said = state.add_from("openrouter")
    assert (stored(state).label, stored(state).base_url) == ("OpenRouter", "https://openrouter.ai/api/v1")
    assert "402" in said.text
    monkeypatch.setenv("OPENAI_BASE_URL", "https://llm.example.com/v1")
    state.add_from(ENVIRONMENT)
    assert (stored(state).label, stored(state).base_url) == ("llm.example.com", "https://llm.example.com/v1")
    monkeypatch.delenv("OPENAI_BASE_URL")
    with pytest.raises(EndpointError, match="nothing to import"):
        state.add_from(ENVIRONMENT)


def test_a_turned_off_endpoint_is_shown_and_left_alone() -> None:
    """With byok_enabled off it is greyed with the reason, not editable, deletable, and untouched on disk."""
    home = Path(os.environ["BYOK_BENCH_HOME"])
    EndpointBook.open().add(an_endpoint("Mine"))
    before = (home / "endpoints.toml").read_bytes()
    written(home, "byok_enabled = false\n", "policy.toml")
    state = FormState(EndpointBook.open())
    assert state.make_list_label(state.endpoints[0]) == ("Mine  (turned off here)", True)
    assert (state.is_editable, state.can_take_key, state.book.usable_endpoints) == (False, False, ())
    assert "byok_enabled" in state.refusal
    assert state.enter("label", "Other").tone == "bad"
    assert (home / "endpoints.toml").read_bytes() == before
    (home / "policy.toml").unlink()
    state.book.refresh()
    assert (state.is_editable, len(state.book.usable_endpoints)) == (True, 1)


def test_a_teams_endpoint_is_shown_read_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It can be tested and duplicated, not edited, and a test writes nothing into it."""
    monkeypatch.chdir(tmp_path)
    text = book_text('label = "Shared"\nbase_url = "https://team.example.com/v1"\n[[endpoint.models]]\nname = "m"')
    team = written(tmp_path, text, "team.toml")
    state = FormState(EndpointBook.open())
    assert state.make_list_label(state.endpoints[0]) == ("Shared  (Team)  untested", False)
    assert (state.is_editable, state.can_take_key) == (False, False)
    shown = LadderReport(label="Shared", base_url="https://team.example.com/v1", model="m", rungs=())
    state.keep_proofs(str(state.selected), shown)
    assert team.read_text() == text
    state.duplicate()
    assert state.is_editable


def test_what_a_test_found_is_kept_until_model_or_address_change(filled: FormState) -> None:
    """Evidence belongs to one model at one address; what the user declared stays."""
    declared, found = Capability(state="no"), Capability(state="yes", evidence="tools: called.")
    known = Model(
        "m-1",
        capabilities=DeclaredCapabilities(tools=found, reasoning=declared),
        echo_reasoning="required",
        echo_evidence="turn 2: left out, it gave 400",
    )
    filled.book.update(replace(stored(filled), models=[known]))
    assert filled.describe_field("model").text == "Known of it: tools yes, reasoning no."
    filled.enter("base_url", "https://elsewhere.example.com/v1")
    assert stored(filled).models[0].capabilities == DeclaredCapabilities(reasoning=declared)
    assert (stored(filled).models[0].echo_reasoning, stored(filled).models[0].echo_evidence) == ("unknown", None)


def test_a_book_that_broke_meanwhile_loses_no_text(filled: FormState) -> None:
    """What cannot be saved now is kept in the form, and the file is left as it is."""
    filled.book.path.write_text("version = 1\n[[endpoint\n")
    said = filled.enter("label", "Renamed")
    assert "line 2" in said.text
    assert filled.get_field_text("label") == "Renamed"
    assert filled.book.path.read_text() == "version = 1\n[[endpoint\n"


def test_models_that_stay_keep_their_ids(filled: FormState) -> None:
    """Renaming an alias, or adding a model, leaves the ids that other files refer to."""
    filled.enter("other_models", "m-2\nm-3")
    before = {one.name: one.config_key for one in stored(filled).models}
    filled.enter("other_models", "m-3 = third\nm-4\nm-2")
    after = {one.name: one.config_key for one in stored(filled).models}
    assert {name: after[name] for name in before} == before
    assert [one.alias for one in stored(filled).models] == [None, "third", None, None]
    filled.enter("model", "")
    assert "a model" in filled.describe_missing()
    assert [one.name for one in stored(filled).models] == ["", "m-3", "m-4", "m-2"]


def test_a_model_of_the_same_name_is_refused(filled: FormState) -> None:
    """Two entries of one id would be one."""
    assert "listed twice" in filled.enter("other_models", "m-1").text
    assert stored(filled).models == (Model("m-1", config_key=stored(filled).models[0].config_key),)


def test_a_deleted_endpoint_comes_back(filled: FormState) -> None:
    """With all its fields but the key, which was deleted and is said to be missing; once, and no second time."""
    filled.enter_key(PLANTED)
    before = stored(filled)
    filled.delete()
    assert (filled.deleted_label, filled.endpoints) == ("Mine", [])
    said = filled.undo_delete()
    after = stored(filled)
    assert (after.base_url, after.models, after.config_key) == (before.base_url, before.models, before.config_key)
    assert (after.key.is_set, filled.deleted_label) == (False, "")
    assert said.text == "Mine is back. Its key was deleted: enter it again."
    assert filled.undo_delete().text == ""
    assert len(filled.endpoints) == 1


def test_an_endpoint_comes_back_beside_one_that_took_its_label(filled: FormState) -> None:
    """Undo is no way to have two of one label."""
    filled.delete()
    filled.add()
    filled.enter("label", "Mine")
    filled.undo_delete()
    assert sorted(one.label for one in filled.endpoints) == ["Mine", "Mine 2"]


def test_ticked_models_are_the_models(filled: FormState) -> None:
    """One that stays keeps its place and what is known of it, others go and come."""
    filled.enter("price", "1/2")
    assert filled.set_models(["m-0", "m-1"]).tone != "bad"
    assert [one.name for one in stored(filled).models] == ["m-1", "m-0"]
    assert stored(filled).models[0].price is not None
    assert filled.set_models(["bad\u200bid", "m-1"]).tone == "bad"
    assert filled.set_models(["m-0"]).tone != "bad"
    assert [one.name for one in stored(filled).models] == ["m-0"]


async def test_the_list_says_how_each_was_tested(filled: FormState) -> None:
    """Untested, well with its first token, or the rung to mend; of another address or model nothing; also tomorrow."""
    async with Simulator() as server:
        filled.enter("base_url", server.base_url)
        filled.enter("model", "simulator-1")
        one = stored(filled)
        assert filled.describe_standing(one) == "untested"
        filled.tests.keep(one, await ladder(one))
    assert re.fullmatch(r"✔ \d+ ms · (now|\d+ s)", FormState(filled.book).describe_standing(one))
    filled.tests.keep(one, await ladder(one))
    assert filled.describe_standing(one).startswith("✘ connect")
    filled.enter("model", "another")
    assert filled.describe_standing(stored(filled)) == "untested"
    assert "127.0.0.1" not in filled.book.path.with_name("tests.json").read_text()
