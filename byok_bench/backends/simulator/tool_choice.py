"""Whether a request asks for a tool, for which one, and how often: once for each of the names that a list gives.

"What is the weather in Paris and Oslo?" → get_weather, for "… in Paris?" and for "… in Oslo?"
"""

import re
from collections.abc import Iterable
from typing import Any

from byok_bench.backends.simulator.ask import Ask, Tool

_WORD = re.compile(r"[^\W\d_]{3,}")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_STEM = 6
"""Letters by which two words are the same: `calculate` and `calculator`."""
_COMMON = frozenset({
    "about", "all", "and", "any", "are", "ask", "call", "can", "could", "current", "does", "exactly", "for",
    "from", "get", "give", "given", "has", "have", "hello", "her", "his", "how", "into", "its", "may", "now",
    "one", "our", "please", "return", "say", "should", "some", "tell", "that", "the", "their", "them", "then",
    "there", "these", "this", "those", "two", "use", "used", "user", "using", "value", "want", "was", "what",
    "when", "where", "which", "who", "why", "will", "with", "word", "words", "would", "write", "you", "your",
})  # fmt: skip
"""Words that say nothing about what a tool is for."""
_SAME = (frozenset({"weathe", "temper", "foreca", "rain", "sunny"}),)
"""Stems of words for one thing; the example of every tutorial needs them."""
_ASKS_FOR_ANY = frozenset({"tool", "tools", "function", "functions"})
_QUOTED = r"[\"“`][^\"“”`]{1,60}[\"”`]"
_NAME = r"[A-Z][\w'’-]+(?: [A-Z][\w'’-]+){0,3}"
_ONE = rf"(?:{_QUOTED}|{_NAME}(?:, [A-Z]{{2}}\b)?)"
"""A quoted text or a name, perhaps with the code of its state: `Boston, MA`."""
_JOINT = r"[,?]?\s+(?:[Aa]nd|&|[Oo]r|plus|vs\.?|versus|as well as)\s+(?:[a-z']+\s+){0,4}"
_LIST = re.compile(rf"(?<=[^.!?\s]\s)(?P<first>{_ONE})(?P<more>(?:\s*,\s*{_ONE}){{0,9}}){_JOINT}(?P<last>{_ONE})")
_MOST_CALLS = 8
_NUMERIC = ("integer", "number")


def choose_tool(ask: Ask) -> Tool | None:
    """The tool that is forced, or fits the question best; none where nothing asks for one, or results are there."""
    if not ask.tools or ask.choice == "none" or (ask.choice == "auto" and ask.results):
        return None
    if ask.named_tool:
        return next(tool for tool in ask.tools if tool.name == ask.named_tool)
    # max() keeps the first of equals.
    best = max(ask.tools, key=lambda tool: _score_fit(tool, ask.prompt))
    if ask.choice == "required" or _score_fit(best, ask.prompt) or _ASKS_FOR_ANY & set(_split_words(ask.prompt)):
        return best
    return None


def split_topics(ask: Ask, tool: Tool) -> list[str]:
    """The prompt once for each call: with one name in place of a list of names, where several calls are allowed."""
    found = _LIST.search(ask.prompt)
    if found is None or not ask.parallel or ask.named_tool or not _is_about_one_thing(tool):
        return [ask.prompt]
    names = [found["first"], *re.findall(rf",\s*({_ONE})", found["more"]), found["last"]]
    before, after = ask.prompt[: found.start()], ask.prompt[found.end() :]
    return [f"{before}{name}{after}" for name in dict.fromkeys(names)][:_MOST_CALLS]


def _score_fit(tool: Tool, prompt: str) -> int:
    """How much of the prompt speaks of the tool. A description's words for its parameters do not count: many a
    question names a city, few of them want the weather. Numbers count for a tool that wants nothing else."""
    own = set(_iterate_stems(tool.name)) | (
        set(_iterate_stems(tool.description)) - set(_iterate_stems(" ".join(_find_properties(tool))))
    )
    asked = set(_iterate_stems(prompt))
    shared = 2 * len(own & asked) + sum(bool(own & group and asked & group) for group in _SAME)
    required = tool.parameters.get("required")
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    wanted = [_find_properties(tool).get(name) for name in names]
    numeric = [one for one in wanted if isinstance(one, dict) and one.get("type") in _NUMERIC]
    only_numbers = bool(wanted) and len(numeric) == len(wanted)
    return shared or int(only_numbers and len(_NUMBER.findall(prompt)) >= len(wanted))


def _find_properties(tool: Tool) -> dict[str, Any]:
    found = tool.parameters.get("properties")
    return found if isinstance(found, dict) else {}


def _is_about_one_thing(tool: Tool) -> bool:
    """Whether a call is about one thing: it has a free text among its parameters, and no list."""
    types = [one.get("type") for one in _find_properties(tool).values() if isinstance(one, dict) and "enum" not in one]
    return "string" in types and "array" not in types


def _split_words(text: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("_", " ")
    return _WORD.findall(spaced.lower())


def _iterate_stems(text: str) -> Iterable[str]:
    return (word.rstrip("s")[:_STEM] for word in _split_words(text) if word not in _COMMON)
