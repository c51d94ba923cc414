"""What a command is told about the fields of an endpoint, by options and by `--set`: the one way into them.

Each is a text, read as the form reads it (endpoints/text_fields.py).
"""

from typing import TYPE_CHECKING, Final, NamedTuple

from byok_bench.cli.console import fail
from byok_bench.cli.settings import iterate_settings

if TYPE_CHECKING:
    from byok_bench.endpoints.endpoint import Endpoint

_OPTIONS: Final = ("label", "base_url", "schema", "key_env", "key_style", "key_header")
"""Options that are the text of the field of their name."""


class EndpointOptions(NamedTuple):
    """The options as they were typed; None for one that was not."""

    label: str | None = None
    base_url: str | None = None
    schema: str | None = None
    model: list[str] | None = None
    """Several: the first, and the other ones, which are then all."""
    key_env: str | None = None
    key_style: str | None = None
    key_header: str | None = None
    no_key: bool = False
    settings: list[str] | None = None
    """Each FIELD=TEXT of `--set`."""

    def list_texts(self) -> list[str | None]:
        """What was typed freely, and may have lost something at its ends."""
        return [self.label, self.base_url, *(self.model or ()), self.key_env, self.key_header]

    def collect_texts(self, before: "Endpoint") -> dict[str, str]:
        """Field → its text. Exits with code 2 for a field that is none, or is given twice."""
        from byok_bench.endpoints.model_text_fields import show_model

        texts = {name: text for name in _OPTIONS if (text := getattr(self, name)) is not None}
        if self.model:
            texts["model"], *others = self.model
            known = {model.name: show_model(model) for model in before.models}
            if others:
                texts["other_models"] = "\n".join(known.get(name, name) for name in others)
        if self.no_key:
            texts["key_source"] = "none"
        for name, text in iterate_settings(self.settings):
            if name in texts:
                fail(f"{name} is given twice: leave one out")
            texts[name] = text
        return texts

    def apply(self, before: "Endpoint") -> "Endpoint":
        """The endpoint with all that was given. Raises EndpointError for a text that cannot be; exits with code 2."""
        from byok_bench.endpoints.text_fields import read_texts

        return read_texts(before, self.collect_texts(before))
