"""The schema of a plan file says what the reader takes, and the page shows a plan that both take."""

import json
import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.killing import REPO

from byok_bench.errors import PlanError
from byok_bench.runs.planning.plan_file import PlanFile, read_plan
from byok_bench.runs.planning.plan_schema import FIELD_MEANINGS, SCHEMA_NAME, build_plan_schema

PAGE = (REPO / "docs/runs.md").read_text(encoding="utf-8")
EXAMPLE = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
ENDPOINT = '[[endpoint]]\nlabel = "e"\nbase_url = "http://127.0.0.1:1/v1"\n'


def load_schema() -> dict[str, Any]:
    """As it ships."""
    schema: dict[str, Any] = json.loads((files("byok_bench.runs.planning") / SCHEMA_NAME).read_bytes())
    return schema


def is_valid(text: str) -> bool:
    """By the schema."""
    return bool(jsonschema.Draft202012Validator(load_schema()).is_valid(tomllib.loads(text)))


def test_the_schema_that_ships_is_the_one_that_is_made() -> None:
    """It cannot fall behind the reader."""
    assert load_schema() == json.loads(json.dumps(build_plan_schema()))
    jsonschema.Draft202012Validator.check_schema(load_schema())


def test_every_field_is_explained() -> None:
    """In the schema, and so on the page."""
    assert set(FIELD_MEANINGS) == set(PlanFile.__struct_fields__)
    for name in FIELD_MEANINGS:
        assert f"| `{name}` |" in PAGE


def test_the_whole_plan_of_the_page_is_one(tmp_path: Path) -> None:
    """To the reader and to the schema; and it uses what there is to use."""
    path = tmp_path / "plan.toml"
    path.write_text(EXAMPLE)
    assert read_plan(path).version == 1
    assert is_valid(EXAMPLE)
    said = {*tomllib.loads(EXAMPLE)}
    assert {*PlanFile.__struct_fields__} - said == {"rate", "arrivals", "ramp_to", "shard"}


@pytest.mark.parametrize(
    "text",
    [
        "repeat = 3",
        'repeats = "3"',
        "concurrency = [1, 'x']",
        f"{ENDPOINT}models = [7]",
        f'{ENDPOINT}models = ["m"]\nbase_ulr = "x"',
        f"{ENDPOINT}[[endpoint.models]]\nalias = 'a'",
        f'{ENDPOINT}models = ["m"]\nkey_set_at = 2026-01-01T00:00:00Z',
        "[timeouts]\nconect = 3",
        "[gates]\nmax_errors = 0",
    ],
)
def test_what_the_reader_refuses_for_its_form_the_schema_refuses_too(text: str, tmp_path: Path) -> None:
    """An editor says it before the program does."""
    path = tmp_path / "plan.toml"
    path.write_text(f"version = 1\n{text}\n")
    with pytest.raises(PlanError, match=r"plan\.toml"):
        read_plan(path)
    assert not is_valid(f"version = 1\n{text}\n")
