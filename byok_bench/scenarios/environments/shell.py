"""A shell over in-memory files: a few commands, read from a line and carried out here. Nothing is executed.

`a | b`, `> FILE`, `>> FILE` and `&&` are understood; variables, globs (but for `find -name`) and substitutions are
not. Texts are searched and replaced as they stand, never as regular expressions: what a model sends must not keep this
process busy.
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

from byok_bench.scenarios.environments.environment import LARGEST_TEXT
from byok_bench.scenarios.environments.files import normalize_path, read_text, write_text
from byok_bench.scenarios.tools import Tool, build_object_schema

LONGEST_OUTPUT: Final = 20_000
"""Characters; the rest is cut, as many shells for agents do."""


class CommandFailed(Exception):
    """A command says what went wrong; its exit code is beside."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class Shell:
    """The files of one sample, and the commands over them."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.state: dict[str, Any] = {normalize_path(path): text for path, text in files.items()}

    def list_tools(self) -> list[Tool]:
        """One tool: a command line."""
        command = {"type": "string", "description": f"A command line; there are {', '.join(_COMMANDS)}"}
        return [
            Tool(
                name="run_command",
                description="Run a command line in a small shell and get its exit code and output",
                parameters=build_object_schema(command=command),
                answer=self._run,
            )
        ]

    def _run(self, values: Mapping[str, Any]) -> Any:
        output = ""
        try:
            for words in _split_at(_read_words(read_text(values, "command")), "&&"):
                output += self._run_pipeline(words)
        except CommandFailed as error:
            return {"exit_code": error.code, "output": f"{output}{error}\n"[:LONGEST_OUTPUT]}
        return {"exit_code": 0, "output": output[:LONGEST_OUTPUT]}

    def _run_pipeline(self, words: Sequence[str]) -> str:
        passed = ""
        for part in _split_at(words, "|"):
            name, *arguments = part or [""]
            target = _take_redirection(arguments)
            command = _COMMANDS.get(name)
            if command is None:
                raise CommandFailed(f"{name}: command not found", 127)
            passed = command(self.state, arguments, passed)
            if target is not None:
                before = self.state.get(target.path, "") if target.appends else ""
                if problem := write_text(self.state, target.path, f"{before}{passed}"):
                    raise CommandFailed(problem["error"])
                passed = ""
        return passed


class Redirection(NamedTuple):
    """Where the output of a command goes."""

    path: str
    appends: bool


def _read_words(line: str) -> list[str]:
    reader = shlex.shlex(line, posix=True, punctuation_chars="|>&;")
    reader.whitespace_split = True
    reader.commenters = ""
    try:
        return list(reader)
    except ValueError as error:
        raise CommandFailed(f"syntax error: {error}", 2) from None


def _split_at(words: Sequence[str], mark: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == mark:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _take_redirection(arguments: list[str]) -> Redirection | None:
    """The redirection at the end of a command, taken off its arguments."""
    if len(arguments) < 2 or arguments[-2] not in (">", ">>"):
        return None
    mark, path = arguments[-2:]
    del arguments[-2:]
    return Redirection(normalize_path(path), mark == ">>")


def _read_files(files: Mapping[str, str], paths: Sequence[str], passed: str) -> list[tuple[str, str]]:
    """(path, text) of each named file; what a pipe brought if none is named."""
    if not paths:
        return [("", passed)]
    found = []
    for path in map(normalize_path, paths):
        if path not in files:
            raise CommandFailed(f"{path}: No such file or directory")
        found.append((path, files[path]))
    return found


def _split_options(arguments: Sequence[str]) -> tuple[set[str], list[str]]:
    """Letters of the options, and the rest."""
    options = {letter for word in arguments if word.startswith("-") and len(word) > 1 for letter in word[1:]}
    return options, [word for word in arguments if not (word.startswith("-") and len(word) > 1)]


def _is_inside(path: str, folder: str) -> bool:
    """Whether a file stands below a folder; the root is the empty text."""
    return not folder or path.startswith(f"{folder}/")


def _list_folder(files: dict[str, Any], arguments: Sequence[str], passed: str) -> str:
    _, paths = _split_options(arguments)
    folder = normalize_path(paths[0]) if paths else ""
    if folder in files:
        return f"{folder}\n"
    inside = [path.removeprefix(f"{folder}/") for path in files if _is_inside(path, folder)]
    names = sorted({path.split("/")[0] + ("/" if "/" in path else "") for path in inside if path})
    if not names and folder:
        raise CommandFailed(f"ls: {folder}: No such file or directory", 2)
    return "".join(f"{name}\n" for name in names)


def _show_files(files: dict[str, Any], arguments: Sequence[str], passed: str) -> str:
    return "".join(text for _, text in _read_files(files, arguments, passed))


def _search_lines(files: dict[str, Any], arguments: Sequence[str], passed: str) -> str:
    options, words = _split_options(arguments)
    if not words:
        raise CommandFailed("usage: grep [-r] [-n] [-l] [-i] TEXT [FILE]…", 2)
    wanted, *paths = words
    if "r" in options:
        folder = normalize_path(paths[0]) if paths else ""
        paths = [path for path in sorted(files) if path == folder or _is_inside(path, folder)]
    read = _read_files(files, paths, passed) if paths or "r" not in options else []
    lines = []
    for path, text in read:
        for number, line in enumerate(text.splitlines(), 1):
            held = wanted.casefold() in line.casefold() if "i" in options else wanted in line
            if held:
                place = f"{path}:" if len(read) > 1 or "r" in options else ""
                lines.append(path if "l" in options else f"{place}{f'{number}:' if 'n' in options else ''}{line}")
    if not lines:
        raise CommandFailed("")
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def _make_cut(from_end: bool) -> "Command":
    def cut_lines(files: dict[str, Any], arguments: Sequence[str], passed: str) -> str:
        words = [word for word in arguments if word != "-n"]
        count = 10
        if words and words[0].lstrip("-").isdecimal():
            count = int(words.pop(0).lstrip("-")[:6])
        lines = "".join(text for _, text in _read_files(files, words, passed)).splitlines(keepends=True)
        kept = lines[-count:] if from_end and count else lines[:count]
        return "".join(kept)

    return cut_lines


def _count_lines(files: dict[str, Any], arguments: Sequence[str], passed: str) -> str:
    _, paths = _split_options(arguments)
    return "".join(
        f"{len(text.splitlines())}{f' {path}' if path else ''}\n" for path, text in _read_files(files, paths, passed)
    )


def _find_paths(files: dict[str, Any], arguments: Sequence[str], passed: str) -> str:
    words = [word for word in arguments if word not in ("-type", "f")]
    wanted = words[words.index("-name") + 1] if "-name" in words[:-1] else "*"
    folder = normalize_path(words[0]) if words and not words[0].startswith("-") else ""
    inside = [path for path in sorted(files) if path == folder or _is_inside(path, folder)]
    if not inside and folder:
        raise CommandFailed(f"find: {folder}: No such file or directory")
    return "".join(f"{path}\n" for path in inside if fnmatchcase(path.split("/")[-1], wanted))


def _say(files: dict[str, Any], arguments: Sequence[str], passed: str) -> str:
    words = list(arguments)
    end = "\n"
    if words and words[0] == "-n":
        end, words = "", words[1:]
    return f"{' '.join(words)}{end}"


def _replace_text(files: dict[str, Any], arguments: Sequence[str], passed: str) -> str:
    options, words = _split_options(arguments)
    rule = words[0].split("/") if words else []
    if len(rule) != 4 or rule[0] != "s" or "i" not in options:
        raise CommandFailed("usage: sed -i s/OLD/NEW/[g] FILE…", 2)
    _, old, new, flags = rule
    for path, text in _read_files(files, words[1:], passed):
        if not old or len(text) + text.count(old) * len(new) > LARGEST_TEXT:
            raise CommandFailed("sed: nothing to replace, or too much of it")
        lines = text.splitlines(keepends=True)
        files[path] = "".join(line.replace(old, new, -1 if "g" in flags else 1) for line in lines)
    return ""


def _move_file(files: dict[str, Any], arguments: Sequence[str], passed: str) -> str:
    _copy_file(files, arguments, passed)
    old, new = normalize_path(arguments[0]), _find_target(files, *arguments)
    if old != new:
        del files[old]
    return ""


def _copy_file(files: dict[str, Any], arguments: Sequence[str], passed: str) -> str:
    if len(arguments) != 2:
        raise CommandFailed("usage: cp OLD NEW, mv OLD NEW", 2)
    [(_, text)] = _read_files(files, arguments[:1], passed)
    if problem := write_text(files, _find_target(files, *arguments), text):
        raise CommandFailed(problem["error"])
    return ""


def _find_target(files: Mapping[str, str], old: str, new: str) -> str:
    """Where a file goes: into a folder under its own name, if a folder is what is named."""
    path = normalize_path(new)
    is_folder = not path or new.endswith("/") or any(_is_inside(one, path) for one in files)
    return normalize_path(f"{path}/{normalize_path(old).split('/')[-1]}") if is_folder else path


def _remove_files(files: dict[str, Any], arguments: Sequence[str], passed: str) -> str:
    options, paths = _split_options(arguments)
    for path in map(normalize_path, paths):
        below = [one for one in files if _is_inside(one, path)] if "r" in options and path else []
        if path not in files and not below and "f" not in options:
            raise CommandFailed(f"rm: {path}: No such file or directory")
        for one in (path, *below):
            files.pop(one, None)
    return ""


Command = Callable[[dict[str, Any], Sequence[str], str], str]
"""(files, arguments, what a pipe brought) → output; raises CommandFailed."""

_COMMANDS: Final[Mapping[str, Command]] = {
    "ls": _list_folder,
    "cat": _show_files,
    "grep": _search_lines,
    "head": _make_cut(from_end=False),
    "tail": _make_cut(from_end=True),
    "wc": _count_lines,
    "find": _find_paths,
    "echo": _say,
    "sed": _replace_text,
    "mv": _move_file,
    "cp": _copy_file,
    "rm": _remove_files,
}
