"""dialects/model_list.py: what counts as a list of models, and which of its entries are models."""

import json
from typing import Any

import pytest
from support.chat_records import exchange

from byok_bench.dialects.model_list import find_model_entries, is_wildcard, list_usable_models

FORMS = [
    ({"object": "list", "data": [{"id": "a"}, {"id": "b"}]}, ["a", "b"]),
    ([{"id": "a", "permission": {"id": "p"}}, {"id": "b"}], ["a", "b"]),  # songquanpeng/one-api#128
    (
        {"models": [{"name": "a", "model": "a:latest"}, {"model": "b"}]},
        ["a", "b"],
    ),  # ollama/ollama docs/api.md
    ({"data": [{"id": "", "name": "a"}, {"id": 5, "model": "b"}]}, ["a", "b"]),
    ({"data": [{"id": "*"}, {"id": "a"}, {"id": "openai/*"}]}, ["a"]),  # BerriAI/litellm#4903
    ({"data": [], "models": [{"name": "a"}]}, []),
    ({"data": ["a", 7, None]}, []),
    ([], []),
    ([{"title": "a"}], []),
    ({"data": {"id": "a"}}, []),
    ("a", []),
    (None, []),
]


@pytest.mark.parametrize(("document", "ids"), FORMS)
def test_models_are_listed_whatever_form_the_list_has(document: Any, ids: list[str]) -> None:
    """The ids that can be asked for, from every form of a list and from nothing else."""
    assert list_usable_models(document) == ids


def test_a_list_of_something_else_is_no_list_of_models() -> None:
    """An array counts as a list only if every entry has a name to ask for."""
    assert find_model_entries([{"title": "a"}]) is None
    assert find_model_entries({"items": []}) is None


def test_only_a_star_at_the_end_is_a_wildcard() -> None:
    """A star within a name is a letter like any other."""
    assert is_wildcard("acme/*")
    assert not is_wildcard("acme/*-mini")


@pytest.mark.parametrize(
    "error",
    [
        {"message": "The model does not exist", "code": "model_not_found"},
        {"message": "model not found", "type": "not_found_error"},
        {"message": "Not Found"},
    ],
)
def test_no_model_is_missing_where_none_was_asked_for(error: dict[str, str]) -> None:
    """Whatever the words suggest, it is the list that is not there: the advice is about the base URL."""
    body = json.dumps({"error": error}).encode()
    found = exchange(body, status=404, headers={"content-type": "application/json"}, schema="models").error
    assert found is not None
    assert found.kind == "not_found_route"
