"""What `endpoints add` and `endpoints edit` are told about the fields of an endpoint: the one way into them."""

from typing import TYPE_CHECKING, Any, NamedTuple

from byok_bench.cli.console import fail
from byok_bench.cli.settings import apply_settings

if TYPE_CHECKING:
    from byok_bench.endpoints.endpoint import Endpoint

_OPTIONS = ("base_url", "schema", "model", "key_env", "key_style", "key_header", "label")


class EndpointOptions(NamedTuple):
    """The options as they were typed; None for one that was not."""

    label: str | None = None
    base_url: str | None = None
    schema: str | None = None
    model: list[str] | None = None
    key_env: str | None = None
    key_style: str | None = None
    key_header: str | None = None
    no_key: bool = False
    settings: list[str] | None = None
    """Each FIELD=TEXT of `--set`."""

    def refuse_repeated_fields(self) -> None:
        """One field, one value: exit with code 2 where `--set` names a field again, or one that an option gives."""
        named = [setting.partition("=")[0] for setting in self.settings or ()]
        given = [name for name in _OPTIONS if getattr(self, name) is not None]
        for name in named:
            if [*named, *given].count(name) > 1:
                fail(f"{name} is given twice: leave one out")

    def list_texts(self) -> list[str | None]:
        """What was typed freely, and may have lost something at its ends."""
        return [self.label, self.base_url, *(self.model or ()), self.key_env, self.key_header]

    def apply(self, before: "Endpoint | None") -> "Endpoint":
        """The endpoint with all that was given, or a new one. Exits with code 2 for a field that is none."""
        from msgspec.structs import replace

        from byok_bench.endpoints.endpoint import Endpoint

        fields = self._collect_fields(before)
        return apply_settings(replace(before, **fields) if before else Endpoint(**fields), self.settings)

    def _collect_fields(self, before: "Endpoint | None") -> dict[str, Any]:
        """The fields that options name; models that were there keep their config_key."""
        from byok_bench.endpoints.endpoint import Model
        from byok_bench.endpoints.keys import KeyRef

        names = ("label", "base_url", "schema", "key_style", "key_header")
        fields = {name: value for name in names if (value := getattr(self, name)) is not None}
        if self.key_style not in (None, "header") and self.key_header is None:
            fields["key_header"] = None
        if self.model is not None:
            known = {} if before is None else {model.name: model for model in before.models}
            fields["models"] = [known.get(name) or Model(name) for name in self.model]
        if self.no_key:
            fields |= {"key": KeyRef.none(), "key_origin": None, "key_set_at": None}
        if self.key_env is not None:
            fields |= {"key": KeyRef.env(self.key_env), "key_origin": None, "key_set_at": None}
        return fields
