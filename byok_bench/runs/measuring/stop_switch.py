"""StopSwitch: ends what goes on in order. What is in flight finishes, and nothing new begins.

It is pressed where a person is (a signal, a button) and heard where requests are sent: in this process, in measuring
processes, on the workers of a cluster.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class StopSwitch:
    """`bb.run(…, stop=switch)`, and `switch.press()` while it goes; it may serve one run after the other."""

    def __init__(self) -> None:
        self.is_pressed = False
        """Whether it was pressed in the run that goes on, or in the last one."""
        self._is_enabled = False
        self._listeners: list[Callable[[], object]] = []

    def press(self) -> bool:
        """Let what is in flight finish. False if there was nothing to tell: nothing measures, or it was pressed."""
        if self.is_pressed or not self._is_enabled:
            return False
        self.is_pressed = True
        for listener in list(self._listeners):
            listener()
        return True

    @contextmanager
    def enable(self) -> Iterator[None]:
        """A press inside is heard."""
        self.is_pressed, self._is_enabled = False, True
        try:
            yield
        finally:
            self._is_enabled = False

    @contextmanager
    def relay(self, listener: Callable[[], object]) -> Iterator[None]:
        """Call `listener()` on the loop's own thread when it is pressed; at once if it was pressed before."""
        if self.is_pressed:
            listener()
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)
