"""Levels of reasoning effort, and how a model is asked for one: as its endpoint says, else in its dialect's usual way.

The shapes are data in effort_shapes.toml. What a person types is a shape's name, with levels behind it if only some
are meant, or a JSON object level → members of the request body.
"""

import functools
import json
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.resources import files
from typing import Any, Final

import msgspec

from byok_bench.endpoints.entered_text import trim_ends
from byok_bench.endpoints.model import Schema
from byok_bench.errors import EndpointError

Efforts = Mapping[str, Mapping[str, Any]]
"""Level → members of the body."""
_FORM: Final = 'write a shape, like reasoning_effort: low, high, or JSON, like {"low": {"think": "low"}}'

_RANKS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_BUDGETS: Final = (("thinking", "budget_tokens"), ("reasoning", "max_tokens"))
"""Where shapes have a budget of thought."""
_LIMITS: Final = ("max_tokens", "max_completion_tokens", "max_output_tokens")


class EffortShape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way in which a level is sent."""

    name: str
    source: str
    """Page that documents it."""
    schemas: tuple[Schema, ...]
    """Dialects whose usual way it is."""
    levels: dict[str, dict[str, Any]]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    shape: tuple[EffortShape, ...]


@functools.cache
def load_effort_shapes() -> dict[str, EffortShape]:
    """The shapes of the package, by name. Raises msgspec.ValidationError if the file has another form."""
    text = (files("byok_bench.endpoints") / "effort_shapes.toml").read_text(encoding="utf-8")
    return {shape.name: shape for shape in msgspec.convert(tomllib.loads(text), _File).shape}


def find_effort_members(efforts: Efforts, schema: str, level: str) -> Mapping[str, Any] | None:
    """What is added to a body to ask for this level; None if it cannot be asked for.

    `efforts` are those of the model; without any, the usual way of the dialect counts.
    """
    if efforts:
        return efforts.get(level)
    usual = next((one for one in load_effort_shapes().values() if schema in one.schemas), None)
    return usual.levels.get(level) if usual is not None else None


def rank_levels(efforts: Efforts) -> list[str]:
    """The levels from the least thought to the most; words that no provider has come last."""
    return sorted(efforts, key=lambda level: _RANKS.index(level) if level in _RANKS else len(_RANKS))


def lay_effort(body: Mapping[str, Any], members: Mapping[str, Any]) -> dict[str, Any]:
    """The body with the members that ask for a level, and room for the answer beside the thought.

    A budget of thought counts in `max_tokens`, and has to be less (the sources of the shapes say so): where it is not,
    the limit grows by it, so that the answer has what it had.
    """
    laid = lay_deep(body, members)
    budget = max((_read_budget(members, *path) for path in _BUDGETS), default=0)
    limits = {name: laid[name] for name in _LIMITS if isinstance(laid.get(name), int)}
    return laid | {name: limit + budget for name, limit in limits.items() if limit <= budget}


def _read_budget(members: Mapping[str, Any], outer: str, inner: str) -> int:
    """Tokens of thought at most; 0 if there is no such member."""
    held = members.get(outer)
    tokens = held.get(inner) if isinstance(held, Mapping) else None
    return tokens if isinstance(tokens, int) else 0


def lay_deep(body: Mapping[str, Any], members: Mapping[str, Any]) -> dict[str, Any]:
    """The body with the members laid over it; an object over an object leaves what it does not name."""
    laid = dict(body)
    for name, value in members.items():
        before = laid.get(name)
        laid[name] = {**before, **value} if isinstance(before, Mapping) and isinstance(value, Mapping) else value
    return laid


def read_efforts(text: str) -> dict[str, dict[str, Any]]:
    """Levels as a person types them. Raises EndpointError."""
    text = trim_ends(text)
    if not text:
        return {}
    if text.startswith("{"):
        return _read_json(text)
    name, _, named = (trim_ends(part) for part in text.partition(":"))
    shape = load_effort_shapes().get(name)
    if shape is None:
        near = get_close_matches(name, load_effort_shapes(), n=1)
        meant = f"did you mean {near[0]}?" if near else f"known are {', '.join(load_effort_shapes())}"
        raise EndpointError(f"effort: no shape is called {name[:40]!a}; {meant} Else {_FORM}", code="effort_invalid")
    levels = [level for part in named.split(",") if (level := trim_ends(part))] or list(shape.levels)
    if unknown := [level for level in levels if level not in shape.levels]:
        raise EndpointError(
            f"effort: {name} has no level {unknown[0][:40]!a}; it has {', '.join(shape.levels)}. Else {_FORM}",
            code="effort_invalid",
        )
    return {level: shape.levels[level] for level in levels}


def _read_json(text: str) -> dict[str, dict[str, Any]]:
    try:
        return msgspec.convert(json.loads(text), dict[str, dict[str, Any]])
    except (ValueError, RecursionError):
        problem = f"effort: this is no JSON object of levels, each with members of the request; {_FORM}"
    raise EndpointError(problem, code="effort_invalid")


def show_efforts(efforts: Efforts) -> str:
    """The levels as they would be typed."""
    for name, shape in load_effort_shapes().items():
        if efforts and all(shape.levels.get(level) == members for level, members in efforts.items()):
            return name if len(efforts) == len(shape.levels) else f"{name}: {', '.join(efforts)}"
    return json.dumps(msgspec.to_builtins(efforts), ensure_ascii=False) if efforts else ""
