"""What kind of value each field of an endpoint's record takes, for whoever writes one in Python; a book's tables have
their types checked as they are read. A refusal shows no value, since any of them may be a key.
"""

from collections.abc import Mapping
from typing import Any

from byok_bench.errors import EndpointError

Kinds = Mapping[str, tuple[type | tuple[type, ...], str]]
"""Field → its types, and what that is in words."""
TEXT = (str, "text")
OPTIONAL_TEXT = ((str, type(None)), "text or None")


def check_field_types(owner: Any, kinds: Kinds) -> None:
    """Raise EndpointError for the first field that holds another kind of value than its own."""
    for name, (types, words) in kinds.items():
        if not isinstance(getattr(owner, name), types):
            raise EndpointError(f"{name} must be {words}", code=f"{name}_invalid")


def copy_table(field: str, value: Any) -> dict[str, Any]:
    """A table of names and values, as one of our own. Raises EndpointError for anything else."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise EndpointError(f"{field} must be a table of names and values", code=f"{field.partition('.')[0]}_invalid")
    return dict(value)
