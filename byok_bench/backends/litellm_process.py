"""What runs inside the LiteLLM process: settings in, the proxy's address out. Started by leash.py.

Runs under the gateway's own Python: standard library, litellm and uvicorn only. The socket is bound before LiteLLM is
loaded, because its own command quietly moves to another port when one is taken.
"""

import json
import os
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

_QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else the price list is fetched at every start
    "LITELLM_MODE": "PRODUCTION",  # else a .env file of the working folder is read
    "LITELLM_LOG": "ERROR",
    "DISABLE_ADMIN_UI": "True",
    "DO_NOT_TRACK": "1",
}


def serve(settings: Mapping[str, Any], announce: Callable[..., None], stop: threading.Event) -> None:
    """Load the proxy, announce the address, and serve until `stop`."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings["host"], settings["port"]))
    except OSError:
        announce(error=f"cannot listen on port {settings['port']}: it is taken", code="port_taken")
        return
    with tempfile.TemporaryDirectory(prefix="byok-bench-litellm-") as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(json.dumps(_build_configuration(settings)), encoding="utf-8")  # JSON is YAML
        os.chdir(folder)
        os.environ.update(
            _QUIET,
            HOME=folder,
            CONFIG_FILE_PATH=str(config),
            LITELLM_MASTER_KEY=settings["api_key"],
            BYOK_BENCH_UPSTREAM_KEY=settings["upstream_key"],
        )
        _run(listening, announce, stop)


def _run(listening: socket.socket, announce: Callable[..., None], stop: threading.Event) -> None:
    litellm: Any = import_module("litellm")
    litellm.telemetry = False
    uvicorn, app = import_module("uvicorn"), import_module("litellm.proxy.proxy_server").app
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))

    def end_when_told() -> None:
        stop.wait()
        server.should_exit = True

    threading.Thread(target=end_when_told, daemon=True).start()
    host, port = listening.getsockname()
    announce(url=f"http://{host}:{port}")
    server.run(sockets=[listening])


def _build_configuration(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Keys are named here, not written: LiteLLM looks them up in its environment."""
    models = [
        {
            "model_name": name,
            "litellm_params": {
                "model": f"openai/{name}",
                "api_base": settings["upstream_url"],
                "api_key": "os.environ/BYOK_BENCH_UPSTREAM_KEY",
            },
        }
        for name in settings["models"]
    ]
    return {
        "model_list": models,
        "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
        # A measured request is sent once.
        "litellm_settings": {"telemetry": False, "num_retries": 0},
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
    }
