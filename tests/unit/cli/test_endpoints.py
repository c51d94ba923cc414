"""`byok-bench endpoints`: the whole command, its exit codes and streams, and keys that are shown nowhere."""

import io
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import keyring
import pytest
import typer
from support.books import PLANTED, MemoryKeyring, book_text, written

from byok_bench.cli.main import main
from byok_bench.cli.settings import SETTABLE
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.text_fields import TEXT_FIELDS

ENCRYPTED = """
import keyring, runpy, sys
from keyrings.alt.file import EncryptedKeyring
backend = EncryptedKeyring()
backend.file_path = sys.argv.pop(1)
backend.keyring_key = "the keyring's own password"
keyring.set_keyring(backend)
runpy.run_module("byok_bench", run_name="__main__")
"""


class Said(NamedTuple):
    """What a command left behind."""

    code: Any
    out: str
    err: str


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """One call of the command line, in this process."""

    def call(*arguments: str, stdin: str = "") -> Said:
        monkeypatch.setattr(sys, "argv", ["byok-bench", "endpoints", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as left:
            main()
        streams = capsys.readouterr()
        assert PLANTED not in streams.out + streams.err
        return Said(left.value.code or 0, streams.out, streams.err)

    return call


ADD = ("add", "Gateway", "--base-url", "https://llm.example.com/v1", "--model", "m-1")


def test_an_endpoint_is_added_listed_edited_and_removed(call: Any) -> None:
    """Each step leaves exit code 0 and the book as it says."""
    assert call(*ADD, "--key-env", "MY_KEY").code == 0
    listed = call("list").out
    assert "Gateway  (Custom, ready)" in listed
    assert "https://llm.example.com/v1  chat  m-1  key: MY_KEY is not set in this process" in listed
    model_key = EndpointBook.open()["Gateway"].models[0].config_key
    edited = call("edit", "Gateway", "--label", "Renamed", "--model", "m-1", "--model", "m-2")
    assert (edited.code, "saved Renamed" in edited.err) == (0, True)
    endpoint = EndpointBook.open()["Renamed"]
    assert [model.name for model in endpoint.models] == ["m-1", "m-2"]
    assert endpoint.models[0].config_key == model_key
    assert call("remove", "Renamed", "--yes").code == 0
    assert len(EndpointBook.open()) == 0


def test_removing_asks_first(call: Any) -> None:
    """Without a yes the endpoint stays."""
    call(*ADD)
    assert (call("remove", "Gateway", stdin="n\n").code, len(EndpointBook.open())) == (0, 1)
    assert (call("remove", "Gateway", stdin="y\n").code, len(EndpointBook.open())) == (0, 0)


def test_json_documents_are_alone_on_stdout(call: Any) -> None:
    """list, show, import and presets write one document each."""
    call(*ADD, "--key-env", "MY_KEY")
    [listed] = json.loads(call("list", "--json").out)["endpoints"]
    shown = json.loads(call("show", "Gateway", "--json").out)
    assert shown == {"version": 1, **listed}
    assert (shown["key"], shown["missing"], shown["team"], shown["refused"]) == (
        "env:MY_KEY",
        [],
        False,
        None,
    )
    imported = json.loads(call("import", "--preset", "ollama", "--json").out)
    assert imported["endpoints"][0]["missing"] == ["models"]
    assert len(json.loads(call("presets", "--json").out)["presets"]) == 7


def test_every_change_has_its_json_document(call: Any) -> None:
    """add, edit and remove write what stands now, alone on stdout, and speak to people on stderr."""
    added = call(*ADD, "--json")
    assert json.loads(added.out)["usable"] is True
    assert "saved Gateway" in added.err
    edited = json.loads(call("edit", "Gateway", "--base-url", "llm.example.com", "--json").out)
    assert (edited["usable"], edited["missing"]) == (False, [])
    assert "Put https:// in front" in edited["unready"]
    kept = json.loads(call("remove", "Gateway", "--json", stdin="n\n").out)
    removed = json.loads(call("remove", "Gateway", "--json", "--yes").out)
    assert (kept["removed"], removed["removed"], removed["label"]) == (False, True, "Gateway")


def test_other_fields_are_set_as_the_form_takes_them(call: Any) -> None:
    """One option sets what has none of its own, and `show` prints the table as the file has it."""
    settings = (
        "alias=small", "headers=X-Title: bench\\nX-Org: env:MY_ORG", 'body={"a":"b\\nc"}', "price=0.15/0.6",
        "timeouts=5 60 30 300", "other_models=m-2 = second",
    )  # fmt: skip
    call(*ADD, *(part for text in settings for part in ("--set", text)))
    endpoint = EndpointBook.open()["Gateway"]
    assert dict(endpoint.body) == {"a": "b\nc"}
    assert (endpoint.timeouts.total, [one.alias for one in endpoint.models]) == (300, ["small", "second"])
    shown = call("show", "Gateway")
    assert tomllib.loads(shown.out)["endpoint"][0]["headers"] == {
        "X-Title": "bench",
        "X-Org": {"from": "env:MY_ORG"},
    }
    assert shown.err == "Gateway: ready\n"


def test_what_is_trimmed_is_said(call: Any) -> None:
    """A pasted value loses what hides at its ends, with a note that shows what is left."""
    said = call("add", "Gateway", "--base-url", "\ufeffhttps://llm.example.com/v1 ", "--model", "m-1\u200b")
    assert said.err.count("were taken off") == 2
    endpoint = EndpointBook.open()["Gateway"]
    assert (endpoint.base_url, endpoint.models[0].name) == ("https://llm.example.com/v1", "m-1")
    assert "taken off" not in call("edit", "Gateway", "--model", "m-2").err


def test_an_edit_of_nothing_says_so(call: Any) -> None:
    """Whoever forgot the option is told, and nothing is written."""
    call(*ADD)
    before = EndpointBook.open().path.stat().st_mtime_ns
    said = call("edit", "Gateway")
    assert (said.code, "name what to change" in said.err) == (0, True)
    assert EndpointBook.open().path.stat().st_mtime_ns == before


def test_a_question_that_nobody_answers_is_wrong_usage(call: Any) -> None:
    """Without a terminal and without an answer the command says which option stands for it."""
    call(*ADD)
    refused = call("remove", "Gateway")
    assert (refused.code, "--yes" in refused.err, len(EndpointBook.open())) == (2, True, 1)
    asked = call("edit", "Gateway", "--key-ask")
    assert (asked.code, "--key-stdin" in asked.err) == (2, True)


def test_ctrl_c_at_a_question_is_exit_code_130(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal an abort is Ctrl-C, and the endpoint stays."""
    call(*ADD)

    def interrupted(*_: Any, **__: Any) -> bool:
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        raise typer.Abort

    monkeypatch.setattr("typer.confirm", interrupted)
    assert (call("remove", "Gateway").code, len(EndpointBook.open())) == (130, 1)


REFUSED = {
    "a label that is taken": (*ADD,),
    "a label that is not there": ("show", "Nothing"),
    "an unknown schema": ("edit", "Gateway", "--schema", "grpc"),
    "a key for the name of a variable": ("edit", "Gateway", "--key-env", PLANTED),
    "a credential in the address": ("edit", "Gateway", "--base-url", f"https://me:{PLANTED}@h/v1"),
    "a key header without its style": ("edit", "Gateway", "--key-header", "x-key"),
    "two ways to read the key": ("edit", "Gateway", "--key-stdin", "--key-ask"),
    "no source of an import": ("import",),
    "two sources of an import": ("import", "--env", "--preset", "openai"),
    "a label for many endpoints": ("import", "--litellm", "x.yaml", "--label", "x"),
    "an empty environment": ("import", "--env"),
    "an unknown preset": ("import", "--preset", "nowhere"),
    "a file that is not there": ("import", "--litellm", "nowhere.yaml"),
    "a setting that is none": ("edit", "Gateway", "--set", "colour=blue"),
    "a setting without a value": ("edit", "Gateway", "--set", "price"),
    "a setting that cannot be": ("edit", "Gateway", "--set", "timeouts=soon"),
    "a key among the settings": ("edit", "Gateway", "--set", f'body={{"api_key": "{PLANTED}"}}'),
    "a key as a model": ("edit", "Gateway", "--model", PLANTED),
    "a key as an option": ("add", "Other", "--key", "some-key"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_usage_is_exit_code_2_and_changes_nothing(call: Any, name: str) -> None:
    """Every refusal says something on stderr, nothing on stdout, and leaves the book as it was."""
    call(*ADD)
    path = EndpointBook.open().path
    before = path.read_bytes()
    refused = call(*REFUSED[name])
    assert (refused.code, refused.out) == (2, "")
    assert refused.err
    assert path.read_bytes() == before


def test_a_broken_book_is_exit_code_2_and_stays(call: Any, tmp_path: Path) -> None:
    """The line and field are named on stderr, and the file is not touched."""
    text = book_text(f'label = "a"\nkey = "{PLANTED}"')
    path = written(tmp_path, text)
    refused = call("add", "b", "--book", str(path))
    assert refused.code == 2
    assert f"{path}, line 5, field key: " in refused.err
    assert path.read_text() == text


def test_a_changed_origin_is_confirmed_by_hand(call: Any) -> None:
    """The command that moves an endpoint says what is missing, and the one that confirms says ready."""
    call(*ADD, "--key-env", "MY_KEY")
    moved = call("edit", "Gateway", "--base-url", "https://other.example.com/v1")
    assert (moved.code, "--confirm-key" in moved.err) == (0, True)
    assert "ready" in call("edit", "Gateway", "--confirm-key").err


def test_the_environment_is_imported_by_name(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The book names the variable; the value is in no stream and no file."""
    monkeypatch.setenv("OPENAI_BASE_URL", "https://llm.example.com/v1")
    monkeypatch.setenv("OPENAI_API_KEY", PLANTED)
    assert call("import", "--env", "--label", "Mine", "--model", "m-1").code == 0
    book = EndpointBook.open()
    assert str(book["Mine"].key) == "env:OPENAI_API_KEY"
    assert PLANTED not in book.path.read_text()


def test_a_litellm_file_is_imported_without_its_keys(call: Any, tmp_path: Path) -> None:
    """A written key is said on stderr, unseen, and the endpoint waits for one."""
    text = f"model_list: [{{model_name: a, litellm_params: {{model: openai/m, api_key: {PLANTED}}}}}]"
    said = call("import", "--litellm", str(written(tmp_path, text, "config.yaml")))
    assert (said.code, "was not taken over" in said.err, "It needs a key." in said.err) == (
        0,
        True,
        True,
    )


def test_a_key_from_stdin_or_a_prompt_lands_in_the_keyring(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways store the key and show nothing of it; removing the endpoint removes it."""
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    call(*ADD)
    for option in ("--key-stdin", "--key-ask"):
        backend.entries.clear()
        monkeypatch.setattr("typer.prompt", lambda *_, **__: PLANTED)
        assert call("edit", "Gateway", option, stdin=f"{PLANTED}\n").code == 0
        assert list(backend.entries.values()) == [PLANTED]
    call("remove", "Gateway", "--yes")
    assert backend.entries == {}


@pytest.mark.parametrize(("around", "said"), [("", False), ("\u200b \ufeff", True)])
def test_a_key_that_lost_its_ends_is_stored_with_a_note(call: Any, around: str, said: bool) -> None:
    """What was trimmed is said; the line's own end is nothing to speak of."""
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    call(*ADD)
    edited = call("edit", "Gateway", "--key-stdin", stdin=f"{around}{PLANTED}{around}\r\n")
    assert list(backend.entries.values()) == [PLANTED]
    assert ("around the key were left out" in edited.err) is said
    assert PLANTED not in edited.out + edited.err


def test_without_a_keyring_the_message_says_what_to_do(call: Any) -> None:
    """On a machine without a desktop the key is refused with exit code 2 and the other ways are named."""
    call(*ADD)
    refused = call("edit", "Gateway", "--key-stdin", stdin=f"{PLANTED}\n")
    assert refused.code == 2
    for way in ("environment variable", "this session", "gnome-keyring"):
        assert way in refused.err


def test_a_key_goes_through_a_real_encrypted_keyring(tmp_path: Path) -> None:
    """In a process of its own: stored encrypted, found again, and in no file, stream or argument as it is."""
    vault, home = tmp_path / "vault.cfg", tmp_path / "home"
    environment = {**os.environ, "BYOK_BENCH_HOME": str(home)}

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", ENCRYPTED, str(vault), "endpoints", *arguments]
        done = subprocess.run(
            command, input=stdin, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert PLANTED not in done.stdout + done.stderr
        return done

    added = run(*ADD, "--key-stdin", stdin=f"{PLANTED}\n")
    assert added.returncode == 0, added.stderr
    assert json.loads(run("show", "Gateway", "--json").stdout)["missing"] == []
    stored = vault.read_text()
    assert len(stored) > 100
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert vault in files
    assert not any(PLANTED in path.read_text() for path in files)
    assert run("remove", "Gateway", "--yes").returncode == 0
    assert len(vault.read_text()) < len(stored)


def test_a_keyring_chosen_by_variable_that_fails_is_headless(tmp_path: Path) -> None:
    """PYTHON_KEYRING_BACKEND is honoured; with keyring's failing backend the command says so and exits with 2."""
    environment = {
        **os.environ,
        "BYOK_BENCH_HOME": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    command = [sys.executable, "-m", "byok_bench", "endpoints", *ADD, "--key-stdin"]
    done = subprocess.run(
        command, input=PLANTED, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "saved Gateway without its key" in done.stderr
    assert "no keyring that can keep a key" in done.stderr
    assert PLANTED not in done.stdout + done.stderr
    [saved] = EndpointBook.open(tmp_path / "endpoints.toml")
    assert saved.list_missing_fields() == ("key",)


def test_a_team_s_moved_address_is_confirmed_by_its_member(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The team's file is read-only here, and its key is still the member's to send."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEAM_KEY", PLANTED)
    team = 'label = "Team gateway"\nbase_url = "https://{}/v1"\nkey = "env:TEAM_KEY"\nmodels = [{{ name = "m" }}]'
    key = 'config_key = "5f1d2d57-1a53-4d1b-9a40-33c5c3ad0c52"'
    written(tmp_path, book_text(f"{team.format('a.example.com')}\n{key}"), "team.toml")
    listed = call("list")
    assert "ready" in listed.out
    assert str(tmp_path / "team.toml") in listed.err
    written(tmp_path, book_text(f"{team.format('b.example.com')}\n{key}"), "team.toml")
    assert "--confirm-key" in call("list").out
    assert call("edit", "Team gateway", "--confirm-key").code == 0
    assert "not ready" not in call("list").out


@pytest.mark.parametrize("stdin", ["", "\n", "ab\n", "two words\n"], ids=["nothing", "a line end", "short", "spaces"])
def test_nothing_is_saved_where_no_key_comes(call: Any, stdin: str) -> None:
    """Exit 2, and the book is as it was."""
    assert call(*ADD, "--key-stdin", stdin=stdin).code == 2
    assert len(EndpointBook.open()) == 0


def test_nothing_is_saved_where_nobody_can_be_asked_for_a_key(call: Any) -> None:
    """The same without a terminal."""
    assert call(*ADD, "--key-ask").code == 2
    assert len(EndpointBook.open()) == 0


def test_an_edit_without_a_change_says_that_and_not_that_it_saved(call: Any) -> None:
    """One of the two."""
    call(*ADD)
    said = call("edit", "Gateway")
    assert (said.code, said.err.startswith("nothing changes"), "saved" in said.err) == (0, True, False)
    assert json.loads(call("edit", "Gateway", "--model", "m-1", "--json").out)["label"] == "Gateway"


@pytest.mark.parametrize(
    "options",
    [
        ("--set", "proxy=http://127.0.0.1:1", "--set", "proxy=http://127.0.0.1:2"),
        ("--set", "base_url=https://other.example.com/v1"),
        ("--key-env", "A", "--set", "key_env=B"),
    ],
)
def test_a_field_that_is_given_twice_is_refused(call: Any, options: tuple[str, ...]) -> None:
    """One of the two would be ignored."""
    said = call(*ADD, *options)
    assert (said.code, "given twice" in said.err) == (2, True)
    assert len(EndpointBook.open()) == 0


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("proxy=foo", "the proxy is no URL"),
        ("proxy=127.0.0.1:3128", "the proxy is no URL"),
        ("proxy=ftp://127.0.0.1", "the proxy is no URL"),
        ("proxy=http://127.0.0.1:port", "the proxy is no URL"),
        ("proxy=socks5://127.0.0.1:1080", "httpx[socks]"),
        ("ca_file=/nonexistent.pem", "CA file cannot be read"),
    ],
)
def test_what_no_request_could_use_is_refused_at_once(call: Any, setting: str, says: str) -> None:
    """Not at the first request of a run."""
    said = call(*ADD, "--set", setting)
    assert (said.code, says in said.err, "Traceback" in said.err) == (2, True, False)
    assert len(EndpointBook.open()) == 0


def test_a_proxy_and_its_absence_can_be_set(call: Any) -> None:
    """A URL, or nothing."""
    assert call(*ADD, "--set", "proxy=http://127.0.0.1:3128").code == 0
    assert EndpointBook.open()["Gateway"].proxy == "http://127.0.0.1:3128"
    assert call("edit", "Gateway", "--set", "proxy=").code == 0
    assert EndpointBook.open()["Gateway"].proxy is None


def test_the_fields_of_set_are_those_without_an_option_of_their_own() -> None:
    """Help and error name the same."""
    options = {"label", "base_url", "schema", "model", "key_source", "key_env", "key_style", "key_header"}
    assert set(SETTABLE) == set(TEXT_FIELDS) - options


def test_a_field_that_nothing_reads_is_shown_to_be_there(call: Any) -> None:
    """A typo in a file that was written by hand; its name alone, since its value may be anything."""
    call(*ADD)
    path = EndpointBook.open().path
    path.write_text(path.read_text().replace("base_url =", 'base_ulr = "https://other.example.com"\nbase_url ='))
    said = call("show", "Gateway")
    assert said.code == 0
    assert "unknown fields in the file, which nothing reads: base_ulr" in said.err
