"""`byok-bench endpoints import` and `presets`: endpoints from what is set up already. No key is read or shown."""

from pathlib import Path
from typing import Annotated

import typer

from byok_bench.cli.console import emit_json, fail, note
from byok_bench.cli.endpoint_descriptions import describe_state_and_key, make_endpoint_document
from byok_bench.cli.endpoints import AsJson, BookPath, ModelIds, NewLabel, open_book

Env = Annotated[bool, typer.Option("--env", help="From OPENAI_BASE_URL (or OPENAI_API_BASE) and OPENAI_API_KEY.")]
LiteLLM = Annotated[Path | None, typer.Option("--litellm", help="From a LiteLLM config.yaml.")]
PresetName = Annotated[str | None, typer.Option("--preset", help="From a preset; `presets` lists them.")]


def import_endpoints(
    env: Env = False,
    litellm: LiteLLM = None,
    preset: PresetName = None,
    label: NewLabel = None,
    model: ModelIds = None,
    book: BookPath = None,
    as_json: AsJson = False,
) -> None:
    """Add endpoints from the environment, a LiteLLM configuration or a preset; keys stay where they are."""
    from byok_bench.endpoints import importing

    if env + (litellm is not None) + (preset is not None) != 1:
        fail("give one of --env, --litellm FILE and --preset NAME")
    if litellm is not None and (label is not None or model):
        fail("--litellm names several endpoints: give --label and --model with --env or --preset")
    if litellm is not None:
        found = importing.from_litellm(litellm)
    elif preset is not None:
        found = importing.from_preset(preset, label, model or ())
    else:
        found = importing.from_environment(None, label, model or ())
    opened = open_book(book)
    added = importing.add_to_book(opened, found)
    for text in added.notes:
        note(text)
    for endpoint in added.endpoints:
        note(f"added {endpoint.label}  {endpoint.base_url}  ({describe_state_and_key(opened, endpoint)})")
    if as_json:
        endpoints = [make_endpoint_document(opened, one) for one in added.endpoints]
        emit_json({"version": 1, "book": str(opened.path), "endpoints": endpoints, "notes": added.notes})


def print_presets(as_json: AsJson = False) -> None:
    """Known servers: address, key, documentation, and what to expect of them."""
    from byok_bench.endpoints.presets import load_presets as known

    if as_json:
        emit_json({"version": 1, "presets": known()})
        return
    for one in known():
        typer.echo(f"{one.id}  {one.base_url}  {one.key_env or 'no key'}  {one.docs}")
        for quirk in one.quirks:
            typer.echo(f"    {quirk}")
