"""Proxies: a setting of their own. What the environment says of them is not read, and that is said once."""

import functools
import logging
import os
from typing import Final

VARIABLES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
"""In capital or small letters."""


@functools.cache
def mention_ignored() -> None:
    """Log, once a process, which proxy variables are set and ignored. Names only: values can hold passwords."""
    found = [name for name in os.environ if name.upper() in VARIABLES]
    if found:
        logging.getLogger("byok_bench").warning(
            "%s: not read. A proxy is a setting of the endpoint.", ", ".join(sorted(found))
        )
