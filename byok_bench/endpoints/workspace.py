"""The workspace's policy: may people bring their own endpoints here, under which profile, to which addresses.

Read from `policy.toml`; who may write that file decides. It is read, never written. Rules: docs/endpoints.md.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import SCHEMAS, Schema
from byok_bench.errors import BookError
from byok_bench.wire.egress.policy_lists import Policy


class Workspace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the workspace allows."""

    version: Literal[1] = 1
    byok_enabled: bool = True
    """Off: the user's own endpoints are kept as they are, and neither edited nor called."""
    profile: Literal["local", "shared"] = "local"
    """Under which egress profile requests leave this process."""
    egress: dict[str, Any] | None = None
    """Egress lists, as docs/egress.md names them."""
    schemas: tuple[Schema, ...] = SCHEMAS
    """API schemas that may be used."""

    def find_refusal(self, endpoint: Endpoint, *, team: bool = False) -> str | None:
        """Why an endpoint may not be used here; None if it may."""
        if not team and not self.byok_enabled:
            return (
                "This workspace has turned off endpoints of one's own (byok_enabled in policy.toml). Yours is kept "
                "as it is and works again when that is turned on."
            )
        if others := [name for name in endpoint.schemas if name not in self.schemas]:
            allowed = f"the schemas {', '.join(self.schemas)}" if self.schemas else "no schema"
            return f"This workspace allows {allowed}, not {others[0]}."
        return None

    def choose_profile(self, asked: str) -> str:
        """The profile to judge by: `shared` if the workspace says so, which nothing can loosen, else as asked."""
        return "shared" if self.profile == "shared" else asked

    @property
    def policy(self) -> Mapping[str, Any] | None:
        """The lists for `judge`."""
        return self.egress


def read_workspace(path: Path) -> Workspace:
    """The policy file; everything is allowed where there is none. Raises BookError if it cannot be read."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return Workspace()
    except OSError as error:
        raise BookError(f"{path} cannot be read: {error.strerror}", code="policy_broken") from None
    try:
        table = tomllib.loads(raw.decode("utf-8-sig"))
        if stray := sorted(table.keys() & set(Policy.__struct_fields__)):
            raise msgspec.ValidationError(f"put {', '.join(stray)} into a table [egress]")
        return msgspec.convert(table, Workspace)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        said = str(error).replace("Object contains unknown field", "a policy has no field")
        problem = f"{path}: {said}. Nothing is called until it is mended"
    raise BookError(problem, code="policy_broken")
