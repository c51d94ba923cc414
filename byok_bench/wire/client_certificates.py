"""Client certificates (mutual TLS): a pair of PEM files, and what keeps it from being used."""

import ssl
from typing import NamedTuple

_SAID = "is no certificate in PEM form with the private key that belongs to it"


class ClientCertificate(NamedTuple):
    """Where the certificate and its key are."""

    cert_file: str
    key_file: str | None
    """None: the key stands in the certificate's file."""


def load_certificate(context: ssl.SSLContext, pair: ClientCertificate) -> str:
    """Show this certificate in sessions of `context`; why that cannot be, empty if it can."""
    try:
        # A key with a passphrase would have OpenSSL ask for it at the terminal.
        context.load_cert_chain(pair.cert_file, pair.key_file, password=_refuse_passphrase)
    except _EncryptedKey:
        return "the client certificate's private key has a passphrase: give a key file without one"
    except FileNotFoundError:
        return "the client certificate's file, or its key's, is not there: mend cert_file and key_file"
    except (OSError, ssl.SSLError, ValueError):
        return f"what the client certificate's files hold {_SAID}: mend cert_file and key_file"
    return ""


def find_certificate_problem(pair: ClientCertificate) -> str:
    """Why the pair cannot be used, and what to change; empty if it can."""
    return load_certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), pair)


class _EncryptedKey(Exception):
    """The key file asks for a passphrase."""


def _refuse_passphrase() -> str:
    raise _EncryptedKey
