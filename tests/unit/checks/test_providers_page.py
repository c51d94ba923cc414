"""docs/providers.md: each line of the atlas names its source and rules that exist."""

import re
from pathlib import Path

import pytest

from byok_bench.checks.registry import load_catalogue
from byok_bench.dialects.failures.word_lists import SOURCE
from byok_bench.wire.failures import KINDS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "providers.md").read_text("utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| seen |")]
VERSION = re.compile(r"[\w.-]+/[\w.-]+ \d[\w.]*", re.ASCII)
"""A server that was tried: its repository and the version."""
SEEN = re.compile(r"undated|(?:since |to )?20\d\d(?:-\d\d)?(?: – 20\d\d(?:-\d\d)?)?")
LINK = re.compile(r"\[([\w.-]+)\]\(((?:checks/)?([\w.-]+)\.md)\)")
PROVIDERS = (
    "Alibaba", "Anthropic", "Avian", "Azure OpenAI", "Azure AI Foundry", "Baseten", "Bedrock, compatible",
    "Bedrock, Mantle", "Cerebras", "Cloudflare", "Copilot", "Crusoe", "Databricks", "DeepSeek", "Doubleword", "Google",
    "GPUStack", "Groq", "Hugging Face", "LiteLLM", "llama.cpp", "LM Studio", "Mistral", "mistral.rs", "Ollama",
    "Ollama Cloud", "OpenAI", "Codex", "OpenRouter", "Perplexity", "Pollinations", "Snowflake", "Together", "Venice",
    "Vercel", "watsonx", "xAI", "Xiaomi", "Z.ai",
)  # fmt: skip
SERVERS = (
    "vLLM", "transformers serve", "mlx_lm.server", "Portkey", "smg", "agentic-api", "aimock", "guidellm", "mockllm",
    "mocktopus", "mock-llm", "nginx", "HAProxy", "nghttpx",
)  # fmt: skip


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split(" | ")]


def test_the_page_has_lines_of_every_provider_and_server() -> None:
    """All that were recorded have a heading, all that were tried a line, and no heading is empty."""
    sections = PAGE.split("\n### ")[1:]
    headings = [section.partition("\n")[0] for section in sections]
    assert [one for one in PROVIDERS if not any(one in heading for heading in headings)] == []
    assert [one for one in SERVERS if f"**{one}**" not in PAGE] == []
    assert [section.partition("\n")[0] for section in sections if "\n| seen |" not in section] == []


@pytest.mark.parametrize("row", ROWS)
def test_each_line_names_when_what_and_where_it_can_be_read(row: str) -> None:
    """Four cells: a date or none, words, rules, and a public source."""
    seen, what, rules, source = cells(row)
    assert SEEN.fullmatch(seen)
    assert what
    assert rules == "–" or LINK.search(rules)
    assert SOURCE.fullmatch(source) or VERSION.fullmatch(source)


def test_each_rule_and_kind_of_the_page_exists() -> None:
    """Links go to pages of the catalogue, or to the page about kinds by a kind's name."""
    known = {check.id for check in load_catalogue()}
    for name, path, page in LINK.findall("\n".join(ROWS)):
        if path.startswith("checks/"):
            assert (name in known, name) == (True, page)
            assert (ROOT / "docs" / path).exists()
        else:
            assert (name in KINDS, path) == (True, "errors.md")


def test_the_readme_leads_to_the_page() -> None:
    """Who reads the README finds it."""
    assert "docs/providers.md" in (ROOT / "README.md").read_text("utf-8")
