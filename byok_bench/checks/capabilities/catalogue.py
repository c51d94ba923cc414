"""All features, in the order in which they are asked and shown."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from byok_bench.checks.capabilities.calls import CALL_FEATURES
from byok_bench.checks.capabilities.feature import Feature
from byok_bench.checks.capabilities.formats import FORMAT_FEATURES
from byok_bench.checks.capabilities.identity import IDENTITY_FEATURES
from byok_bench.checks.capabilities.images import IMAGE_FEATURES
from byok_bench.checks.capabilities.parameters import PARAMETER_FEATURES
from byok_bench.checks.capabilities.thinking import THINKING_FEATURES
from byok_bench.checks.capabilities.windows import WINDOW_FEATURES
from byok_bench.errors import EndpointError

FEATURES: Final[tuple[Feature, ...]] = (
    *CALL_FEATURES,
    *FORMAT_FEATURES,
    *THINKING_FEATURES,
    *IMAGE_FEATURES,
    *PARAMETER_FEATURES,
    *IDENTITY_FEATURES,
    *WINDOW_FEATURES,
)


def list_features(schema: str, wanted: Sequence[str] | None = None) -> tuple[Feature, ...]:
    """The features that a dialect has the notion of; of those named, by name or group, if any are.

    Raises EndpointError, with the nearest name, for a name that is none.
    """
    names = [one.name for one in FEATURES]
    groups = list(dict.fromkeys(name.partition(".")[0] for name in names))
    for name in wanted or ():
        if name not in (*names, *groups):
            near = get_close_matches(name, [*names, *groups], n=1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            raise EndpointError(f"no capability is called {name!r}{meant}", code="capability_unknown")
    fitting = tuple(one for one in FEATURES if schema in one.schemas)
    if not wanted:
        return fitting
    return tuple(one for one in fitting if {one.name, one.name.partition(".")[0]} & set(wanted))
