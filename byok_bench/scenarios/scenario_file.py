"""A scenario out of TOML: read, checked, and refused with file, path and the nearest name."""

from codecs import BOM_UTF8
from pathlib import Path

import msgspec

from byok_bench.errors import PlanError
from byok_bench.scenarios.misfits import describe_misfit
from byok_bench.scenarios.scenario import Scenario, spread_forms
from byok_bench.scenarios.scenario_rules import check_scenario


def read_scenario_file(path: Path) -> Scenario:
    """Read one scenario file; PlanError names file and field."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise PlanError(f"cannot read scenario {path}: {error.strerror}", code="unreadable") from None
    return parse_scenario(raw, str(path))


def parse_scenario(raw: bytes, where: str) -> Scenario:
    """A scenario out of TOML bytes; PlanError names `where` and the field."""
    try:
        return check_scenario(decode_scenario(raw, where))
    except PlanError as error:
        said = str(error)
        raise PlanError(said if said.startswith(where) else f"{where}: {said}", code=error.code) from None


def decode_scenario(raw: bytes, where: str) -> Scenario:
    """The scenario as its types have it, whether it makes sense or not."""
    try:
        return spread_forms(msgspec.toml.decode(raw.removeprefix(BOM_UTF8), type=Scenario))
    except msgspec.ValidationError as error:
        raise PlanError(f"{where}: {describe_misfit(error, Scenario)}", code="bad_scenario") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PlanError(f"{where}: {error}", code="bad_scenario") from None
    except RecursionError:
        raise PlanError(f"{where}: it is nested too deep", code="bad_scenario") from None


def read_scenario(text: str) -> Scenario:
    """A scenario of TOML text, as one writes it in a notebook; PlanError names the field."""
    return parse_scenario(text.encode(), "the scenario")
