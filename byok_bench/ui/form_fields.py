"""The widgets of the endpoint form, and where each stands. What they do is in endpoint_form.py."""

from typing import Final

from ipywidgets import HBox, VBox

from byok_bench.endpoints.endpoint import KEY_STYLES
from byok_bench.endpoints.model import SCHEMAS
from byok_bench.endpoints.presets import load_presets
from byok_bench.endpoints.text_fields import MULTILINE_FIELDS, TEXT_FIELDS
from byok_bench.ui.action import Action, make_disclosure
from byok_bench.ui.field import Field, SecretField
from byok_bench.ui.form_state import ENVIRONMENT

CHOICES: Final = {
    "schema": tuple((name, name) for name in SCHEMAS),
    "model_schema": (("", "as the endpoint"), *((name, name) for name in SCHEMAS)),
    "echo_reasoning": (
        ("unknown", "Not known"),
        ("required", "Required: refused without it"),
        ("accepted", "Accepted"),
        ("refused", "Refused"),
    ),
    "key_style": tuple((name, name) for name in KEY_STYLES),
    "key_source": (
        ("none", "No key"),
        ("env", "Environment variable"),
        ("keyring", "The system's keyring"),
        ("session", "This session only"),
    ),
    "transport": (
        ("own", "Timed, HTTP/1.1"),
        ("httpx", "Stock httpx, HTTP/2 where TLS agrees on it"),
        ("http2", "HTTP/2 alone"),
    ),
    "verify": (
        ("on", "Certificates are checked"),
        ("off", "Not checked: this machine and private networks only"),
    ),
}
AREAS: Final = MULTILINE_FIELDS | {"body", "model_body"}
WIDE: Final = frozenset({"label", "model", "key_env", "api_key", "ca_file"})
"""Fields that take two thirds of their row."""
ADVANCED: Final = (
    ("other_models", "body"),
    ("headers", "query"),
    ("model_body", "model_headers"),
    ("drop", "rename"),
    ("effort", "echo_reasoning"),
    ("context_window", "max_output_tokens"),
    ("price", "model_schema"),
    ("timeouts", "retention"),
    ("proxy", "no_proxy"),
    ("accept_encoding", "transport"),
    ("key_style", "key_header"),
    ("ca_file", "verify"),
    ("cert_file", "key_file"),
)


def make_fields() -> dict[str, Field]:
    """One widget for each field, by its name."""
    made = {}
    for name, field in TEXT_FIELDS.items():
        if name in CHOICES:
            made[name] = make_choice_field(field.label, CHOICES[name])
        else:
            kind = "area" if name in AREAS else "text"
            made[name] = Field(kind=kind, rows=2, label=field.label, placeholder=field.placeholder)
    made["base_url"].follow = True
    for name in WIDE & made.keys():
        made[name].add_class("byok-wide")
    return made


def make_secret_field() -> SecretField:
    """Where a key is typed."""
    made = SecretField(label="API key")
    made.add_class("byok-wide")
    return made


def make_source_field() -> Field:
    """What a new endpoint can be made from."""
    offered = [("", "a known server …"), *((one.id, one.label) for one in load_presets())]
    return make_choice_field("Add from", (*offered, (ENVIRONMENT, "OPENAI_BASE_URL and OPENAI_API_KEY")))


def make_choice_field(label: str, options: tuple[tuple[str, str], ...], rows: int = 1) -> Field:
    """A field that offers a fixed set."""
    made = Field(kind="choice", label=label, value=options[0][0], rows=rows)
    made.offer([(value, text, False) for value, text in options])
    return made


def make_field_row(*parts: object) -> HBox:
    """Fields, or buttons, beside each other."""
    made = HBox(parts)
    made.add_class("byok-row")
    return made


def make_main_fields(made: dict[str, Field], secret: SecretField) -> list[HBox | Field]:
    """The fields that everybody needs."""
    return [
        make_field_row(made["label"], made["schema"]),
        made["base_url"],
        make_field_row(made["model"], made["alias"]),
        make_field_row(made["key_source"], made["key_env"], secret),
    ]


def make_advanced_fields(made: dict[str, Field]) -> tuple[Action, VBox]:
    """The others, and the button that opens them."""
    folded = VBox([make_field_row(*(made[name] for name in names)) for names in ADVANCED])
    return make_disclosure("Advanced", folded), folded
