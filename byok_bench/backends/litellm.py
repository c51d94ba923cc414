"""A real LiteLLM proxy on this machine, in front of another backend, in a process and an environment of its own.

LiteLLM brings more than a hundred packages, so it lives in a virtual environment that `make gateway` builds. What runs
in the process is litellm_process.py. Nothing is sent anywhere but to the backend: no telemetry, no price list from
the net.
"""

import secrets
import sys
from pathlib import Path

from byok_bench.backends.backend import LOOPBACK, Backend, choose_port
from byok_bench.backends.child_process import Child
from byok_bench.backends.process_backend import ProcessBackend
from byok_bench.errors import BackendError

HERE = Path(__file__).parent
VENV_NAME = ".venv-gateway"


class LiteLLM(ProcessBackend):
    """`async with LlamaCpp() as model, LiteLLM(model) as proxy: proxy.endpoint`.

    upstream: a running backend; its models are served under their names. api_key: the proxy's master key; a random
    one if None, since this proxy always demands one. venv: where LiteLLM is installed; None looks for `.venv-gateway`
    in the working folder and beside the package. port: 0 takes a free one.
    """

    _ready_path = "/health/liveliness"

    def __init__(
        self,
        upstream: Backend,
        *,
        api_key: str | None = None,
        venv: str | Path | None = None,
        port: int = 0,
        label: str = "LiteLLM",
        start_timeout_s: float = 120.0,
    ) -> None:
        super().__init__(start_timeout_s)
        self.label = label
        self.api_key = api_key or f"sk-{secrets.token_urlsafe(24)}"
        self.models = upstream.models
        self.context_window_tokens = upstream.context_window_tokens
        self._upstream = upstream
        self._venv = Path(venv) if venv is not None else None
        self._port = port

    def _make_child(self) -> Child:
        upstream = self._upstream
        settings = {
            "host": LOOPBACK,
            "port": choose_port(self.label, self._port),
            "upstream_url": upstream.base_url,
            "upstream_key": upstream.api_key or "none",
            "models": upstream.models,
            "api_key": self.api_key,
        }
        return Child(
            self.label,
            HERE / "litellm_process.py",
            settings,
            python=str(find_gateway_python(self._venv)),
            secrets=[key for key in (self.api_key, upstream.api_key) if key],
        )


def find_gateway_python(venv: Path | None = None) -> Path:
    """The Python that has LiteLLM. Raises BackendError with the command that makes it."""
    places = [venv] if venv else [Path.cwd() / VENV_NAME, HERE.parents[1] / VENV_NAME]
    name = Path("Scripts/python.exe") if sys.platform == "win32" else Path("bin/python")
    for place in places:
        if (place / name).is_file() and any(place.glob("[Ll]ib/**/site-packages/litellm/proxy")):
            return place / name
    raise BackendError(f"the LiteLLM proxy is not installed in {places[0]}: make gateway", code="missing_part")
