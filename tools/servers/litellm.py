"""The LiteLLM proxy in front of vLLM, in the environment that `make gateway` makes."""

import json
import os
import secrets
from pathlib import Path

from tools.servers.places import KEY_VARIABLE, LOOPBACK, MODEL, RESULTS, ROOT, program_beside
from tools.servers.server import CannotBeHad, Server

ENVIRONMENT = ROOT / ".venv-gateway"


class LiteLLM(Server):
    """With a master key, which it demands."""

    name = "litellm"
    schemas = ("chat", "responses", "messages")
    upstream = "vllm"
    ready_path = "/health/liveliness"
    start_timeout_s = 180.0

    def __init__(self) -> None:
        self._key = os.environ.get(KEY_VARIABLE) or f"sk-{secrets.token_urlsafe(24)}"

    def install(self) -> None:
        """`make servers` does. Raises CannotBeHad."""
        if not Path(program_beside(ENVIRONMENT, "litellm")).is_file():
            raise CannotBeHad("the LiteLLM proxy is not installed: make gateway")

    def version(self) -> str:
        """By its metadata."""
        [found] = ENVIRONMENT.glob("lib/python*/site-packages/litellm-*.dist-info")
        return f"LiteLLM {found.name.removeprefix('litellm-').removesuffix('.dist-info')}"

    def key(self) -> str:
        """The one in SERVER_KEY, else a new one for each play."""
        return self._key

    def command(self, port: int, upstream_url: str) -> list[str]:
        """Keys are named in the file, not written: LiteLLM looks them up in its environment."""
        model = {"model": f"openai/{MODEL}", "api_base": f"{upstream_url}/v1", "api_key": "none"}
        configuration = {
            "model_list": [{"model_name": MODEL, "litellm_params": model}],
            "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
        }
        path = RESULTS / self.name / "config.yaml"
        path.write_text(json.dumps(configuration))  # JSON is YAML
        program = program_beside(ENVIRONMENT, "litellm")
        return [
            program,
            "--config",
            str(path),
            "--host",
            LOOPBACK,
            "--port",
            str(port),
            "--telemetry",
            "False",
        ]

    def environment(self) -> dict[str, str]:
        """Nothing is fetched from the net, no `.env` file is read."""
        return {
            "LITELLM_MASTER_KEY": self._key,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOG": "ERROR",
            "DISABLE_ADMIN_UI": "True",
            "DO_NOT_TRACK": "1",
        }
