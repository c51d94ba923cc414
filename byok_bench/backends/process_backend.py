"""A backend that is a process of its own: started once, stopped once, and gone with its port."""

from abc import abstractmethod

from byok_bench.backends.backend import Backend
from byok_bench.backends.child_process import Child
from byok_bench.errors import BackendError


class ProcessBackend(Backend):
    """What backends share that run a Child; a subclass says in `_make_child` which one."""

    _ready_path: str
    """Answered as soon as the server is ready."""

    def __init__(self, start_timeout_s: float) -> None:
        super().__init__()
        self._start_timeout_s = start_timeout_s
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the server, None while it does not run."""
        return self._child.pid if self._child else None

    async def start(self) -> None:
        """Start the process and wait until it answers. Raises BackendError; then nothing is left running."""
        if self._child is not None:
            raise BackendError(f"{self.label} is already running", code="already_running")
        child = self._make_child()
        self._note_address(await child.start(self._ready_path, {}, self._start_timeout_s))
        self._child = child

    async def stop(self) -> None:
        """Stop the process and wait until it is gone."""
        child, self._child = self._child, None
        self._forget_address()
        if child is not None:
            await child.stop()

    @abstractmethod
    def _make_child(self) -> Child:
        """The process, with all its settings. Raises BackendError if a part is missing."""
