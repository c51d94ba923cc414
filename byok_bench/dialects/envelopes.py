"""Answers that say in a form of their own that they failed: no `error` member, and often status 200.

Cloudflare's `success: false`, MiniMax's `base_resp`, Baidu's `error_code`, Tencent's `Response.Error`, and gateways
that answer `{"code": 402, "message": …}`. One that also holds an answer is an answer.
"""

from collections.abc import Mapping
from typing import Any, Final

from byok_bench.dialects.numbers import is_integer, status_number

_ANSWERS: Final = ("choices", "output", "content", "candidates")
_MESSAGES: Final = ("message", "msg", "error_msg", "errorMessage", "errors")
_STATUSES: Final = ("code", "status", "statusCode", "status_code")
_GOOD_CODES: Final = (0, 200)


def is_failed(root: Mapping[str, Any]) -> bool:
    """Whether an object without an `error` member says that it failed."""
    if any(root.get(member) for member in _ANSWERS) or root.get("object") not in (None, "", "error"):
        return False
    if inner_error(root):
        return True
    if not any(root.get(member) for member in _MESSAGES):
        return False
    return root.get("success") is False or _has_failed_code(root)


def inner_error(root: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The object inside an envelope that tells the error: `base_resp`, `Response.Error`, `ErrorMsg`."""
    told = root.get("base_resp")
    if isinstance(told, Mapping) and is_integer(told.get("status_code")) and told["status_code"] != 0:
        return told
    response = root.get("Response")
    for inner in (response.get("Error") if isinstance(response, Mapping) else None, root.get("ErrorMsg")):
        if isinstance(inner, Mapping) and inner:
            return inner
    return None


def vendor_codes(layer: Mapping[str, Any], root: Mapping[str, Any]) -> list[str]:
    """Numbers that mean something under their member's name alone: `base_resp/1008`, `error_code/17`."""
    found = [f"error_code/{layer['error_code']}"] if is_integer(layer.get("error_code")) else []
    if layer is root.get("base_resp") and is_integer(layer.get("status_code")):
        found.append(f"base_resp/{layer['status_code']}")
    return found


def _has_failed_code(root: Mapping[str, Any]) -> bool:
    if any(status_number(root.get(member)) is not None for member in _STATUSES):
        return True
    if root.get("status") in ("error", "failed", "failure"):
        return True
    code = root.get("error_code")
    if (is_integer(code) and code != 0) or (isinstance(code, str) and code.strip()):
        return True
    is_empty = "data" in root and root["data"] is None
    return is_empty and is_integer(root.get("code")) and root["code"] not in _GOOD_CODES
