"""judge(): the case tables, and what holds for any input at all."""

import asyncio
import ipaddress
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byok_bench.wire.egress.addresses import HARD_CLASSES, parse_address
from byok_bench.wire.egress.base_urls import URL_REASONS
from byok_bench.wire.egress.policy_lists import Policy, parse_policy
from byok_bench.wire.egress.reasons import NOTES, REASONS
from byok_bench.wire.egress.verdicts import METADATA_HOSTS, NEARBY, SPECIAL_SUFFIXES, Verdict, judge
from tests.support.egress_cases import Case, every_case, failures, load

CASES = every_case()
PAGE = (Path(__file__).parents[3] / "docs" / "egress.md").read_text(encoding="utf-8")
ADDRESS_REASONS = set(load("addresses")["classes"]) - {"global"}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=5,
)
hosts = st.sampled_from(["api.openai.com", "localhost", "127.0.0.1", "[::1]", "bücher.example", "ollama", "8.8.8.8"])
urls = st.text() | st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["https", "http"]),
    hosts | st.text(max_size=20),
    st.sampled_from(["", ":443", ":80"]) | st.text(max_size=8),
    st.sampled_from(["", "/v1"]) | st.text(max_size=20),
)
classified = st.sampled_from(
    [(reason, one) for reason, addresses in load("addresses")["classes"].items() for one in addresses]
)
policies = st.none() | st.dictionaries(
    st.sampled_from(Policy.__struct_fields__) | st.text(max_size=5),
    anything | st.lists(st.sampled_from(["*.example", "10.0.0.0/8", "::/0", "64:ff9b:1::/96", 443]) | anything),
)


@pytest.mark.parametrize("start", range(0, len(CASES), 100))
def test_every_case_of_the_tables_holds(start: int) -> None:
    """Each row of tests/cases/egress gets the verdict that it names."""
    found = {str(case): wrong for case in CASES[start : start + 100] if (wrong := failures(case, judge))}
    assert found == {}


def test_every_reason_has_a_case() -> None:
    """There is no reason code without a case that ends in it, and no case with an unknown one."""
    assert {case.expected["reason"] for case in CASES} == set(REASONS)
    assert len(REASONS) == 38


def test_every_note_has_a_case() -> None:
    """There is no note without a case that shows it, and no case with an unknown one."""
    assert {note for case in CASES for note in case.expected.get("notes", [])} == set(NOTES)


def test_the_tables_of_names_are_those_of_the_cases() -> None:
    """No special-use suffix or metadata name stands in the code without a case."""
    names = load("names")
    assert set(SPECIAL_SUFFIXES) == set(names["special"])
    assert set(METADATA_HOSTS) == set(names["metadata"])


def test_the_groups_of_reasons_are_reasons() -> None:
    """The groups that other modules rely on hold codes that exist."""
    assert URL_REASONS | HARD_CLASSES | set(NEARBY) | ADDRESS_REASONS < set(REASONS)
    assert len(URL_REASONS) == 15
    assert len(ADDRESS_REASONS) == 11


@pytest.mark.parametrize("word", [*REASONS, *NOTES, *Policy.__struct_fields__])
def test_the_page_explains_every_code(word: str) -> None:
    """docs/egress.md names every reason, note and policy key."""
    assert f"`{word}`" in PAGE


@given(urls, st.sampled_from(["local", "shared"]) | anything, anything, policies | anything)
def test_whatever_comes_there_is_a_verdict(url: str, profile: Any, answer: Any, policy: Any) -> None:
    """judge never raises, and allows nothing but judged, canonical addresses in a known profile."""
    verdict = judge(url, profile, lambda host: answer, policy)
    assert verdict.reason in REASONS
    assert set(verdict.notes) <= set(NOTES)
    assert verdict.message
    if verdict.action == "block":
        assert verdict.reason != "ok"
        assert verdict.addresses == []
        assert verdict.base_url is None
    else:
        assert verdict.reason == "ok"
        assert profile in ("local", "shared")
        assert (
            verdict.addresses == list(dict.fromkeys(str(parse_address(address)) for address in verdict.addresses)) != []
        )


@given(urls, st.sampled_from(["local", "shared"]))
def test_an_allowed_url_is_its_own_normal_form(url: str, profile: str) -> None:
    """Judging a normalised base URL again changes nothing but the notes."""
    first = judge(url, profile, lambda host: ["8.8.8.8"])
    if first.base_url is not None:
        again = judge(first.base_url, profile, lambda host: ["8.8.8.8"])
        assert (again.base_url, again.host, again.port) == (first.base_url, first.host, first.port)
        assert set(again.notes) <= {"hint_missing_v1"}


@given(st.lists(st.ip_addresses().map(str), min_size=1), st.sampled_from(["local", "shared"]))
def test_one_bad_address_blocks_the_host(answer: list[str], profile: str) -> None:
    """A host is allowed exactly if each of its addresses alone is."""
    alone = [judge("https://api.openai.com", profile, lambda host, one=one: [one]) for one in answer]
    verdict = judge("https://api.openai.com", profile, lambda host: answer)
    assert verdict.reason == next((one.reason for one in alone if one.action == "block"), "ok")


@given(urls | st.just("https://api.openai.com"), st.lists(st.ip_addresses().map(str), min_size=1, max_size=2))
def test_the_shared_profile_calls_public_addresses_over_https_alone(url: str, answer: list[str]) -> None:
    """Without a policy nothing else is allowed there; Python's own tables are the other opinion."""
    verdict = judge(url, "shared", lambda host: answer)
    if verdict.action == "allow":
        assert verdict.base_url is not None
        assert verdict.base_url.startswith("https://")
        assert verdict.port in (443, 8443)
        assert all(ipaddress.ip_address(address).is_global for address in verdict.addresses)


@given(classified, st.sampled_from(["local", "shared"]))
def test_no_list_lifts_a_hard_address_and_none_beats_a_denial(row: tuple[str, str], profile: str) -> None:
    """With everything allowed a hard class still names itself; with everything denied too, nothing is called."""
    reason, address = row
    allowed = {"allow_cidrs": ["0.0.0.0/0", "::/0"], "allow_hosts": ["api.openai.com"]}
    denied = {**allowed, "deny_cidrs": ["0.0.0.0/0", "::/0"]}
    for policy, otherwise in ((allowed, "ok"), (denied, "address_denied")):
        verdict = judge("https://api.openai.com", profile, lambda host: [address], policy)
        assert verdict.reason == (reason if reason in HARD_CLASSES else otherwise)


@pytest.mark.parametrize(
    "template", ["https://{}@api.openai.com/v1", "https://api.openai.com/v1?api_key={}", "{}:8080"]
)
@pytest.mark.parametrize("prefix", ["", "https://me:", "ftp://", " "])
@given(st.from_regex(r"[a-zA-Z0-9]{12,20}", fullmatch=True))
def test_a_message_repeats_no_credential(template: str, prefix: str, secret: str) -> None:
    """Userinfo, query values and a key pasted in place of the URL are not in the message."""
    verdict = judge(prefix + template.format(secret), "local", lambda host: ["8.8.8.8"])
    assert secret not in verdict.message


@pytest.mark.parametrize("case", [case for case in CASES if isinstance(case.url, str) and "@" in case.url], ids=str)
def test_a_message_repeats_no_userinfo(case: Case) -> None:
    """What stands before an @ in the cases is in no message."""
    verdict = judge(case.url, case.profile, lambda host: ["8.8.8.8"], case.policy)
    userinfo = case.url.partition("//")[2].rpartition("@")[0]
    assert len(userinfo) < 3 or userinfo not in verdict.message


class Hostile(Mapping[str, Any]):
    """A mapping that fails wherever it is touched."""

    def __getitem__(self, key: str) -> Any:
        raise RuntimeError("no")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no")

    def __len__(self) -> int:
        raise RuntimeError("no")


class HostileText(str):
    """A text whose methods fail."""

    __slots__ = ()

    def __len__(self) -> int:
        raise RuntimeError("no")

    def startswith(self, *_: Any) -> bool:
        raise RuntimeError("no")


def test_objects_that_fail_when_touched_are_blocked() -> None:
    """An exception inside becomes the block of the step it happened in."""
    assert judge("https://api.openai.com", "local", None, Hostile()).reason == "bad_policy"
    assert judge(HostileText("https://api.openai.com"), "local").reason == "invalid_url"
    answer = [HostileText("8.8.8.8")]
    assert judge("https://api.openai.com", "local", lambda host: answer).reason in (
        "ok",
        "dns_invalid_answer",
    )


def test_a_fault_in_a_rule_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """If judging addresses itself goes wrong, the answer is no."""

    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("byok_bench.wire.egress.verdicts.locate_address", broken)
    assert judge("http://127.0.0.1:8080", "local").reason == "dns_invalid_answer"


def test_without_a_resolver_the_system_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """None means getaddrinfo, with the normalised host."""
    asked: list[str] = []

    def getaddrinfo(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2606:4700::1", 0, 0, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert judge("https://API.OpenAI.com./v1", "shared").addresses == ["2606:4700::1"]
    assert asked == ["api.openai.com"]


def test_the_words_of_a_failed_lookup_are_the_systems() -> None:
    """A DNS error says why; another resolver's exception, which may hold anything, does not."""

    def unknown(host: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def leaking(host: str) -> list[str]:
        raise RuntimeError("token=0123456789")

    told, silent = (judge("https://api.openai.com", "local", resolver) for resolver in (unknown, leaking))
    assert told.message.startswith("api.openai.com has no address (Name or service not known).")
    assert silent.message.startswith("api.openai.com has no address.")


class FalsyResolver:
    """A resolver that says it is nothing."""

    def __bool__(self) -> bool:
        raise RuntimeError("no")

    def __call__(self, host: str) -> list[str]:
        return ["8.8.8.8"]


def test_only_none_stands_for_the_system() -> None:
    """A resolver is called, whatever its truth value; what cannot be called is a failed lookup."""
    assert judge("https://api.openai.com", "local", FalsyResolver()).addresses == ["8.8.8.8"]
    assert judge("https://api.openai.com", "local", 0).reason == "dns_failed"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fault", [SystemExit, GeneratorExit, asyncio.CancelledError, type("Odd", (BaseException,), {})]
)
def test_whatever_a_resolver_raises_is_a_failed_lookup(fault: type[BaseException]) -> None:
    """Exceptions that `except Exception` would let through do not leave judge either."""

    def failing(host: str) -> list[str]:
        raise fault

    assert judge("https://api.openai.com", "shared", failing).reason == "dns_failed"


def test_interrupting_a_lookup_is_not_a_verdict() -> None:
    """Ctrl-C during DNS stops the program."""

    def interrupted(host: str) -> list[str]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge("https://api.openai.com", "local", interrupted)


def test_a_parsed_policy_is_a_policy() -> None:
    """Parsing once and judging often gives the verdict of the lists."""
    policy = parse_policy({"deny_hosts": ["api.openai.com"]})
    assert judge("https://api.openai.com", "local", None, policy).reason == "host_denied"


def test_a_verdict_is_json() -> None:
    """A verdict survives the way through JSON."""
    verdict = judge("https://api.openai.com/v1", "local", lambda host: ["8.8.8.8"])
    assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict) == verdict


def test_messages_say_what_to_do() -> None:
    """Each message is a filled-in sentence."""
    for case in CASES:
        message = judge(case.url, case.profile, lambda host, dns=case.dns: dns, case.policy).message
        assert re.search(r"[.)]$", message)
        assert not re.search(r"[{}]|None", message)


def test_importing_judge_is_light() -> None:
    """`byok_bench.wire.egress.verdicts` needs no HTTP client, and the IDNA tables only when a name asks for them."""
    code = "import sys, byok_bench.wire.egress.verdicts; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"httpx", "httptools", "idna", "asyncio", "ssl", "pandas", "typer"} & set(done.stdout.split())
