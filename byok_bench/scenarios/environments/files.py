"""An in-memory file system: path → text. Nothing outside of it is read or written."""

from collections.abc import Mapping
from typing import Any, Final

from byok_bench.scenarios.environments.environment import LARGEST_TEXT
from byok_bench.scenarios.tools import Tool, build_object_schema

MOST_FILES: Final = 1_000
_PATH: Final = {"type": "string", "description": "Path of the file, such as src/main.py"}
_TEXT: Final = {"type": "string"}


class Files:
    """The files of one sample."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.state: dict[str, Any] = {normalize_path(path): text for path, text in files.items()}

    def list_tools(self) -> list[Tool]:
        """list, read, write, patch, search."""
        folder = {"folder": {"type": "string", "description": "Only files below this folder"}}
        return [
            _make_tool("list_files", "List the paths of the files", self._list, build_object_schema(folder)),
            _make_tool("read_file", "Read a file", self._read, build_object_schema(path=_PATH)),
            _make_tool("write_file", "Write a file, whole", self._write, build_object_schema(path=_PATH, text=_TEXT)),
            _make_tool(
                "patch_file",
                "Replace a text that stands once in a file by another",
                self._patch,
                build_object_schema(path=_PATH, old=_TEXT, new=_TEXT),
            ),
            _make_tool(
                "search_files",
                "Find the lines of all files that hold a text",
                self._search,
                build_object_schema(text=_TEXT),
            ),
        ]

    def _list(self, values: Mapping[str, Any]) -> Any:
        folder = normalize_path(read_text(values, "folder", ""))
        return {"files": [path for path in sorted(self.state) if not folder or path.startswith(f"{folder}/")]}

    def _read(self, values: Mapping[str, Any]) -> Any:
        path = normalize_path(read_text(values, "path"))
        return {"text": self.state[path]} if path in self.state else {"error": f"no such file: {path}"}

    def _write(self, values: Mapping[str, Any]) -> Any:
        path, text = normalize_path(read_text(values, "path")), read_text(values, "text")
        return write_text(self.state, path, text) or {"written": path, "characters": len(text)}

    def _patch(self, values: Mapping[str, Any]) -> Any:
        path, old, new = normalize_path(read_text(values, "path")), read_text(values, "old"), read_text(values, "new")
        if path not in self.state:
            return {"error": f"no such file: {path}"}
        count = self.state[path].count(old) if old else 0
        if count != 1:
            return {"error": f"the old text stands {count} times in {path}, not once"}
        return write_text(self.state, path, self.state[path].replace(old, new)) or {"patched": path}

    def _search(self, values: Mapping[str, Any]) -> Any:
        wanted = read_text(values, "text")
        found = [
            {"path": path, "line": number, "text": line}
            for path in sorted(self.state)
            for number, line in enumerate(self.state[path].splitlines(), 1)
            if wanted and wanted in line
        ]
        return {"found": found[:50]}


def write_text(files: dict[str, Any], path: str, text: str) -> dict[str, str] | None:
    """Write one file; an error to answer with where it is too large or one too many."""
    if not path:
        return {"error": "no path was given"}
    if len(text) > LARGEST_TEXT or (path not in files and len(files) >= MOST_FILES):
        return {"error": "the disk is full"}
    files[path] = text
    return None


def read_text(values: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """An argument that is a text; KeyError or TypeError if it is not there or none."""
    value = values[name] if default is None else values.get(name, default)
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def normalize_path(path: str) -> str:
    """A path without `./`, a leading `/` and `..`: there is nothing above the root."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _make_tool(name: str, description: str, answer: Any, parameters: dict[str, Any]) -> Tool:
    return Tool(name=name, description=description, parameters=parameters, answer=answer)
