"""What runs inside the llama.cpp process: settings in, the server's address out. Started by leash.py.

Standard library and xllamacpp only: this file is run by path, without the package around it.
"""

import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any


def serve(settings: Mapping[str, Any], announce: Callable[..., None], stop: threading.Event) -> None:
    """Load the model, announce the address, and hold the server until `stop`."""
    if settings["port"] and _is_taken(settings["host"], settings["port"]):
        announce(error=f"cannot listen on port {settings['port']}: it is taken", code="port_taken")
        return
    import xllamacpp

    try:
        server = xllamacpp.Server(_set_parameters(xllamacpp.CommonParams(), settings))
    except RuntimeError as error:
        announce(error=f"did not start ({error})", code="start_failed")
        return
    announce(url=server.listening_address)
    stop.wait()
    del server


def _set_parameters(params: Any, settings: Mapping[str, Any]) -> Any:
    """llama.cpp's own parameters, for one small server on loopback."""
    params.model.path = settings["model"]
    params.model_alias = {settings["alias"]}
    params.hostnames = [settings["host"]]
    params.port = settings["port"]
    params.api_keys = [settings["api_key"]] if settings["api_key"] else []
    params.chat_template = settings["template"]
    # llama.cpp divides n_ctx among its slots.
    params.n_parallel = settings["slots"]
    params.n_ctx = settings["context"] * settings["slots"]
    params.fit_params = False
    params.n_threads_http = settings["slots"] + 2
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads = settings["threads"]
        cpu.poll = 0  # a spinning thread takes the core from whoever measures
    params.cache_ram_mib = 0  # the default keeps up to 8 GiB of old prompts
    params.offline = True
    params.ui = False
    params.endpoint_slots = False  # it would show the prompts of others
    # The default lets any web page drive a server without a key.
    params.cors_origins = f"http://{settings['host']}"
    return params


def _is_taken(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False
