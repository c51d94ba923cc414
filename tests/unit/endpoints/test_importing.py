"""Endpoints from environment, LiteLLM configuration and presets: places of keys come over, keys do not."""

import re
from pathlib import Path

import pytest
from support.books import PLANTED, an_endpoint, written

from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.importing import add_to_book, from_environment, from_litellm, from_preset
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.presets import get_preset, load_presets
from byok_bench.errors import EndpointError
from byok_bench.wire.egress.verdicts import judge

CONFIG = f"""
model_list:
  - model_name: small
    litellm_params: {{model: openai/qwen-small, api_base: "http://127.0.0.1:9000/v1", api_key: os.environ/MINE}}
  - model_name: large
    litellm_params: {{model: openai/qwen-large, api_base: "http://127.0.0.1:9000/v1", api_key: os.environ/MINE}}
  - model_name: routed
    litellm_params: {{model: openrouter/vendor/big-model}}
  - model_name: local
    litellm_params: {{model: hosted_vllm/org/model, api_base: os.environ/VLLM_URL, api_key: none}}
  - model_name: written
    litellm_params: {{model: openai/m-1, api_base: "https://llm.example.com/v1", api_key: "{PLANTED}"}}
  - model_name: elsewhere
    litellm_params: {{model: openai/m-2, api_base: "https://other.example.com/v1"}}
"""
OF_NO_USE = {
    "another format": "{model_name: a, litellm_params: {model: bedrock/some-model}}",
    "no parameters": "{model_name: a}",
    "no model": "{model_name: a, litellm_params: {api_base: 'http://localhost'}}",
    "a variable that is not set": "{litellm_params: {model: openai/a, api_base: os.environ/NOT_SET}}",
    "a credential in the address": f"{{litellm_params: {{model: openai/a, api_base: 'https://u:{PLANTED}@h/v1'}}}}",
    "a key for a variable's name": f"{{litellm_params: {{model: openai/a, api_key: 'os.environ/{PLANTED}'}}}}",
    "a key for an address": f"{{litellm_params: {{model: openai/a, api_base: 'os.environ/{PLANTED}'}}}}",
    "a hidden character in the address": '{litellm_params: {model: openai/a, api_base: "http://h\\u200bost/v1"}}',
    "no text for an address": "{litellm_params: {model: openai/a, api_base: [1]}}",
}


def test_the_environment_gives_the_address_and_the_name_of_the_key() -> None:
    """The reference names the variable; its value is nowhere in what was made."""
    found = from_environment(
        {"OPENAI_BASE_URL": " https://llm.example.com:8443/v1 ", "OPENAI_API_KEY": PLANTED}, models=["m-1"]
    )
    [endpoint] = found.endpoints
    assert endpoint.label == "llm.example.com:8443"
    assert endpoint.base_url == "https://llm.example.com:8443/v1"
    assert endpoint.key == KeyRef.env("OPENAI_API_KEY")
    assert endpoint.list_missing_fields() == ()
    assert PLANTED not in repr(found)
    assert found.notes == ("the address is the one in OPENAI_BASE_URL",)


@pytest.mark.parametrize("variable", ["OPENAI_BASE_URL", "OPENAI_API_BASE"])
def test_the_variable_that_names_the_address_is_said(variable: str) -> None:
    """Older clients read OPENAI_API_BASE (simonw/llm#892); either is taken, and named."""
    found = from_environment({variable: "http://127.0.0.1:8000/v1", "OPENAI_API_KEY": PLANTED})
    assert found.endpoints[0].base_url == "http://127.0.0.1:8000/v1"
    assert variable in found.notes[0]


def test_two_variables_with_two_addresses_are_said() -> None:
    """The name of today's clients wins; the other is not passed over in silence."""
    found = from_environment({"OPENAI_BASE_URL": "http://h/v1", "OPENAI_API_BASE": "http://other/v1"})
    assert found.endpoints[0].base_url == "http://h/v1"
    assert "OPENAI_API_BASE names another address" in " ".join(found.notes)


def test_a_key_alone_makes_no_endpoint_at_a_provider() -> None:
    """Where a key may go is not guessed: the command that means OpenAI is named."""
    with pytest.raises(EndpointError, match="import --preset openai") as caught:
        from_environment({"OPENAI_API_KEY": PLANTED})
    assert PLANTED not in str(caught.value)


def test_an_address_alone_sends_no_key() -> None:
    """Without OPENAI_API_KEY the endpoint has no key, and that is said."""
    found = from_environment({"OPENAI_BASE_URL": "http://localhost:8000/v1"}, label="Mine")
    assert (found.endpoints[0].label, found.endpoints[0].key) == ("Mine", KeyRef.none())
    assert "sends no key" in found.notes[1]


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({}, "import_empty"),
        ({"OPENAI_BASE_URL": " ", "OPENAI_API_KEY": ""}, "import_empty"),
        ({"OPENAI_BASE_URL": f"https://me:{PLANTED}@h/v1"}, "key_literal"),
    ],
)
def test_an_environment_of_no_use_is_refused(environment: dict[str, str], code: str) -> None:
    """Nothing set, or a credential inside the address, is an error without the credential."""
    with pytest.raises(EndpointError) as caught:
        from_environment(environment)
    assert caught.value.code == code
    assert PLANTED not in str(caught.value)


def test_a_litellm_configuration_gives_one_endpoint_for_each_server_and_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Models of one server come together; references come over, a written key does not, and is not shown."""
    monkeypatch.setenv("VLLM_URL", "http://127.0.0.1:8000/v1")
    found = from_litellm(written(tmp_path, CONFIG, "config.yaml"))
    facts = [
        (
            one.base_url,
            str(one.key),
            [(model.name, model.alias) for model in one.models],
            one.list_missing_fields(),
        )
        for one in found.endpoints
    ]
    assert facts == [
        ("http://127.0.0.1:9000/v1", "env:MINE", [("qwen-small", "small"), ("qwen-large", "large")], ()),
        ("https://openrouter.ai/api/v1", "env:OPENROUTER_API_KEY", [("vendor/big-model", "routed")], ()),
        ("http://127.0.0.1:8000/v1", "none", [("org/model", "local")], ()),
        ("https://llm.example.com/v1", "env:", [("m-1", "written")], ("key",)),
        ("https://other.example.com/v1", "none", [("m-2", "elsewhere")], ()),
    ]
    assert len(found.notes) == 2
    assert "entry 5 (written): the key written in the file was not taken over" in found.notes[0]
    assert "entry 6 (elsewhere): it names no api_key: no key is sent" in found.notes[1]
    assert PLANTED not in repr(found)


@pytest.mark.parametrize("name", OF_NO_USE)
def test_an_entry_of_no_use_is_left_out_and_the_others_come(tmp_path: Path, name: str) -> None:
    """What cannot be imported is said by its number, without a key, and blocks nothing."""
    good = "{model_name: good, litellm_params: {model: openai/good}}"
    text = f"model_list:\n  - {OF_NO_USE[name]}\n  - {good}\n"
    found = from_litellm(written(tmp_path, text, "config.yaml"))
    assert [one.models[0].name for one in found.endpoints] == ["good"]
    assert re.match(r"entry 1 (\(a\) )?was left out: ", found.notes[0])
    assert PLANTED not in str(found.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"a: b\nkey: [{PLANTED}\n", "line 3: this is not YAML"),
        ("model_list: []", "has no model_list"),
        ("- 1", "has no model_list"),
        ("\0", "this is not YAML"),
        ("a: !!python/object/apply:os.getcwd []", "this is not YAML"),
        ("[" * 3000, "this is not YAML"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_said(tmp_path: Path, text: str, said: str) -> None:
    """The message names file and line, and shows nothing of the text."""
    path = written(tmp_path, text, "config.yaml")
    with pytest.raises(EndpointError) as caught:
        from_litellm(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)
    assert PLANTED not in str(caught.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """A path that is not there is an error of the caller."""
    with pytest.raises(EndpointError, match="No such file"):
        from_litellm(tmp_path / "config.yaml")


def test_every_preset_makes_an_endpoint_that_may_be_called_from_here() -> None:
    """The seven presets have a normalised address, a documentation page, and quirks in sentences."""
    assert {one.id for one in load_presets()} == {
        "openrouter", "openai", "litellm", "lm-studio", "ollama", "vllm", "llama-cpp",
    }  # fmt: skip
    for one in load_presets():
        verdict = judge(one.base_url, "local", resolver=lambda _: ["8.8.8.8"])
        assert (verdict.action, verdict.base_url) == ("allow", one.base_url)
        assert one.docs.startswith("https://")
        assert one.quirks
        assert all(quirk.endswith(".") for quirk in one.quirks)
        assert one.make_endpoint(models=["m"]).list_missing_fields() == ()
        assert one.make_endpoint().list_missing_fields() == ("models",)


def test_a_preset_is_named_or_refused() -> None:
    """A preset fills in label, address and key; an unknown name is answered with those there are."""
    [endpoint] = from_preset("openrouter", models=["a/b"]).endpoints
    assert (endpoint.label, endpoint.key) == ("OpenRouter", KeyRef.env("OPENROUTER_API_KEY"))
    with pytest.raises(EndpointError, match="there are openrouter, openai"):
        get_preset("nowhere")


def test_imports_take_free_labels_and_leave_what_is_there(tmp_path: Path) -> None:
    """A taken label gets a number; importing the same thing twice adds nothing."""
    book = EndpointBook.open(tmp_path / "endpoints.toml")
    book.add(an_endpoint("OpenRouter"))
    first = add_to_book(book, from_preset("openrouter", models=["a/b"]))
    assert [one.label for one in first.endpoints] == ["OpenRouter 2"]
    before = book.path.read_bytes()
    second = add_to_book(book, from_preset("openrouter", models=["c/d"]))
    assert second.endpoints == ()
    assert "in the book already, as OpenRouter 2" in second.notes[-1]
    assert book.path.read_bytes() == before


def test_an_endpoint_whose_key_is_still_to_be_given_is_kept_in_the_book(tmp_path: Path) -> None:
    """The place of a key that is not chosen yet survives the file."""
    book = EndpointBook.open(tmp_path / "endpoints.toml")
    book.add(an_endpoint(key=KeyRef.env("")))
    assert EndpointBook.open(book.path)["Gateway"].list_missing_fields() == ("key",)
