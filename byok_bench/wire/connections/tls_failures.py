"""What is wrong with a server's TLS, as a failure: by OpenSSL's verify code or reason, with what to do about it.

None of them passes by itself, so none is worth a retry. Codes of X509_verify: openssl/openssl
include/openssl/x509_vfy.h.in; reasons are the alerts of RFC 8446 section 6 as OpenSSL names them.
"""

import ssl
from typing import Final

from byok_bench.wire.failures import Failure, make_failure

PRIVATE: Final = "A private authority's certificate can be set as the endpoint's CA file"
_AUTHORITY: Final = (
    "certificate_unknown_authority",
    f"is not trusted, since its authority is not known here: {{said}}. {PRIVATE}",
)
_OTHER_NAME: Final = (
    "certificate_other_name",
    "is not trusted, since it is for another name: {said}. Call the server by a name that it is for",
)
_UNTRUSTED: Final = ("certificate_untrusted", f"is not trusted: {{said}}. {PRIVATE}")
_VERIFY: Final = {
    9: (
        "certificate_not_yet_valid",
        "is not trusted: {said}. Set this machine's clock, or have the certificate made anew",
    ),
    10: (
        "certificate_expired",
        "is not trusted: {said}. Its operator has to renew it, or this machine's clock is wrong",
    ),
    18: _AUTHORITY,
    19: _AUTHORITY,
    20: _AUTHORITY,
    21: _AUTHORITY,
    62: _OTHER_NAME,
    64: _OTHER_NAME,
}
"""X509_V_ERR_… → code, and what is said behind "the certificate of HOST"."""

_WANTS_CERTIFICATE: Final = (
    "client_certificate",
    "the server wants a client certificate: set the endpoint's cert_file and key_file",
)
_NO_TLS: Final = (
    "no_tls",
    "what answers there is no TLS; does it speak plain http? Then the base URL begins with http://",
)
_REASONS: Final = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": _WANTS_CERTIFICATE,
    "SSLV3_ALERT_NO_CERTIFICATE": _WANTS_CERTIFICATE,
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "HTTP_REQUEST": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "PACKET_LENGTH_TOO_LONG": _NO_TLS,
    "TLSV1_ALERT_NO_APPLICATION_PROTOCOL": (
        "http2_only",
        "the server takes no HTTP/1.1 (ALPN), so it may speak HTTP/2 alone: set the transport to http2",
    ),
    "SSLV3_ALERT_HANDSHAKE_FAILURE": (
        "tls",
        "the server refused it: there is no TLS version or cipher in common, or it wants a client certificate",
    ),
    "TLSV1_UNRECOGNIZED_NAME": ("tls", "the server knows no such host name"),
    "TLSV1_ALERT_PROTOCOL_VERSION": ("tls", "the server takes no TLS version that is safe today"),
}
"""OpenSSL's reason → code and words."""


def classify_tls_error(error: ssl.SSLError, host: str) -> Failure:
    """The failure that an error of a TLS session with `host` is."""
    if isinstance(error, ssl.SSLCertVerificationError):
        code, words = _VERIFY.get(error.verify_code, _UNTRUSTED)
        said = words.format(said=(error.verify_message or "").rstrip("."))
        return make_failure("network", "tls", f"the certificate of {host} {said}", code=code, retryable=False)
    reason = error.reason or "unknown"
    code, words = _REASONS.get(reason, ("tls", reason.replace("_", " ").lower()))
    is_cut = isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError) or "UNEXPECTED_EOF" in reason
    message = f"the TLS handshake with {host} failed: {words}"
    return make_failure("network", "tls", message, code=code, retryable=is_cut)


def make_ca_file_failure() -> Failure:
    """The endpoint's CA file cannot be used; nothing was dialled."""
    message = "the endpoint's CA file cannot be read, or holds no certificate in PEM form: mend its path"
    return make_failure("network", "tls", message, code="ca_file", retryable=False)


def make_certificate_failure(problem: str) -> Failure:
    """The endpoint's client certificate cannot be used; nothing was dialled."""
    return make_failure("network", "tls", problem, code="client_certificate", retryable=False)
