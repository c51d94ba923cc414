"""The list of models (GET /models), read as one JSON document. What is in it is judged in checks/rules/models.py.

A list is read in each of the forms that servers send: `data` of an object as the API has it, a bare array
(Together), `models` of an object (Ollama, Gemini).
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from byok_bench.dialects.body import Body
from byok_bench.dialects.dialect import Reading
from byok_bench.dialects.failures.classification import classify_error_answer, classify_page
from byok_bench.dialects.failures.envelopes import has_error
from byok_bench.dialects.failures.missing_answers import classify_error_document, classify_unusable_body
from byok_bench.wire.failures import Failure, make_failure
from byok_bench.wire.raw_exchange import RawExchange
from byok_bench.wire.recording.terminators import Terminator


class ModelsDialect:
    """The list of models."""

    name: str = "models"
    route: str = "/models"
    terminator: Terminator = "none"

    def build(self, body: Mapping[str, Any], model: str | None, extra: Mapping[str, Any]) -> dict[str, Any]:
        """A GET has no body."""
        return {}

    def read(self, raw: RawExchange) -> Reading:
        """What the record says."""
        body = Body(raw)
        return Reading(body=body, failure=_classify_list(raw, body))


DIALECT: Final = ModelsDialect()
_LIST_MEMBERS: Final = ("data", "models")
_ID_MEMBERS: Final = ("id", "name", "model")
_WINDOW_MEMBERS: Final = (
    ("max_model_len",),  # vllm-project/vllm vllm/entrypoints/openai/protocol.py, ModelCard
    ("context_length",),  # OpenRouter: https://openrouter.ai/docs/api/api-reference/models/get-models
    ("context_window",),  # Groq: https://console.groq.com/docs/models
    ("max_context_length",),  # Mistral: https://docs.mistral.ai/api/endpoint/models
    ("meta", "n_ctx"),  # ggml-org/llama.cpp tools/server/server-context.cpp
)
"""Where an entry says how many tokens fit, in the order in which they are looked for."""
_LARGEST_WINDOW: Final = 1_000_000_000


def _replace_missing_model(found: Failure) -> Failure:
    """No model is named in this request, so what is not found is the route, whatever the server's words suggest."""
    return msgspec.structs.replace(found, kind="not_found_route") if found.kind == "not_found_model" else found


def _classify_list(raw: RawExchange, body: Body) -> Failure | None:
    if raw.head is None:
        return raw.failure or make_failure("network", "headers", "no response")
    if not 200 <= raw.head.status < 300:
        return _replace_missing_model(classify_error_answer(raw.head, body.data, url=raw.request.url))
    if body.problem is not None:
        return make_failure("protocol", "body", body.problem)
    if body.is_html:
        return classify_page(raw.head, body.data)
    is_list = isinstance(body.document, dict) or find_model_entries(body.document) is not None
    if raw.failure is not None:
        return raw.failure
    if has_error(body.document):
        return classify_error_document(raw.head, body)
    return None if is_list else classify_unusable_body(raw.head, body, "the body is no list of models")


def find_model_entries(document: object) -> list[Any] | None:
    """The entries of a list of models in any known form, as sent; None if the document is no list."""
    if isinstance(document, dict):
        forms = (document.get(member) for member in _LIST_MEMBERS)
        return next((entries for entries in forms if isinstance(entries, list)), None)
    return document if isinstance(document, list) and all(read_entry_id(entry) for entry in document) else None


def read_entry_id(entry: object) -> str:
    """What an entry is asked for by: its `id`, else `name`, else `model`; empty if it has none."""
    members = (entry.get(member) for member in _ID_MEMBERS) if isinstance(entry, dict) else ()
    return next((name for name in members if isinstance(name, str) and name), "")


def is_wildcard(name: str) -> bool:
    """Whether an entry stands for many models (`*`, `openai/*`): it is none that can be asked for."""
    return name.endswith("*")


def list_usable_models(document: object) -> list[str]:
    """Models in a list of models that can be asked for, in order; empty for anything else."""
    return [name for name in list_model_names(document) if not is_wildcard(name)]


def list_model_names(document: object) -> list[str]:
    """The names of all entries of a list of models, wildcards included."""
    return list(filter(None, map(read_entry_id, find_model_entries(document) or ())))


def read_context_windows(document: object) -> dict[str, int]:
    """Model → context window in tokens, of the entries that say one."""
    windows = ((read_entry_id(entry), _read_window(entry)) for entry in find_model_entries(document) or ())
    return {name: window for name, window in windows if name and window is not None}


def _read_window(entry: object) -> int | None:
    for path in _WINDOW_MEMBERS:
        value = entry
        for member in path:
            value = value.get(member) if isinstance(value, dict) else None
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST_WINDOW:
            return value
    return None
