"""A real model server on this machine: llama.cpp's own HTTP server, in a process of its own.

It answers /v1/chat/completions, /v1/responses, /v1/messages and /v1/models. What runs in the process is
llamacpp_process.py. The bundled model knows no tools by its own template; hermes.jinja teaches them to it.
"""

from importlib.util import find_spec
from pathlib import Path

from byok_bench.backends.backend import LOOPBACK, choose_port
from byok_bench.backends.child_process import Child
from byok_bench.backends.gguf import BUNDLED_MODEL, find_bundled_model, find_model_file
from byok_bench.backends.process_backend import ProcessBackend
from byok_bench.errors import BackendError

HERE = Path(__file__).parent
HERMES_TEMPLATE = HERE / "hermes.jinja"


class LlamaCpp(ProcessBackend):
    """`async with LlamaCpp() as server: server.endpoint`.

    model: path of a `.gguf`; None takes the bundled SmolLM2-135M.
    context: tokens of one slot. slots: requests served at once; memory grows with context × slots.
    threads: two spinning threads on a busy machine are slower than one.
    port: 0 takes a free one. api_key: demanded as bearer token; None lets everyone in.
    template: path of a chat template; None takes ours for the bundled model, the model's own for any other.
    """

    _ready_path = "/health"

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        context: int = 2048,
        slots: int = 2,
        threads: int = 1,
        port: int = 0,
        api_key: str | None = None,
        template: str | Path | None = None,
        label: str = "llama.cpp",
        start_timeout_s: float = 60.0,
    ) -> None:
        super().__init__(start_timeout_s)
        self.label = label
        self._port = port
        self.context_window_tokens = context
        self.api_key = api_key
        self._model = model
        self._template = HERMES_TEMPLATE if template is None and model is None else template
        self.models = (BUNDLED_MODEL if model is None else Path(model).stem.lower(),)
        self._settings = {
            "alias": self.models[0],
            "host": LOOPBACK,
            "context": context,
            "slots": slots,
            "threads": threads,
            "api_key": api_key,
        }

    @staticmethod
    def find_missing_part() -> BackendError | None:
        """What the bundled model needs and is not installed, with the pip line; None if it can be started."""
        if find_spec("xllamacpp") is None:
            return BackendError("llama.cpp is not installed: pip install 'byok-bench[local]'", code="missing_part")
        try:
            find_bundled_model()
        except BackendError as error:
            return error
        return None

    def _make_child(self) -> Child:
        if find_spec("xllamacpp") is None:
            raise BackendError("llama.cpp is not installed: pip install 'byok-bench[local]'", code="missing_part")
        port = choose_port(self.label, self._port)
        settings = {**self._settings, **self._find_files(), "port": port}
        return Child(self.label, HERE / "llamacpp_process.py", settings, secrets=[self.api_key] if self.api_key else [])

    def _find_files(self) -> dict[str, str]:
        path = find_bundled_model() if self._model is None else find_model_file(self._model)
        template = Path(self._template).read_text(encoding="utf-8") if self._template else ""
        return {"model": str(path), "template": template}
