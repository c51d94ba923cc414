"""What a run and its measuring processes say to each other, and how: frames over pipes.

Keys travel in here and nowhere else: not in arguments, not in the environment. A frame is a length (u32, little
endian) and that many bytes of JSON.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from typing import IO, Final

import msgspec

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.extra_fields import list_extra_values
from byok_bench.endpoints.keys import KeyRef
from byok_bench.errors import SecretError
from byok_bench.runs.measuring.work import Work
from byok_bench.runs.progress import ExchangeFinished, LimitMet, Waiting
from byok_bench.runs.storage import ascii_json

_LENGTH: Final = struct.Struct("<I")


class Start(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """To the process: all it needs. It plays nothing yet."""

    store: str
    work: Work
    endpoints: tuple[Endpoint, ...]
    """Beside the plan's targets."""
    secrets: dict[str, str]
    """Written key reference → the key itself."""
    processes: int = 1
    """More than one: it plays by that many processes of its own."""

    def __repr__(self) -> str:
        return f"Start(store={self.store!r})"


class Go(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """To the process: play these of its blocks, or its share of them."""

    blocks: tuple[int, ...]
    begin_ns: int | None = None
    """Common start of an open loop, monotonic."""
    which: int = 0
    of: int = 1


class Finish(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """To the process: let what is in flight finish, and begin nothing new."""


class Stop(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """To the process: give up what is in flight. The end of the pipe says the same."""


class BlocksPlayed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """From the process: what the last Go asked for is done."""


class WorkerError(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """From the process: an error that ends the run."""

    message: str
    code: str


MessageToProcess = Start | Go | Finish | Stop
MessageFromProcess = ExchangeFinished | Waiting | LimitMet | BlocksPlayed | WorkerError


def read_message_from_process(raw: bytes) -> MessageFromProcess:
    """The message in a frame."""
    message: MessageFromProcess = msgspec.convert(json.loads(raw), MessageFromProcess)
    return message


def read_message_to_process(raw: bytes) -> MessageToProcess:
    """The message in a frame."""
    message: MessageToProcess = msgspec.convert(json.loads(raw), MessageToProcess)
    return message


def write_frame(pipe: IO[bytes], message: MessageToProcess | MessageFromProcess) -> None:
    """One frame. Raises OSError if nobody reads."""
    raw = ascii_json.to_ascii(message)
    pipe.write(_LENGTH.pack(len(raw)) + raw)
    pipe.flush()


def read_frame(pipe: IO[bytes]) -> bytes | None:
    """The bytes of one frame; None at the end, also in the middle of a frame."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    raw = pipe.read(length)
    return raw if len(raw) == length else None


def list_key_references(endpoint: Endpoint) -> list[KeyRef]:
    """Every key reference of an endpoint."""
    values = (endpoint.key, *list_extra_values(*endpoint.extras))
    return [value for value in values if isinstance(value, KeyRef) and value.kind != "none"]


def resolve_secrets(endpoints: Sequence[Endpoint]) -> dict[str, str]:
    """The keys that can be had now. One that cannot is left to the process, whose rows will say why."""
    found: dict[str, str] = {}
    for reference in {str(ref): ref for endpoint in endpoints for ref in list_key_references(endpoint)}.values():
        try:
            secret = reference.resolve()
        except SecretError:
            continue
        if secret is not None:
            found[str(reference)] = secret.reveal()
    return found


def insert_secrets(endpoint: Endpoint, secrets: Mapping[str, str]) -> Endpoint:
    """The endpoint with its keys in this process's memory."""

    def kept(value: str | KeyRef) -> str | KeyRef:
        known = isinstance(value, KeyRef) and str(value) in secrets
        return KeyRef.session(secrets[str(value)]) if known else value

    key = kept(endpoint.key)
    assert isinstance(key, KeyRef)
    return msgspec.structs.replace(
        endpoint,
        key=key,
        headers={name: kept(value) for name, value in endpoint.headers.items()},
        query={name: kept(value) for name, value in endpoint.query.items()},
        models=[
            msgspec.structs.replace(model, headers={name: kept(value) for name, value in model.headers.items()})
            for model in endpoint.models
        ],
    )
