"""A key-value store in memory, with transactions: what was set since `begin` holds from `commit` on."""

from collections.abc import Mapping
from typing import Any, Final

from byok_bench.scenarios.environments.environment import LARGEST_TEXT
from byok_bench.scenarios.environments.files import read_text
from byok_bench.scenarios.tools import Tool, build_object_schema, to_result_text

MOST_KEYS: Final = 1_000
_KEY: Final = {"type": "string", "description": "The key"}
_PENDING: Final = "#transaction"
"""Key of the state under which an open transaction keeps its values; no caller can set it."""


class Store:
    """The values of one sample. `state` is what was committed, and beside it the values of an open transaction."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.state: dict[str, Any] = dict(values)

    def list_tools(self) -> list[Tool]:
        """get, set, delete, list; begin, commit, roll back."""
        value = {"description": "Any JSON value"}
        plain = build_object_schema()
        return [
            Tool(
                name="get_value",
                description="Get the value of a key",
                parameters=build_object_schema(key=_KEY),
                answer=self._get,
            ),
            Tool(
                name="set_value",
                description="Set the value of a key",
                parameters=build_object_schema(key=_KEY, value=value),
                answer=self._set,
            ),
            Tool(
                name="delete_value",
                description="Delete a key",
                parameters=build_object_schema(key=_KEY),
                answer=self._delete,
            ),
            Tool(name="list_keys", description="List all keys", parameters=plain, answer=self._list),
            Tool(name="begin_transaction", description="Begin a transaction", parameters=plain, answer=self._begin),
            Tool(
                name="commit_transaction",
                description="Make the changes of the transaction hold",
                parameters=plain,
                answer=self._commit,
            ),
            Tool(
                name="roll_back_transaction",
                description="Drop the changes of the transaction",
                parameters=plain,
                answer=self._roll_back,
            ),
        ]

    @property
    def _values(self) -> dict[str, Any]:
        """What is read and changed now."""
        values: dict[str, Any] = self.state.get(_PENDING, self.state)
        return values

    def _get(self, values: Mapping[str, Any]) -> Any:
        key = read_text(values, "key")
        return {"value": self._values[key]} if key in self._values and key != _PENDING else {"error": f"no key {key!r}"}

    def _set(self, values: Mapping[str, Any]) -> Any:
        key, value = read_text(values, "key"), values["value"]
        if key == _PENDING or len(to_result_text(value)) > LARGEST_TEXT or len(self._values) >= MOST_KEYS:
            return {"error": f"{key!r} cannot be set"}
        self._values[key] = value
        return {"set": key}

    def _delete(self, values: Mapping[str, Any]) -> Any:
        key = read_text(values, "key")
        if key == _PENDING or key not in self._values:
            return {"error": f"no key {key!r}"}
        del self._values[key]
        return {"deleted": key}

    def _list(self, values: Mapping[str, Any]) -> Any:
        return {"keys": sorted(self._values)}

    def _begin(self, values: Mapping[str, Any]) -> Any:
        if _PENDING in self.state:
            return {"error": "a transaction is open already"}
        self.state[_PENDING] = dict(self.state)
        return {"transaction": "open"}

    def _commit(self, values: Mapping[str, Any]) -> Any:
        if _PENDING not in self.state:
            return {"error": "no transaction is open"}
        self.state = self.state[_PENDING]
        return {"transaction": "committed"}

    def _roll_back(self, values: Mapping[str, Any]) -> Any:
        if self.state.pop(_PENDING, None) is None:
            return {"error": "no transaction is open"}
        return {"transaction": "rolled back"}
