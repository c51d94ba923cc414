"""EndpointBook: transactions on the user's file, the team's file over it, keys, and what a policy turns off."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import keyring
import pytest
from msgspec.structs import replace
from support.books import PLANTED, MemoryKeyring, an_endpoint, book_text, written

from byok_bench.endpoints import book as book_module
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint, Tls
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model
from byok_bench.errors import BookError, EndpointError, SecretError
from byok_bench.wire.limits import Timeouts

TWENTY = """
import sys
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint, Tls
book = EndpointBook.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    book.add(Endpoint(label=f"{sys.argv[2]} {number}"))
"""
TEAM_ID = "3f0c9a52-1b7e-4c1d-9a55-0d8f6f1c2b3a"
TEAM = book_text(
    f'label = "Team gateway"\nconfig_key = "{TEAM_ID}"\nbase_url = "https://llm.example.com/v1"\n'
    'key = "env:TEAM_KEY"\n[[endpoint.models]]\nname = "m-1"\nalias = "small"'
)


@pytest.fixture
def memory() -> MemoryKeyring:
    """A keyring that works; the house fixture puts the old one back."""
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    return backend


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "book" / "endpoints.toml"


@pytest.fixture
def own(path: Path) -> EndpointBook:
    return EndpointBook.open(path)


def refuse_own(path: Path, off: bool = True) -> None:
    written(path.parent, f"byok_enabled = {'false' if off else 'true'}\n", "policy.toml")


def test_the_default_book_is_in_the_home_folder(tmp_path: Path) -> None:
    """Without a path the book is `endpoints.toml` in $BYOK_BENCH_HOME; no file is an empty book."""
    book = EndpointBook.open()
    assert book.path == tmp_path / "byok-home" / "endpoints.toml"
    assert len(book) == 0
    assert not book.path.exists()


def test_what_was_added_is_found_again(own: EndpointBook) -> None:
    """An endpoint in the file is the one that was added, by label and by config_key."""
    endpoint = an_endpoint(key=KeyRef.env("MY_KEY"))
    own.add(endpoint)
    again = EndpointBook.open(own.path)
    assert again["Gateway"] == again[endpoint.config_key] == endpoint
    assert again.usable_endpoints == (endpoint,)


def test_an_unknown_label_names_those_there_are(own: EndpointBook) -> None:
    """A wrong label is answered with the right ones."""
    own.add(an_endpoint("One"))
    with pytest.raises(EndpointError, match="no endpoint is called 'Two'; in the book: One"):
        own["Two"]


def test_the_file_is_private_and_nothing_else_is_left_behind(own: EndpointBook) -> None:
    """The file has mode 0600, also over one that had not, and no temporary file stays."""
    own.add(an_endpoint())
    own.path.chmod(0o644)
    own.add(an_endpoint("Two"))
    assert stat.S_IMODE(own.path.stat().st_mode) == 0o600
    assert sorted(os.listdir(own.path.parent)) == ["endpoints.toml", "endpoints.toml.lock"]


def test_a_link_to_the_book_stays_a_link(own: EndpointBook, tmp_path: Path) -> None:
    """The file that a link leads to is written, wherever it lies."""
    real = written(tmp_path / "elsewhere", "version = 1\n")
    own.path.parent.mkdir()
    own.path.symlink_to(real)
    own.add(an_endpoint())
    assert own.path.is_symlink()
    assert "Gateway" in real.read_text()


def test_a_write_that_fails_leaves_the_file_as_it_was(own: EndpointBook, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash between temporary file and rename loses the change, not the book."""
    own.add(an_endpoint())
    before = own.path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(book_module.os, "fsync", full)
    with pytest.raises(BookError, match="cannot be written: No space left"):
        own.add(an_endpoint("Two"))
    assert own.path.read_bytes() == before
    assert [one.label for one in own] == ["Gateway"]
    assert sorted(os.listdir(own.path.parent)) == ["endpoints.toml", "endpoints.toml.lock"]


def test_two_processes_that_add_at_once_lose_nothing(path: Path) -> None:
    """Twenty endpoints from each of two processes are forty in the end."""
    command = [sys.executable, "-c", TWENTY, str(path)]
    writers = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("left", "right")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    labels = {one.label for one in EndpointBook.open(path)}
    assert labels == {f"{name} {number}" for name in ("left", "right") for number in range(20)}


def test_two_notebooks_that_edit_one_endpoint_lose_nothing(own: EndpointBook) -> None:
    """A book that read the file earlier writes its own change, not its old picture of the rest."""
    own.add(an_endpoint())
    other = EndpointBook.open(own.path)
    own.update(replace(own["Gateway"], label="Renamed"))
    other.update(replace(other["Gateway"], schema="responses"))
    [after] = EndpointBook.open(own.path)
    assert (after.label, after.schema) == ("Renamed", "responses")


def _change_model(endpoint: Endpoint, number: int, **changes: Any) -> Endpoint:
    models = list(endpoint.models)
    models[number] = replace(models[number], **changes)
    return replace(endpoint, models=models)


def _add_model(endpoint: Endpoint, name: str, **fields: Any) -> Endpoint:
    return replace(endpoint, models=[*endpoint.models, Model(name, **fields)])


BOTH_EDITS = {
    "names of two models": (
        lambda one: _change_model(one, 0, alias="first"),
        lambda one: _change_model(one, 1, alias="second"),
        lambda one: [model.alias for model in one.models],
        ["first", "second"],
    ),
    "two fields of one model": (
        lambda one: _change_model(one, 0, alias="first", drop=["user"]),
        lambda one: _change_model(one, 0, rename={"max_tokens": "max_completion_tokens"}, drop=["seed"]),
        lambda one: (one.models[0].alias, set(one.models[0].drop), list(one.models[0].rename)),
        ("first", {"user", "seed"}, ["max_tokens"]),
    ),
    "a new model from each": (
        lambda one: _add_model(one, "third"),
        lambda one: _add_model(one, "fourth"),
        lambda one: [model.name for model in one.models],
        ["one", "two", "third", "fourth"],
    ),
    "the same new model from both": (
        lambda one: _add_model(one, "third", alias="3rd"),
        lambda one: _add_model(one, "third", max_output_tokens=5),
        lambda one: [(model.alias, model.max_output_tokens) for model in one.models[2:]],
        [("3rd", 5)],
    ),
    "models moved and a model added": (
        lambda one: replace(one, models=one.models[::-1]),
        lambda one: _add_model(one, "third"),
        lambda one: [model.name for model in one.models],
        ["two", "one", "third"],
    ),
    "a model taken out and another named": (
        lambda one: replace(one, models=one.models[1:]),
        lambda one: _change_model(one, 1, alias="second"),
        lambda one: [(model.name, model.alias) for model in one.models],
        [("two", "second")],
    ),
    "a header from each, and one taken out": (
        lambda one: replace(one, headers={"X-Title": "a"}),
        lambda one: replace(one, headers={**one.headers, "X-Run": "b"}),
        lambda one: dict(one.headers),
        {"X-Title": "a", "X-Run": "b"},
    ),
    "members of one object of the body": (
        lambda one: replace(one, body={"provider": {"sort": "price", "order": ["a"]}}),
        lambda one: replace(one, body={"provider": {"sort": "speed"}}),
        lambda one: dict(one.body),
        {"provider": {"sort": "speed", "order": ["a"]}},
    ),
    "two timeouts": (
        lambda one: replace(one, timeouts=Timeouts(connect=1)),
        lambda one: replace(one, timeouts=Timeouts(total=700)),
        lambda one: (one.timeouts.connect, one.timeouts.total),
        (1, 700),
    ),
    "two settings of TLS": (
        lambda one: replace(one, tls=Tls(ca_file="ca.pem")),
        lambda one: replace(one, tls=Tls(verify=False)),
        lambda one: (one.tls.ca_file, one.tls.verify),
        ("ca.pem", False),
    ),
}


@pytest.mark.parametrize("case", BOTH_EDITS)
def test_what_two_notebooks_change_inside_one_field_is_all_kept(own: EndpointBook, case: str) -> None:
    """The second of them read the book before the first wrote."""
    first, second, look, expected = BOTH_EDITS[case]
    own.add(
        Endpoint(
            label="Gateway",
            models=[Model("one"), Model("two")],
            headers={"X-Old": "o"},
            body={"provider": {"sort": "price"}},
        )
    )
    other = EndpointBook.open(own.path)
    own.update(first(own["Gateway"]))
    other.update(second(other["Gateway"]))
    assert look(EndpointBook.open(own.path)["Gateway"]) == expected


def test_who_measured_an_endpoint_saves_into_what_it_has_become(own: EndpointBook) -> None:
    """A test takes its time: what was edited meanwhile stays, and what was found of another address is not saved."""
    own.add(measured := an_endpoint())
    own.update(replace(own["Gateway"], label="Renamed"))
    assert own.look_up_again(measured).label == "Renamed"
    own.update(replace(own["Renamed"], base_url="https://elsewhere.example.com/v1"))
    with pytest.raises(EndpointError, match="was changed meanwhile"):
        own.look_up_again(measured)
    own.remove(measured.config_key)
    with pytest.raises(EndpointError, match="is not in the book"):
        own.look_up_again(measured)


def test_an_endpoint_that_another_notebook_removed_does_not_come_back(own: EndpointBook) -> None:
    """An edit of what is gone is refused, and the file stays without it."""
    own.add(an_endpoint())
    EndpointBook.open(own.path).remove(own["Gateway"].config_key)
    with pytest.raises(EndpointError, match="no longer in the book"):
        own.update(replace(own["Gateway"], schema="responses"))
    assert len(EndpointBook.open(own.path)) == 0


def test_labels_are_unique(own: EndpointBook) -> None:
    """A label that is taken is refused for a new endpoint and for a renamed one, and the file stays."""
    own.add(an_endpoint("One"))
    own.add(an_endpoint("Two"))
    before = own.path.read_bytes()
    for attempt in (
        lambda: own.add(an_endpoint(" One ")),
        lambda: own.update(replace(own["Two"], label="One")),
    ):
        with pytest.raises(EndpointError, match="another endpoint is called 'One'") as caught:
            attempt()
        assert caught.value.code == "label_taken"
    assert own.path.read_bytes() == before


def test_an_endpoint_is_added_once(own: EndpointBook) -> None:
    """The same config_key under another label is no second endpoint."""
    endpoint = an_endpoint()
    own.add(endpoint)
    with pytest.raises(EndpointError, match="in the book already"):
        own.add(replace(endpoint, label="Other"))


@pytest.mark.parametrize("broken", ["version = 1\n[[endpoint\n", "version = 2\n", "\udcff"])
def test_a_file_that_cannot_be_used_is_never_overwritten(own: EndpointBook, broken: str) -> None:
    """Broken, newer or not UTF-8: opening and every change are refused, and not a byte changes."""
    endpoint = an_endpoint()
    own.add(endpoint)
    raw = broken.encode(errors="surrogateescape")
    own.path.write_bytes(raw)
    for attempt in (
        lambda: EndpointBook.open(own.path),
        lambda: own.add(an_endpoint("Two")),
        lambda: own.update(replace(endpoint, schema="messages")),
        lambda: own.remove(endpoint.config_key),
    ):
        with pytest.raises(BookError, match=str(own.path)):
            attempt()
        assert own.path.read_bytes() == raw


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """A path under a file is refused in words."""
    (tmp_path / "file").write_text("")
    book = EndpointBook(tmp_path / "file" / "sub" / "endpoints.toml", tmp_path / "t", tmp_path / "p")
    with pytest.raises(BookError, match="cannot be locked"):
        book.add(an_endpoint())


def test_incomplete_endpoints_are_kept_and_not_offered(own: EndpointBook) -> None:
    """An endpoint that lacks something is in the book, and in no picker; a complete one is named in it."""
    own.add(Endpoint(label="Draft", base_url="", models=[Model("")]))
    own.add(an_endpoint(models=[Model("m-1", alias="small"), Model("m-2")]))
    assert [one.label for one in own] == ["Draft", "Gateway"]
    assert own["Draft"].list_missing_fields() == ("base_url", "models")
    assert [label for label, _, _ in own.list_picker_choices()] == [
        "small (Custom • Gateway)",
        "m-2 (Custom • Gateway)",
    ]


def test_a_new_origin_waits_for_the_key_to_be_confirmed(own: EndpointBook) -> None:
    """A key stays with the origin it was given for; a change of path alone changes nothing."""
    own.add(an_endpoint(key=KeyRef.env("MY_KEY")))
    own.update(replace(own["Gateway"], base_url="https://llm.example.com/v2"))
    assert own["Gateway"].list_missing_fields() == ()
    for base_url in (
        "http://llm.example.com/v2",
        "https://llm.example.com:8443/v2",
        "https://b.example.com/v2",
    ):
        own.update(replace(own["Gateway"], base_url=base_url))
        assert EndpointBook.open(own.path)["Gateway"].list_missing_fields() == ("key_origin",)
        assert own.usable_endpoints == ()
    own.update(own["Gateway"].confirm_key())
    assert EndpointBook.open(own.path)["Gateway"].list_missing_fields() == ()


def test_a_key_goes_into_the_keyring_and_never_into_the_file(own: EndpointBook, memory: MemoryKeyring) -> None:
    """After set_key the file says where the key is, since when, and for which origin; the value is elsewhere."""
    own.add(an_endpoint())
    own.set_key(own["Gateway"].config_key, f"  {PLANTED}\n")
    stored = EndpointBook.open(own.path)["Gateway"]
    assert memory.entries == {("byok-bench", stored.config_key): PLANTED}
    assert stored.key == KeyRef.keyring(user=stored.config_key)
    assert stored.key_origin == "https://llm.example.com:443"
    assert stored.key_set_at is not None
    assert stored.list_missing_fields() == ()
    assert PLANTED not in own.path.read_text()


@pytest.mark.parametrize("bad", ["", "  ", "two words here", "sk-ключ-0123456789"])
def test_what_is_no_key_is_refused_and_changes_nothing(own: EndpointBook, memory: MemoryKeyring, bad: str) -> None:
    """A malformed key is refused without being shown, and neither keyring nor file changes."""
    own.add(an_endpoint())
    before = own.path.read_bytes()
    with pytest.raises(SecretError) as caught:
        own.set_key(own["Gateway"].config_key, bad)
    assert not bad.strip() or bad not in str(caught.value)
    assert memory.entries == {}
    assert own.path.read_bytes() == before


def test_without_a_keyring_nothing_is_stored_and_the_message_says_what_to_do(own: EndpointBook) -> None:
    """On a machine without a keyring set_key leaves the file alone and names the other ways."""
    own.add(an_endpoint())
    before = own.path.read_bytes()
    with pytest.raises(SecretError, match="environment variable") as caught:
        own.set_key(own["Gateway"].config_key, PLANTED)
    assert PLANTED not in str(caught.value)
    assert own.path.read_bytes() == before


def test_removing_an_endpoint_removes_its_key(own: EndpointBook, memory: MemoryKeyring) -> None:
    """Neither the file nor the keyring holds anything of a removed endpoint."""
    own.add(an_endpoint("One"))
    own.add(an_endpoint("Two"))
    for label in ("One", "Two"):
        own.set_key(own[label].config_key, PLANTED)
    own.remove(own["One"].config_key)
    assert list(memory.entries) == [("byok-bench", own["Two"].config_key)]
    assert [one.label for one in EndpointBook.open(own.path)] == ["Two"]


def test_a_key_that_another_endpoint_uses_stays(own: EndpointBook, memory: MemoryKeyring) -> None:
    """An entry that two endpoints name goes with the last of them."""
    shared = KeyRef.keyring("work", "me")
    memory.entries["work", "me"] = PLANTED
    own.add(an_endpoint("One", key=shared))
    own.add(an_endpoint("Two", key=shared))
    own.remove(own["One"].config_key)
    assert memory.entries
    own.remove(own["Two"].config_key)
    assert not memory.entries


def test_a_key_that_cannot_be_removed_is_said(own: EndpointBook, memory: MemoryKeyring) -> None:
    """If the keyring is gone, the endpoint goes all the same and the message names the entry that stayed."""
    own.add(an_endpoint())
    own.set_key(own["Gateway"].config_key, PLANTED)
    keyring.set_keyring(keyring.backends.fail.Keyring())
    with pytest.raises(SecretError, match=r"was removed, but its key keyring:byok-bench/.* was not"):
        own.remove(own["Gateway"].config_key)
    assert len(own) == 0


def test_a_team_book_lies_over_the_users_and_is_read_only(own: EndpointBook, path: Path) -> None:
    """Team endpoints are listed and offered as the team's, and no edit reaches their file."""
    own.add(an_endpoint("Mine"))
    team = written(path.parent, TEAM, "team.toml")
    own.refresh()
    endpoint = own["Team gateway"]
    assert [one.label for one in own] == ["Mine", "Team gateway"]
    assert [own.is_team(one) for one in own] == [False, True]
    assert [label for label, _, _ in own.list_picker_choices()] == [
        "m-1 (Custom • Mine)",
        "small (Team • Team gateway)",
    ]
    assert endpoint.list_missing_fields() == ()
    for attempt in (
        lambda: own.add(endpoint),
        lambda: own.update(replace(endpoint, label="x")),
        lambda: own.remove(TEAM_ID),
        lambda: own.set_key(TEAM_ID, PLANTED),
    ):
        with pytest.raises(EndpointError, match=r"team's.*team\.toml") as caught:
            attempt()
        assert caught.value.code == "endpoint_team"
    assert team.read_text() == TEAM
    with pytest.raises(EndpointError, match="another endpoint is called 'Team gateway'"):
        own.add(an_endpoint("Team gateway"))


def moved_team(path: Path) -> EndpointBook:
    """The book after the team's file was seen once, and its address changed then."""
    written(path.parent, TEAM, "team.toml")
    EndpointBook.open(path)
    written(path.parent, TEAM.replace("//", "//moved."), "team.toml")
    return EndpointBook.open(path)


def test_a_member_s_key_does_not_follow_a_team_s_address(path: Path) -> None:
    """It was confirmed for the address that stood in the team's file then; another one asks."""
    assert moved_team(path)["Team gateway"].list_missing_fields() == ("key_origin",)


def test_a_member_confirms_the_team_s_new_address(path: Path) -> None:
    """Said once, it holds for every book that is opened later."""
    moved_team(path).confirm_key(TEAM_ID)
    assert EndpointBook.open(path)["Team gateway"].list_missing_fields() == ()


def test_confirming_leaves_the_team_s_file_as_it_is(path: Path) -> None:
    """What a member confirms is the member's own."""
    book = moved_team(path)
    before = book.team_path.read_bytes()
    book.confirm_key(TEAM_ID)
    assert book.team_path.read_bytes() == before


def test_a_broken_note_of_confirmed_addresses_lets_no_key_out(path: Path) -> None:
    """It is named, and nothing is called until it is mended."""
    written(path.parent, TEAM, "team.toml")
    written(path.parent, "confirmed = 1", "team_keys.toml")
    with pytest.raises(BookError, match="where keys of team endpoints may go"):
        EndpointBook.open(path)


def test_an_own_endpoint_cannot_stand_in_for_a_teams(own: EndpointBook, path: Path) -> None:
    """Where both books have one id, the team's counts."""
    own.add(an_endpoint("Lookalike", config_key=TEAM_ID))
    written(path.parent, TEAM, "team.toml")
    own.refresh()
    assert [one.label for one in own] == ["Team gateway"]
    assert own.is_team(own[TEAM_ID])


@pytest.mark.parametrize("key", ["session:1", PLANTED])
def test_a_team_book_holds_no_key_and_points_at_no_session(path: Path, key: str) -> None:
    """A shared file names where each member's key comes from, and nothing else."""
    written(path.parent, TEAM.replace("env:TEAM_KEY", key), "team.toml")
    with pytest.raises(BookError, match=r"team\.toml") as caught:
        EndpointBook.open(path)
    assert PLANTED not in str(caught.value)


def test_turned_off_endpoints_keep_every_byte_and_come_back(
    own: EndpointBook, path: Path, memory: MemoryKeyring
) -> None:
    """With byok_enabled off nothing is edited, offered or lost; turned on again all is as before."""
    own.add(an_endpoint("One"))
    own.set_key(own["One"].config_key, PLANTED)
    written(path.parent, TEAM, "team.toml")
    own.refresh()
    bytes_before, endpoints_before, keys_before = path.read_bytes(), own.endpoints, dict(memory.entries)
    refuse_own(path)
    for book in (own, EndpointBook.open(path)):  # the policy also reaches a book that is open
        for attempt in (
            lambda book=book: book.add(an_endpoint("Two")),
            lambda book=book: book.update(replace(book["One"], label="x")),
            lambda book=book: book.set_key(book["One"].config_key, PLANTED[:-1]),
        ):
            with pytest.raises(EndpointError, match="byok_enabled") as caught:
                attempt()
            assert caught.value.code == "byok_disabled"
        assert book.endpoints == endpoints_before
        assert [one.label for one in book.usable_endpoints] == ["Team gateway"]
        assert "kept as it is" in str(book.find_refusal(book["One"]))
    assert path.read_bytes() == bytes_before
    assert memory.entries == keys_before
    refuse_own(path, off=False)
    own.refresh()
    assert own.endpoints == endpoints_before
    assert [one.label for one in own.usable_endpoints] == ["One", "Team gateway"]


def test_turned_off_endpoints_can_be_deleted(own: EndpointBook, path: Path, memory: MemoryKeyring) -> None:
    """An explicit delete works where nothing else does, and leaves the others byte for byte."""
    own.add(an_endpoint("One"))
    own.set_key(own["One"].config_key, PLANTED)
    before = path.read_bytes()
    own.add(an_endpoint("Two"))
    refuse_own(path)
    own = EndpointBook.open(path)
    own.remove(own["Two"].config_key)
    assert path.read_bytes().rstrip() == before.rstrip()
    own.remove(own["One"].config_key)
    assert len(EndpointBook.open(path)) == 0
    assert memory.entries == {}
