"""TLS on top of a link: contexts, and the pump between ciphertext and plaintext.

The pump is `ssl.SSLObject` over memory buffers, so that plaintext carries the stamp of the read that brought
its last byte of ciphertext. Nothing is taken from the environment: the roots are those that httpx ships with,
or the file that the endpoint names.
"""

import contextlib
import functools
import ssl
from collections.abc import Callable

import httpx

from byok_bench.wire.client_certificates import ClientCertificate, load_certificate
from byok_bench.wire.connections.socket_links import Link
from byok_bench.wire.connections.tls_failures import make_ca_file_failure, make_certificate_failure
from byok_bench.wire.egress.guard import NotConnected

RECORD_BYTES = 16_384


@functools.lru_cache(maxsize=16)
def get_tls_context(
    verify: bool, ca_file: str | None, client_certificate: ClientCertificate | None = None
) -> ssl.SSLContext:
    """A context for our own sessions, which speak HTTP/1.1. Raises NotConnected."""
    context = make_tls_context(verify, ca_file, client_certificate)
    context.set_alpn_protocols(["http/1.1"])
    return context


def make_tls_context(
    verify: bool, ca_file: str | None, client_certificate: ClientCertificate | None = None
) -> ssl.SSLContext:
    """A client context of its own. Raises NotConnected if one of its files cannot be used."""
    context = _make_trusting_context(verify, ca_file)
    if client_certificate is not None and (problem := load_certificate(context, client_certificate)):
        raise NotConnected(make_certificate_failure(problem))
    return context


def _make_trusting_context(verify: bool, ca_file: str | None) -> ssl.SSLContext:
    if ca_file is None or not verify:
        return httpx.create_ssl_context(verify=verify, trust_env=False)
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError):
        raise NotConnected(make_ca_file_failure()) from None


def find_ca_problem(ca_file: str) -> str:
    """Why certificates cannot be checked by this file; empty if they can."""
    try:
        make_tls_context(verify=True, ca_file=ca_file)
    except NotConnected as refused:
        return refused.reason.message
    return ""


class TlsPump:
    """One TLS session between a link and whoever reads plaintext."""

    def __init__(self, link: Link, context: ssl.SSLContext, host: str) -> None:
        self.on_bytes: Callable[[int, bytes], None] = link.on_bytes
        self._link = link
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._session = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self.over = False
        """The peer ended the session, or broke it."""
        self.error: ssl.SSLError | None = None
        """What was wrong, if it was broken."""

    def step_handshake(self, data: bytes = b"") -> bool:
        """Go on with the handshake; True when it is complete. Raises ssl.SSLError."""
        if data:
            self._incoming.write(data)
        try:
            self._session.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            self._flush()
        return True

    @property
    def protocol(self) -> str | None:
        """What was agreed on for the session (ALPN, RFC 7301); None if the server named none."""
        return self._session.selected_alpn_protocol()

    def decrypt_read(self, t_ns: int, data: bytes) -> None:
        """Decrypt one read and hand on what it completed; sets `over` at the end of the session."""
        incoming, session = self._incoming, self._session
        incoming.write(data)
        parts: list[bytes] = []
        try:
            while incoming.pending or session.pending():
                part = session.read(RECORD_BYTES)
                if not part:
                    self.over = True
                    break
                parts.append(part)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.over = True
        except ssl.SSLError as error:
            self.over, self.error = True, error
        if self._outgoing.pending:
            self._flush()
        if parts:
            self.on_bytes(t_ns, parts[0] if len(parts) == 1 else b"".join(parts))

    def write(self, data: bytes) -> None:
        """Encrypt and send."""
        self._session.write(data)
        self._flush()

    def write_close_notify(self) -> None:
        """Send close_notify if the session still can."""
        # It would wait for the peer's own, or failed before: the socket is closed either way.
        with contextlib.suppress(ssl.SSLError, ValueError):
            self._session.unwrap()
        self._flush()

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            self._link.write(data)
