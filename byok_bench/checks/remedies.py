"""Remedies: what to set of an endpoint's model where a server refused a member of a request.

Pure functions of the server's words and of what was sent; the words are data in remedies.toml, each with its source.
Nothing is set in here: `Remedy.value` is the text that `endpoints edit --set` and the form take.
"""

import functools
import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final, Literal

import msgspec

from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import NEVER_ALTERED, Model
from byok_bench.endpoints.model_requests import find_named_model
from byok_bench.endpoints.model_text_fields import show_renames

RemedyField = Literal["drop", "rename", "echo_reasoning"]
_MEANING: Final = NEVER_ALTERED | {"tools", "tool_choice", "response_format", "text", "system", "instructions"}
"""Members that a request without them would ask for something else: refusing one has no remedy here."""
_REFUSALS: Final = frozenset({"invalid_request", "server"})
"""Failure kinds that may be about a member; some gateways answer 500."""
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a model that mends what a server refused."""

    model: str
    """The id that was asked for."""
    field: RemedyField
    value: str
    """The whole text of the field, with what was set before."""
    words: str
    """What the model wants and what to set, in a sentence."""


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pattern: str
    source: str
    field: Literal["echo_reasoning"] | None = None
    value: str = ""

    def __post_init__(self) -> None:
        has_member = "member" in re.compile(self.pattern).groupindex
        if has_member is (self.field is not None):
            raise ValueError(f"{self.pattern}: either a group `member`, or a field with its value")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    line: tuple[_Line, ...]


@functools.cache
def load_lines() -> tuple[tuple[re.Pattern[str], _Line], ...]:
    """The words, compiled, in order. Raises msgspec.ValidationError if the file has another form."""
    text = (files("byok_bench.checks") / "remedies.toml").read_text(encoding="utf-8")
    lines = msgspec.convert(tomllib.loads(text), _File).line
    return tuple((re.compile(line.pattern, re.IGNORECASE | re.DOTALL), line) for line in lines)


def find_exchange_remedy(exchange: Exchange, endpoint: Endpoint) -> Remedy | None:
    """What to set so that the endpoint's model is not refused like that again; None if nothing of it helps."""
    error, model = exchange.error, find_named_model(endpoint, exchange.model)
    if error is None or model is None or error.kind not in _REFUSALS:
        return None
    sent = exchange.request.body
    return find_remedy(error.message, model, sent if isinstance(sent, dict) else None)


def find_remedy(message: str, model: Model, sent: Mapping[str, Any] | None = None) -> Remedy | None:
    """The same from the server's words alone; `sent` is the body, if it is known: a member that is not in it was not
    what was refused.
    """
    for pattern, line in load_lines():
        finds = list(pattern.finditer(message))
        if not finds:
            continue
        if line.field is not None:
            return _make_echo_remedy(model, line.value) if model.echo_reasoning != line.value else None
        return _make_member_remedy(model, finds, sent)
    return None


def _make_echo_remedy(model: Model, rule: str) -> Remedy:
    wants = "wants its reasoning back" if rule == "required" else "takes no reasoning back"
    words = f"{model.name} {wants}: set echo_reasoning={rule}."
    return Remedy(model=model.name, field="echo_reasoning", value=rule, words=words)


def _make_member_remedy(model: Model, finds: Sequence[re.Match[str]], sent: Mapping[str, Any] | None) -> Remedy | None:
    instead = {_to_member(find["member"]): find["instead"] for find in finds if find.groupdict().get("instead")}
    refused = [_to_member(find["member"]) for find in finds]
    refused = [name for name in dict.fromkeys(refused) if name not in _MEANING and (sent is None or _is_in(sent, name))]
    if not refused:
        return None
    if first := next((name for name in refused if name in instead), None):
        return _make_rename_remedy(model, {**model.rename, first: instead[first]}, f"wants {instead[first]}")
    undone = {old: new for old, new in model.rename.items() if new not in refused}
    takes = f"takes no {' and no '.join(refused)}"
    if len(undone) < len(model.rename):
        return _make_rename_remedy(model, undone, takes)
    value = ", ".join(dict.fromkeys([*model.drop, *refused]))
    return Remedy(model=model.name, field="drop", value=value, words=f"{model.name} {takes}: set drop={value}.")


def _make_rename_remedy(model: Model, rename: Mapping[str, str], wants: str) -> Remedy:
    value = show_renames(rename)
    return Remedy(model=model.name, field="rename", value=value, words=f"{model.name} {wants}: set rename={value}.")


def _to_member(name: str) -> str:
    """A member as requests name it: some servers repeat it in their own way."""
    return _CAMEL.sub("_", name).lower()


def _is_in(body: Mapping[str, Any], path: str) -> bool:
    name, dot, rest = path.partition(".")
    inside = body.get(name)
    return name in body and (not dot or (isinstance(inside, Mapping) and _is_in(inside, rest)))


def render_command(remedy: Remedy, endpoint: Endpoint) -> str:
    """The command that sets it in the book."""
    is_first = bool(endpoint.models) and endpoint.models[0].name == remedy.model
    field = remedy.field if is_first else f"{remedy.field}@{remedy.model}"
    setting = shlex.quote(f"{field}={remedy.value}")
    return f"byok-bench endpoints edit {shlex.quote(endpoint.label)} --set {setting}"
