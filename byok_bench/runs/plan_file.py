"""A plan as a TOML file: the arguments of run(), by name.

`endpoints` names endpoints of the book; `[[endpoint]]` tables stand for themselves, with keys as references. What a
plan means is in plan.py; rules for CI (`[gates]`) are read elsewhere.
"""

from pathlib import Path
from typing import Any, Final

import msgspec

from byok_bench.endpoints.endpoint import Endpoint, Model
from byok_bench.endpoints.keys import KeyRef
from byok_bench.errors import ByokBenchError, PlanError
from byok_bench.wire.limits import Timeouts

FILE_VERSION: Final = 1


class InlineEndpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An endpoint that only this plan knows."""

    label: str
    base_url: str
    models: list[str]
    schema: str = "chat"
    key: str = "none"
    """env:NAME, keyring:service/user or none."""


class PlanFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a plan file may say."""

    version: int
    endpoints: list[str] = []
    """Labels in the book."""
    endpoint: list[InlineEndpoint] = []
    scenarios: list[str] = []
    """Names, sets, or paths of TOML files, relative to the plan file."""
    repeats: int | None = None
    concurrency: int | list[int] | None = None
    rate: float | list[float] | None = None
    arrivals: str | None = None
    ramp_to: float | None = None
    seed: int | None = None
    warmup: int | None = None
    attempts: int | None = None
    processes: int | None = None
    profile: str | None = None
    timeouts: Timeouts | None = None
    gates: dict[str, Any] = {}


def read_plan(path: Path) -> PlanFile:
    """Read a plan file; PlanError names file and field."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise PlanError(f"cannot read plan {path}: {error.strerror}", code="unreadable") from None
    try:
        plan = msgspec.toml.decode(raw, type=PlanFile)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise PlanError(f"{path}: {error}", code="bad_plan") from None
    if plan.version != FILE_VERSION:
        raise PlanError(
            f"{path}: version {plan.version} of the plan format is not {FILE_VERSION}", code="bad_version"
        )
    return plan


def inline_endpoints(plan: PlanFile) -> list[Endpoint]:
    """The endpoints that stand in the file; PlanError names the one that cannot be."""
    made = []
    for entry in plan.endpoint:
        try:
            made.append(
                msgspec.convert(
                    {"label": entry.label, "base_url": entry.base_url, "schema": entry.schema},
                    Endpoint,
                )
            )
            made[-1] = msgspec.structs.replace(
                made[-1], models=tuple(Model(name) for name in entry.models), key=KeyRef.parse(entry.key)
            )
        except (ByokBenchError, msgspec.ValidationError) as error:
            raise PlanError(f"endpoint {entry.label!r} of the plan: {error}", code="bad_plan") from None
    return made


def arguments(plan: PlanFile, path: Path) -> dict[str, Any]:
    """The plan's settings as arguments of run(), endpoints aside; only those that are given."""
    names = (
        "repeats",
        "concurrency",
        "rate",
        "arrivals",
        "ramp_to",
        "seed",
        "warmup",
        "attempts",
        "profile",
        "timeouts",
    )
    given = {name: getattr(plan, name) for name in (*names, "processes") if getattr(plan, name) is not None}
    if plan.scenarios:
        given["scenarios"] = [
            path.parent / name if name.endswith(".toml") else name for name in plan.scenarios
        ]
    return given
