"""HttpBackend: an asyncio server on loopback whose subclasses only answer requests."""

import asyncio
import contextlib
import errno
from abc import abstractmethod

from byok_bench.backends.backend import LOOPBACK, Backend, BackendError, choose_port
from byok_bench.backends.simulator.http import Request, Wire, receive_request
from byok_bench.backends.simulator.refusal import Refusal

_LONGEST_HEAD = 64 * 1024


class HttpBackend(Backend):
    """Listens in the event loop that started it; every open connection ends with `stop`."""

    def __init__(self, label: str, port: int = 0) -> None:
        super().__init__()
        self.label = label
        self._wanted_port = port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def answer_request(self, request: Request, wire: Wire) -> bool:
        """Answer one request; whether the connection can be used again."""

    async def start(self) -> None:
        """Listen. Raises BackendError if the port is taken."""
        if self._server is not None:
            raise BackendError(f"{self.label} is already running", code="already_running")
        try:
            self._server = await asyncio.start_server(
                self._handle_connection, LOOPBACK, choose_port(self.label, self._wanted_port), limit=_LONGEST_HEAD
            )
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            why = "it is taken" if taken else error.strerror
            message = f"{self.label} cannot listen on port {self._wanted_port}: {why}"
            raise BackendError(message, code="port_taken" if taken else "start_failed") from None
        port = self._server.sockets[0].getsockname()[1]
        self._note_address(f"http://{LOOPBACK}:{port}")

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        server, self._server = self._server, None
        self._forget_address()
        if server is None:
            return
        server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await server.wait_closed()

    async def _handle_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            # A client that leaves, and our own stop, are both ordinary ends of a connection.
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._answer_requests(reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer_requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests of one connection, one after the other."""
        wire = Wire(reader, writer)
        while True:
            try:
                request = await receive_request(reader)
            except Refusal as refusal:
                await wire.refuse(refusal)
                return
            if request is None or not await self.answer_request(request, wire):
                return
