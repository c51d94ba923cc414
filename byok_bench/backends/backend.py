"""Backend: something on this machine that an Endpoint can point at; start, ready, endpoint, stop.

    async with LlamaCpp() as server:
        exchange = await send(server.endpoint, body)

Every backend listens on 127.0.0.1 only. Nothing in here knows how one is started.
"""

import socket
import sys
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Self

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model, Schema
from byok_bench.errors import BackendError

__all__ = ["LOOPBACK", "Backend", "BackendError"]

LOOPBACK = "127.0.0.1"
_PORTS: dict[str, int] = {}
"""Label of a backend → the port it had last in this process."""


class Backend(ABC):
    """One server, started on entry and stopped on exit; `start` and `stop` may be called by hand."""

    label = "backend"
    """What tables and pickers call it."""
    models: tuple[str, ...] = ()
    """Model ids it serves; the first is the default."""
    context_window_tokens: int | None = None
    """Tokens of prompt and answer together, where the server declares it."""
    api_key: str | None = None
    """What the server demands; None if it lets everyone in."""

    def __init__(self) -> None:
        self._base_url: str | None = None
        self._endpoints: dict[str, Endpoint] = {}

    @abstractmethod
    async def start(self) -> None:
        """Start and wait until requests are answered. Raises BackendError; then nothing is left running."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop and wait until the port is closed; harmless when nothing runs."""

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:PORT/v1`. Raises BackendError while the backend does not run."""
        if self._base_url is None:
            raise BackendError(f"{self.label} is not running", code="not_running")
        return self._base_url

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.base_url.split(":")[2].partition("/")[0])

    @property
    def endpoint(self) -> Endpoint:
        """The chat completions endpoint of this backend."""
        return self.get_endpoint("chat")

    def get_endpoint(self, schema: Schema) -> Endpoint:
        """The endpoint for `chat`, `responses` or `messages`; the same object until the backend stops."""
        base_url = self.base_url
        if schema not in self._endpoints:
            self._endpoints[schema] = Endpoint(
                label=self.label if schema == "chat" else f"{self.label} ({schema})",
                base_url=base_url,
                schema=schema,
                key=KeyRef.session(self.api_key) if self.api_key else KeyRef.none(),
                models=[Model(name, context_window_tokens=self.context_window_tokens) for name in self.models],
            )
        return self._endpoints[schema]

    def _note_address(self, root: str) -> None:
        """Note where the server answers: `root` is scheme, host and port."""
        self._base_url = root.rstrip("/") + "/v1"
        _PORTS[self.label] = self.port

    def _forget_address(self) -> None:
        """Forget the address, and the keys that were kept for it."""
        for endpoint in self._endpoints.values():
            endpoint.key.forget()
        self._endpoints.clear()
        self._base_url = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


def choose_port(label: str, wanted: int) -> int:
    """The port to listen on; 0 lets the system choose.

    In a notebook a backend that is started again gets the port that one of its label had before, if it is free: a run
    that was stopped knows its endpoints by their addresses, and can go on.
    """
    port = _PORTS.get(label, 0)
    if wanted or not port or not _is_in_kernel():
        return wanted
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return 0
    return port


def _is_in_kernel() -> bool:
    """Whether this is a notebook's kernel."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None
