"""`byok-bench judge`: exit codes, streams, policy files."""

import json
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from byok_bench.cli.judge import add_command
from byok_bench.endpoints.workspace import read_workspace


def call(*arguments: str) -> Result:
    """One call of a command line that has this command alone."""
    app = typer.Typer()
    app.callback()(lambda: None)
    add_command(app)
    return CliRunner().invoke(app, ["judge", *arguments])


def test_an_allowed_url_is_printed_normalised() -> None:
    """Exit code 0, the base URL on stdout, the rest on stderr."""
    result = call("HTTP://LOCALHOST:8080/v1/models")
    assert (result.exit_code, result.stdout) == (0, "http://localhost:8080/v1\n")
    assert "127.0.0.1, ::1" in result.stderr
    assert "route_stripped" in result.stderr


def test_a_blocked_url_says_why() -> None:
    """Exit code 1, nothing on stdout, reason and advice on stderr."""
    result = call("http://127.0.0.1:8080", "--profile", "shared")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("block (insecure_http): ")


def test_json_is_the_verdict() -> None:
    """With --json stdout is one document with every member of the verdict."""
    result = call("http://127.0.0.1:8080/v1", "--json")
    document = json.loads(result.stdout)
    assert document.pop("message")
    assert document == {
        "action": "allow",
        "reason": "ok",
        "addresses": ["127.0.0.1"],
        "base_url": "http://127.0.0.1:8080/v1",
        "host": "127.0.0.1",
        "port": 8080,
        "notes": [],
    }


def test_a_credential_in_the_url_is_not_repeated() -> None:
    """Neither stream shows userinfo or query values."""
    for url in ("https://me:s3cr3t-value@example.com/v1", "https://example.com/v1?key=s3cr3t-value"):
        result = call(url, "--json")
        assert result.exit_code == 1
        assert "s3cr3t" not in result.stdout + result.stderr


@pytest.mark.parametrize("text", ['deny_hosts = ["127.0.0.1"]', '[egress]\ndeny_hosts = ["127.0.0.1"]'])
def test_a_policy_file_has_its_lists_at_the_top_or_in_a_table(tmp_path: Path, text: str) -> None:
    """Both forms of file deny the host; the older one is told that a workspace's policy is no longer written so."""
    path = tmp_path / "policy.toml"
    path.write_text(text)
    result = call("http://127.0.0.1:8080", "--policy", str(path))
    assert result.exit_code == 1
    assert "host_denied" in result.stderr
    assert ("into a table [egress]" in result.stderr) == ("[egress]" not in text)


def test_the_policy_of_a_workspace_is_judged_whole(tmp_path: Path) -> None:
    """Its profile counts, which no option loosens, and a name that is none is wrong usage."""
    path = tmp_path / "policy.toml"
    path.write_text('profile = "shared"\n[egress]\nallow_cidrs = ["10.0.0.0/8"]\n')
    result = call("http://127.0.0.1:8080", "--policy", str(path))
    assert (result.exit_code, "insecure_http" in result.stderr) == (1, True)
    path.write_text('profil = "shared"\n[egress]\n')
    assert call("http://127.0.0.1:8080", "--policy", str(path)).exit_code == 2


def test_the_example_of_the_docs_is_a_policy_everywhere(tmp_path: Path) -> None:
    """What docs/egress.md shows works for --policy and as the policy of a workspace."""
    text = (Path(__file__).parents[3] / "docs" / "egress.md").read_text()
    path = tmp_path / "policy.toml"
    path.write_text(text.split("```toml\n")[1].split("```")[0])
    result = call("https://llm.corp/v1", "--policy", str(path))
    assert "bad_policy" not in result.stderr
    assert read_workspace(path).policy is not None


@pytest.mark.parametrize("text", ["deny_hosts = [", 'deny_host = ["127.0.0.1"]', "egress = 1"])
def test_a_policy_that_cannot_be_used_is_wrong_usage(tmp_path: Path, text: str) -> None:
    """Broken TOML, an unknown key and no table at all: exit code 2."""
    path = tmp_path / "policy.toml"
    path.write_text(text)
    assert call("http://127.0.0.1:8080", "--policy", str(path)).exit_code == 2


def test_wrong_arguments_are_wrong_usage(tmp_path: Path) -> None:
    """A missing file, a folder, an unknown profile and a missing URL: exit code 2."""
    url = "http://127.0.0.1:8080"
    assert call(url, "--policy", str(tmp_path / "missing.toml")).exit_code == 2
    assert call(url, "--policy", str(tmp_path)).exit_code == 2
    assert call(url, "--profile", "public").exit_code == 2
    assert call().exit_code == 2
