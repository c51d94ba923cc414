"""Model: what a user configures about one model of an endpoint, and how its requests differ from the endpoint's.

Plain frozen data, checked once on entry. How the fields change a request is in model_requests.py.
Rules: docs/endpoints.md, section "Models".
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from uuid import UUID, uuid4

import msgspec
from msgspec.structs import force_setattr

from byok_bench.endpoints import entered_text
from byok_bench.endpoints.extra_fields import find_extras_problem
from byok_bench.endpoints.field_types import OPTIONAL_TEXT, TEXT, Kinds, check_field_types, copy_table
from byok_bench.endpoints.key_literals import find_literal_key
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model_record import Capability, ModelRecord
from byok_bench.errors import EndpointError

Schema = Literal["chat", "responses", "messages"]
SCHEMAS: Final = ("chat", "responses", "messages")
EchoRule = Literal["unknown", "required", "accepted", "refused"]
ECHO_RULES: Final = ("unknown", "required", "accepted", "refused")
NEVER_ALTERED: Final = frozenset({"model", "messages", "input", "stream"})
"""Members of a request that make it one, or say how it is answered."""


def make_config_key() -> str:
    """A random UUIDv4: names one endpoint or model for good, and its key in logs and pools."""
    return str(uuid4())


class DeclaredCapabilities(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a model can do, as far as known."""

    streaming: Capability = Capability()
    tools: Capability = Capability()
    parallel_tools: Capability = Capability()
    reasoning: Capability = Capability()
    structured_output: Capability = Capability()
    vision: Capability = Capability()


class Price(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Price per million tokens."""

    input: float | None = None
    output: float | None = None
    cached_input: float | None = None
    """Of prompt tokens that the server read from its cache; None: as `input`."""
    reasoning: float | None = None
    """Of completion tokens that were spent on reasoning; None: as `output`."""
    currency: str = "USD"

    def __post_init__(self) -> None:
        for name in ("input", "output", "cached_input", "reasoning"):
            value = getattr(self, name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if value is not None and not (is_number and 0 <= value < float("inf")):
                raise EndpointError(f"price {name} must be 0 or more, not {value!r}", code="price_invalid")


class _Named(msgspec.Struct, frozen=True):
    name: str
    """The provider's id, exact; empty while not entered."""


class Model(_Named, frozen=True, kw_only=True, omit_defaults=True):
    """One model of an endpoint. Raises EndpointError for a field that cannot be."""

    alias: str | None = None
    """Shown instead of the name."""
    config_key: str = msgspec.field(default_factory=make_config_key)
    """UUIDv4 that stays when name or alias change."""
    context_window_tokens: int | None = None
    """Declared by the user; None: not known."""
    max_output_tokens: int | None = None
    """Most that one answer may hold, declared; None: not known."""
    capabilities: DeclaredCapabilities = DeclaredCapabilities()
    price: Price | None = None
    schema: Schema | None = None
    """Its dialect, where that is not the endpoint's."""
    effort: Mapping[str, Mapping[str, Any]] = {}
    """Level of reasoning effort → members of the request body that ask for it; empty: in the dialect's usual way."""
    echo_reasoning: EchoRule = "unknown"
    """Whether the reasoning of an earlier turn has to be, may be, or must not be sent back."""
    echo_evidence: str | None = None
    """What a probe found of it, in a sentence; None if it was only declared."""
    drop: Sequence[str] = ()
    """Members of the body that are never sent; a dot leads into a member."""
    rename: Mapping[str, str] = {}
    """Member of the body → the name it is sent under."""
    headers: Mapping[str, str | KeyRef] = {}
    """Extra header fields, over those of the endpoint."""
    body: Mapping[str, Any] = {}
    """Extra fields of every request body, over those of the endpoint."""
    record: ModelRecord | None = None
    """What was last measured of it; None: nothing yet."""

    def __post_init__(self) -> None:
        check_field_types(self, _KINDS)
        force_setattr(self, "name", entered_text.normalize_model_id(self.name))
        if self.alias is not None:
            force_setattr(
                self,
                "alias",
                entered_text.normalize_label(self.alias) if entered_text.trim_ends(self.alias) else None,
            )
        check_uuid(self.config_key, "model")
        _check_count("context window", self.context_window_tokens, "window_invalid")
        _check_count("max_output_tokens", self.max_output_tokens, "max_output_invalid")
        if self.schema is not None:
            check_choice("schema", self.schema, SCHEMAS)
        check_choice("echo_reasoning", self.echo_reasoning, ECHO_RULES)
        drop = [self.drop] if isinstance(self.drop, str) else list(self.drop)
        force_setattr(self, "drop", tuple(dict.fromkeys(_check_member("drop", name) for name in drop)))
        for field in ("rename", "headers", "body", "effort"):
            force_setattr(self, field, copy_table(field, getattr(self, field)))
        levels = {level: copy_table(f"effort.{level}", members) for level, members in self.effort.items()}
        force_setattr(self, "effort", levels)
        self._check_request_fields()

    def _check_request_fields(self) -> None:
        """Raise EndpointError for alterations that leave no request, and for keys written out."""
        _check_alterations(self.drop, self.rename)
        if problem := find_extras_problem(self.headers, {}):
            raise EndpointError(problem, code="extra_field_invalid")
        if field := find_literal_key({"body": self.body, "effort": self.effort}):
            raise EndpointError(
                f"{field} holds a key, and bodies are stored: send it as the key, or in a header by reference",
                code="key_literal",
            )


_KINDS: Final[Kinds] = {
    "name": TEXT,
    "alias": OPTIONAL_TEXT,
    "capabilities": (DeclaredCapabilities, "bb.DeclaredCapabilities(…)"),
    "price": ((Price, type(None)), "bb.Price(…) or None"),
    "drop": ((str, Sequence), "a list of members"),
    "record": ((ModelRecord, type(None)), "what `capabilities` measured, or None"),
}
"""What the checks of single fields do not say themselves."""


def check_uuid(text: str, what: str) -> None:
    """Raise EndpointError unless `text` is a UUID of version 4."""
    try:
        version = UUID(text).version
    except (ValueError, AttributeError, TypeError):
        version = None
    if version != 4:
        raise EndpointError(f"the {what}'s config_key is not a UUID of version 4", code="config_key_invalid")


def check_choice(what: str, value: str, choices: Sequence[str]) -> None:
    """Raise EndpointError unless `value` is one of `choices`."""
    if value not in choices:
        raise EndpointError(f"{what} must be one of {', '.join(choices)}", code=f"{what.replace(' ', '_')}_invalid")


def _check_count(what: str, tokens: int | None, code: str) -> None:
    if tokens is not None and (type(tokens) is not int or tokens <= 0):
        raise EndpointError(f"the {what} must be a whole number of tokens, 1 or more, not {tokens!r}", code=code)


def _check_alterations(drop: Sequence[str], rename: Mapping[str, str]) -> None:
    for name in drop:
        if name in rename:
            raise EndpointError(f"member {name} is both dropped and renamed: leave one out", code="drop_invalid")
    for name, new in rename.items():
        _check_member("rename", name)
        _check_member("rename", new)
        if name == new or new in rename:
            raise EndpointError(f"rename of {name} leads to {new}, which is renamed itself", code="rename_invalid")
    if len(set(rename.values())) < len(rename):
        raise EndpointError("two members are renamed to the same name", code="rename_invalid")


def _check_member(field: str, name: Any) -> str:
    code = f"{field}_invalid"
    if not isinstance(name, str) or not name or name != "".join(name.split()) or not all(name.split(".")):
        raise EndpointError(f"{field}: {name!a} is no name of a member of a request", code=code)
    if field == "rename" and "." in name:
        raise EndpointError(f"{field}: {name} is inside another member; only whole members are renamed", code=code)
    if name in NEVER_ALTERED:
        raise EndpointError(f"{field}: without {name} there is no request", code=code)
    return name
