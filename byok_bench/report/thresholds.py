"""The thresholds of verdict cards: defaults with their reasons as data, and a file of one's own over them."""

from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from byok_bench.errors import PlanError


class Threshold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One default, as thresholds.toml has it."""

    name: str
    value: float
    unit: str
    means: str
    source: str


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """From where on a card says slow, or not usable; what each means and why: thresholds.toml."""

    slow_ttft_ms: float
    failed_share: float
    broken_share: float


class _Defaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    threshold: tuple[Threshold, ...]


@cache
def load_defaults() -> tuple[Threshold, ...]:
    """Every threshold with its reason."""
    raw = (files("byok_bench.report") / "thresholds.toml").read_bytes()
    return msgspec.toml.decode(raw, type=_Defaults).threshold


def make_thresholds(**changes: float) -> Thresholds:
    """The defaults with these changes. Raises PlanError for a name that is none, or a value that makes no sense."""
    values: dict[str, Any] = {one.name: one.value for one in load_defaults()}
    for name, value in changes.items():
        if name not in values:
            near = get_close_matches(name, values, n=1)
            meant = f"did you mean {near[0]!r}? " if near else ""
            raise PlanError(f"no threshold named {name!r}; {meant}there are {', '.join(values)}", code="bad_threshold")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
            raise PlanError(f"threshold {name} must be a number from 0 on, not {value!r}", code="bad_threshold")
    return msgspec.convert(values | changes, Thresholds)


def read_thresholds(path: Path) -> Thresholds:
    """Thresholds of a TOML file, `name = number` a line. Raises PlanError, which names file and line."""
    try:
        values = msgspec.toml.decode(path.read_bytes())
    except OSError as error:
        raise PlanError(f"cannot read thresholds {path}: {error.strerror}", code="unreadable") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PlanError(f"{path}: {error}", code="bad_threshold") from None
    try:
        return make_thresholds(**values)
    except PlanError as error:
        raise PlanError(f"{path}: {error}", code=error.code) from None
