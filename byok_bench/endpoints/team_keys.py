"""For which address a member's key of a team endpoint is confirmed: a small file of the member's own, beside the book.

A team's file says where each member's key comes from, and somebody else writes it: an address that changes there
must not take the key along. The address seen first counts as confirmed; a later one asks. No key is in the file.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import tomlkit

from byok_bench.endpoints.atomic_files import lock_file, write_atomically
from byok_bench.errors import BookError

TEAM_KEYS_NAME: Final = "team_keys.toml"
_HEAD: Final = "# Written by byok-bench: the address that your key for a team's endpoint may go to."


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: int = 1
    confirmed: dict[str, str] = {}


def read_origins(path: Path) -> Mapping[str, str]:
    """`config_key` of each team endpoint → the `scheme://host:port` that its key may go to.

    Raises BookError for a file that cannot be read: then no team endpoint may be used.
    """
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8-sig")), _File).confirmed
    except FileNotFoundError:
        return {}
    except OSError as error:
        problem = f"{path} cannot be read: {error.strerror}"
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        problem = f"{path}: {error}. It says where keys of team endpoints may go; mend it or remove it"
    raise BookError(problem, code="book_broken")


def confirm_origins(path: Path, origins: Mapping[str, str]) -> None:
    """Add to what is confirmed, or change it. Raises BookError if the file cannot be written."""
    with lock_file(path):
        known = read_origins(path)
        document = tomlkit.dumps({"version": 1, "confirmed": {**known, **origins}})
        write_atomically(path, f"{_HEAD}\n{document}")
