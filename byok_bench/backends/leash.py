"""The child's side of a backend process: settings in by stdin, the address out by stdout, and an end with its parent.

Run as a script with the path of a module that has `serve(settings, announce, stop)`; it may run under another
Python than ours, so it imports the standard library alone. The parent's side is child_process.py.

Settings come as one JSON line on stdin, because arguments and environment can be read by other processes and
settings hold keys. Stdin then stays open: its end is the order to stop, and the operating system gives that order
when the parent dies. On Linux the kernel also ends the child with the thread that started it, for the time in which
no Python code can run (a model being loaded).
"""

import json
import os
import runpy
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

GRACE_S = 3.0
"""How long a stop may take before the process ends without one."""
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Read the settings, tie this process to its parent, and serve until told to stop."""
    settings: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    # Whatever a library prints must not be read as the address.
    reply = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # Ctrl-C reaches the whole foreground group; the parent decides when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if settings.pop("end_with_thread", False):
        _end_with_parent_thread()
    stop = threading.Event()
    threading.Thread(target=_wait_for_end_of_stdin, args=(stop,), daemon=True).start()

    def announce(**message: Any) -> None:
        """Send one JSON line to the parent: `url=` once the server answers, or `error=` and `code=`."""
        reply.write(json.dumps(message) + "\n")
        reply.flush()

    serve: Callable[..., None] = runpy.run_path(sys.argv[1])["serve"]
    serve(settings, announce, stop)


def _end_with_parent_thread() -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _wait_for_end_of_stdin(stop: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    stop.set()
    threading.Event().wait(GRACE_S)
    os._exit(0)


if __name__ == "__main__":
    main()
