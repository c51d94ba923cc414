"""What the simulator says: text, tool calls or JSON, made up from the request, in pieces that count as tokens.

The same request gets the same words (ids apart). A forced or fitting tool is called with valid arguments; the answer
to a tool result repeats it; a schema is obeyed; the text ends before a stop sequence; `max_tokens` cuts.
"""

import itertools
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from byok_bench.backends.simulator.ask import Ask, Tool
from byok_bench.backends.simulator.schema_values import make_schema_value
from byok_bench.backends.simulator.tool_choice import choose_tool, split_topics

Stop = Literal["stop", "length", "tool", "sequence"]
_PIECE = re.compile(r"\S+\s*")
_WANTED = re.compile(r"(\d+)[ -](?:words?|tokens?)\b")
_ARGUMENT_PIECE = 2
"""Characters of one fragment of arguments."""
_MOST_FRAGMENTS = 1000
_LONGEST_WISH = 4000
_THOUGHT = "I read the question, and then I look for an answer that fits it. "
OWN_THOUGHT = _THOUGHT.strip()
_FILLER = (
    "Its words are made up, yet they arrive as those of a model would, one after the other, at the pace that was set "
    "for them. Nothing here was learned, and nothing is meant. "
)


@dataclass
class Call:
    """One tool call."""

    name: str
    arguments: str
    """JSON text; cut where max_tokens ended it."""
    pieces: list[str]
    """The arguments in fragments."""
    id: str = field(default_factory=lambda: f"call_{secrets.token_hex(8)}")


@dataclass
class Answer:
    """One choice of an answer."""

    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    stop: Stop = "stop"
    sequence: str | None = None
    """The stop sequence that ended it."""
    told_tokens: int | None = None
    """How many tokens the usage tells, if not how many there are."""
    cached_tokens: int = 0
    """How many tokens of the prompt the usage tells to be from a cache."""

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.texts)

    @property
    def thought(self) -> str:
        """The whole reasoning."""
        return "".join(self.thoughts)

    @property
    def tokens(self) -> int:
        """How many pieces it is sent in: one for a call's name, one for each fragment."""
        if self.told_tokens is not None:
            return self.told_tokens
        return len(self.texts) + len(self.thoughts) + sum(1 + len(call.pieces) for call in self.calls)


def make_answer(ask: Ask, tokens: int) -> Answer:
    """The answer to a request; `tokens` is the length of plain text."""
    made = Answer(thoughts=_PIECE.findall(_THOUGHT) if ask.reasoning else [])
    if tool := choose_tool(ask):
        topics = split_topics(ask, tool)
        made.calls = [_make_call(tool, topic) for topic in topics for _ in range(ask.calls)]
        made.stop = "tool"
    else:
        made.texts = _make_text(ask, tokens)
    return limit_answer(made, ask)


def limit_answer(made: Answer, ask: Ask) -> Answer:
    """The answer within what the request allows: its stop sequences and its budget of tokens."""
    _end_at_stop(made, ask.stops)
    return _limit_tokens(made, ask.max_tokens)


def split_text(text: str) -> list[str]:
    """A text in pieces of a word each, with the space behind it; space in front is a piece of its own."""
    space = text[: len(text) - len(text.lstrip())]
    return [*([space] if space else []), *_PIECE.findall(text)]


def split_arguments(arguments: str) -> list[str]:
    """Arguments in fragments: of two characters, of more if they are long."""
    size = max(_ARGUMENT_PIECE, len(arguments) // _MOST_FRAGMENTS)
    return [arguments[at : at + size] for at in range(0, len(arguments), size)]


def _make_call(tool: Tool, prompt: str) -> Call:
    value = make_schema_value({"type": "object", **tool.parameters}, prompt)
    value = value if isinstance(value, dict) else {}
    arguments = json.dumps(value, ensure_ascii=False)
    return Call(tool.name, arguments, split_arguments(arguments))


def _make_text(ask: Ask, tokens: int) -> list[str]:
    if ask.schema is not None:
        return _PIECE.findall(json.dumps(make_schema_value(ask.schema, ask.prompt), ensure_ascii=False))
    if ask.results:
        return _PIECE.findall(f"The tool says: {' and '.join(_strip_markup(text) for text in ask.results)}")
    wish = _WANTED.search(ask.prompt)
    length = min(int(wish[1][:6]), _LONGEST_WISH) if wish else tokens
    opening = _PIECE.findall(f"This is a simulated answer to: {_strip_markup(ask.prompt)[:120]} – ")
    pieces = itertools.chain(opening, itertools.cycle(_PIECE.findall(_FILLER)))
    texts = list(itertools.islice(pieces, max(1, length)))
    return [*texts[:-1], texts[-1].rstrip()]


def _end_at_stop(made: Answer, sequences: Sequence[str]) -> None:
    """End the text before the first stop sequence that it comes to."""
    found = [(made.text.find(one), one) for one in sequences if one in made.text]
    if not found:
        return
    left, made.sequence = min(found)
    made.stop = "sequence"
    kept: list[str] = []
    for piece in made.texts:
        if left <= 0:
            break
        kept.append(piece[:left])
        left -= len(piece)
    made.texts = kept


def _strip_markup(text: str) -> str:
    """The text without anything that reads as markup or a control token."""
    return re.sub(r"[<>|`\[\]\ufffd\s]+", " ", text).strip()


def _limit_tokens(made: Answer, max_tokens: int | None) -> Answer:
    """The answer within its budget."""
    if max_tokens is None or made.tokens <= max_tokens:
        return made
    left = max_tokens
    made.thoughts = made.thoughts[:left]
    left -= len(made.thoughts)
    made.texts = made.texts[:left]
    left -= len(made.texts)
    kept = []
    for call in made.calls:
        if left < 1:
            break
        call.pieces = call.pieces[: left - 1]
        call.arguments = "".join(call.pieces)
        kept.append(call)
        left -= 1 + len(call.pieces)
    made.calls = kept
    made.stop, made.sequence = "length", None
    return made
