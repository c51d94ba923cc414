"""docs/clients.md and the data behind it: what each client makes of each fault."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from support.clients.play import CLIENTS, NODE, ON_NODE, PYTHON, ROOT

from byok_bench.checks.client_effects import ClientEffect, ClientEffects
from byok_bench.checks.registry import load_catalogue

PAGE: Final = ROOT / "docs/clients.md"
DATA: Final = ROOT / "byok_bench/checks/clients.json"
PACKAGES: Final = {
    "openai-python": ("openai",),
    "anthropic-python": ("anthropic",),
    "litellm": ("litellm",),
    "langchain": ("langchain-openai", "langchain-anthropic"),
    "pydantic-ai": ("pydantic-ai-slim",),
    "openai-node": ("openai",),
    "anthropic-node": ("@anthropic-ai/sdk",),
    "vercel-ai": ("ai", "@ai-sdk/openai-compatible", "@ai-sdk/openai", "@ai-sdk/anthropic"),
}
_SCHEMAS: Final = {
    "chat": "Chat Completions",
    "responses": "the Responses API",
    "messages": "the Messages API",
}
_SIGNS: Final = {"right": "right", "raises": "raises", "wrong": "**wrong**"}


def read_versions(clients: Sequence[str]) -> dict[str, str]:
    """Client → the packages that were played, with their versions."""
    return {client: ", ".join(_versions(client)) for client in clients}


def _versions(client: str) -> Iterator[str]:
    for package in PACKAGES[client]:
        if client in ON_NODE:
            about = json.loads((NODE / "node_modules" / package / "package.json").read_text())
            yield f"{package} {about['version']}"
        else:
            code = f"import importlib.metadata as m; print(m.version({package!r}))"
            done = subprocess.run([str(PYTHON), "-c", code], capture_output=True, text=True, check=True)
            yield f"{package} {done.stdout.strip()}"


def write_data(found: ClientEffects, path: Path = DATA) -> None:
    """The data, one effect a line, so that a change shows."""
    lines = [msgspec.json.encode(one).decode() for one in found.effects]
    versions = msgspec.json.encode(found.versions).decode()
    path.write_text(f'{{"versions":{versions},\n"effects":[\n' + ",\n".join(lines) + "\n]}\n")


def render_page(found: ClientEffects) -> str:
    """The page's Markdown."""
    counts = {client: Counter(one.outcome for one in found.effects if one.client == client) for client in CLIENTS}
    lines = [_HEAD, "| client | played | right | raises | wrong without a word |", "|---|---|---|---|---|"]
    for client, version in found.versions.items():
        mine = counts[client]
        lines.append(f"| {client} | {version} | {mine['right']} | {mine['raises']} | {mine['wrong']} |")
    for schema, title in _SCHEMAS.items():
        lines += ["", f"## {title[0].upper()}{title[1:]}", "", *_render_schema(found, schema)]
    lines += ["", "## What is got wrong without a word", "", *_render_words(found)]
    return "\n".join(lines) + "\n"


def _render_schema(found: ClientEffects, schema: str) -> Iterator[str]:
    clients = [client for client, schemas in CLIENTS.items() if schema in schemas and client in found.versions]
    yield f"| rule that is broken | {' | '.join(clients)} |"
    yield f"|---|{'---|' * len(clients)}"
    for check in _order(found):
        effects = [one for one in found.effects if (one.check, one.schema) == (check, schema)]
        if effects:
            cells = [_cell([one for one in effects if one.client == client]) for client in clients]
            yield f"| [{check}](checks/{check}.md) | {' | '.join(cells)} |"


def _cell(effects: Sequence[ClientEffect]) -> str:
    """`raises`, or `right, whole: raises` where the two forms differ."""
    by_form = {one.stream: _SIGNS[one.outcome] for one in effects}
    if len(by_form) == 2 and by_form[True] != by_form[False]:
        return f"{by_form[True]}, whole: {by_form[False]}"
    if list(by_form) == [False]:
        return f"whole: {by_form[False]}"
    return by_form.get(True, "–")


def _render_words(found: ClientEffects) -> Iterator[str]:
    yield "| rule | client | in | its user gets |"
    yield "|---|---|---|---|"
    for check in _order(found):
        seen: dict[tuple[str, str, str], list[str]] = {}
        for one in found.effects:
            if one.check == check and one.outcome == "wrong":
                form = "a stream" if one.stream else "a whole answer"
                seen.setdefault((one.client, one.schema, one.words), []).append(form)
        for (client, schema, words), forms in seen.items():
            yield f"| [{check}](checks/{check}.md) | {client} | {schema}, {' and '.join(forms)} | {words} |"


def _order(found: ClientEffects) -> list[str]:
    played = {one.check for one in found.effects}
    return [one.id for one in load_catalogue() if one.id in played]


_HEAD: Final = """<!-- Written by `make clients`, from real runs. -->
# Who breaks

A rule matters if a client breaks on it. Here every rule that the simulator can break was met by client libraries,
each in a program as its documentation writes one, streamed and whole, retries off, on loopback.
**right** is the answer as the same server sends it without the fault; **raises** an exception;
**wrong** is another answer without an exception: the program goes on with it.
What is compared is what the client hands out of text, calls, finish reason and usage.
`byok-bench serve --fault ID` shows a program of your own the same; [sdk.md](sdk.md) has the OpenAI SDK in more detail.
"""
