"""What every test of the wire needs."""

import socket
import time
from collections.abc import Iterator

import pytest

from byok_bench.wire.connections.kernel_clock import enable_stamps


@pytest.fixture(scope="session", autouse=True)
def _stamps_are_on() -> Iterator[None]:
    """The kernel switches its stamps on in the background, a while after the first socket asks for them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as keeper:
        enable_stamps(keeper)
        time.sleep(0.05)
        yield
