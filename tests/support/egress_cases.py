"""The case tables of tests/cases/egress as one list: what is asked, and what the verdict must say.

A case is judged by `failures(case, judge)`, which lists every difference; so the same cases serve the tests and
the mutation check.
"""

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CASES = Path(__file__).parent.parent / "cases" / "egress"
HARD = {"metadata_address", "link_local_address", "unspecified_address", "multicast_address"}
NEARBY = {"loopback_address", "private_address", "shared_nat_address"}
PUBLIC = "93.184.215.14"


@dataclass(frozen=True)
class Case:
    """One question and the asserted members of its verdict."""

    name: str
    url: Any
    profile: Any
    policy: Any
    dns: Any
    """The resolver's answer; `raises`; None where it must not be asked."""
    dns_host: str | None
    expected: dict[str, Any]
    says: str = ""

    def __str__(self) -> str:
        return self.name


def load(name: str) -> Any:
    """One table of cases."""
    return tomllib.loads((CASES / f"{name}.toml").read_text(encoding="utf-8"))


def every_case() -> list[Case]:
    """All tables, unfolded."""
    return [case for table in TABLES for case in cases_of(table)]


def cases_of(table: str) -> Iterator[Case]:
    """One table, unfolded."""
    return TABLES[table]()


def failures(case: Case, judge: Callable[..., Any]) -> list[str]:
    """What is wrong with the verdict of one case; empty if nothing is."""
    asked: list[str] = []

    def resolver(host: str) -> Any:
        asked.append(host)
        if case.dns == "raises":
            raise OSError("no such name")
        return case.dns

    try:
        verdict = judge(case.url, case.profile, resolver, case.policy)
    except Exception as error:  # noqa: BLE001 - that it never raises is what every case asserts too
        return [f"it raised {error!r}"]
    found = [
        f"{name} is {got!r}, not {value!r}"
        for name, value in case.expected.items()
        if (got := getattr(verdict, name, "absent")) != value
    ]
    if len(asked) > (case.dns is not None):
        found.append(f"the resolver was asked for {asked}")
    if case.dns_host is not None and asked != [case.dns_host]:
        found.append(f"the resolver was asked for {asked}, not for {case.dns_host}")
    if case.says and case.says not in verdict.message:
        found.append(f"the message does not say {case.says!r}")
    return found


def _case(name: str, url: Any, profile: Any = "local", *, policy: Any = None, dns: Any = None, **expected: Any) -> Case:
    dns_host, says = expected.pop("dns_host", None), expected.pop("says", "")
    reason = expected.setdefault("reason", "ok")
    expected["action"] = "allow" if reason == "ok" else "block"
    if reason != "ok":
        expected |= {"addresses": [], "base_url": None}
    return Case(f"{name} [{profile}]", url, profile, policy, dns, dns_host, expected, says)


def _decisions() -> Iterator[Case]:
    for row in load("decisions")["case"]:
        absent = {"host": "none", "port": 0}
        row = {key: None if absent.get(key) == value else value for key, value in row.items()}
        yield _case(row.pop("why"), row.pop("url"), row.pop("profile", "local"), **row)


def _names() -> Iterator[Case]:
    names = load("names")
    for suffix in names["special"]:
        for name in (suffix, f"box.{suffix}", f"a.b.{suffix.upper()}."):
            yield _case(name, f"https://{name}", "shared", reason="reserved_name")
            yield _case(f"not{name}x.com", f"https://not{suffix}x.com", "shared", dns=[PUBLIC])
        if suffix != "localhost":
            yield _case(suffix, f"https://box.{suffix}", dns=["10.0.0.1"], addresses=["10.0.0.1"])
    for name in names["metadata"]:
        for profile in ("local", "shared"):
            yield _case(name, f"https://{name}", profile, reason="metadata_host", host=name, port=443)


def _policies() -> Iterator[Case]:
    tables = load("policies")
    for policy in tables["bad"]:
        yield _case(f"{policy}", "https://api.openai.com", policy=policy, reason="bad_policy", host=None, port=None)
    for policy in tables["good"]:
        yield _case(f"{policy}", "https://api.openai.com", policy=policy, dns=[PUBLIC], addresses=[PUBLIC])


def _urls() -> Iterator[Case]:
    tables = load("urls")
    for profile in ("local", "shared"):
        for table in tables["refused"]:
            expected = {"host": None, "port": None, "notes": []} | table
            urls = expected.pop("urls")
            if expected["host"] == "*":
                del expected["host"]
            if expected["reason"] == "invalid_host" and "notes" not in table:
                del expected["notes"]
            for url in urls:
                yield _case(f"{url!r}", url, profile, **expected)
        for table in tables["read"]:
            expected = {"notes": []} | table
            same = expected.pop("same", False)
            for url in expected.pop("urls"):
                base = url if same else expected["base_url"]
                yield _case(f"{url!r}", url, profile, dns=[PUBLIC], **expected | {"base_url": base})
        longest = "https://example.com/" + 2028 * "a"
        yield _case("2048 characters", longest, profile, dns=[PUBLIC], base_url=longest)
        yield _case("2048 characters and edges", f" {longest} ", profile, dns=[PUBLIC], base_url=longest)
        yield _case("2049 characters", longest + "a", profile, reason="url_too_long", host=None)
        yield _case("2049 bad characters", 2049 * "\x00", profile, reason="url_too_long", host=None)
        name = ".".join([63 * "a", 63 * "b", 63 * "c", 61 * "d"])
        yield _case("253 characters", f"https://{name}.", profile, dns=[PUBLIC], host=name)
        yield _case("254 characters", f"https://{name}d", profile, reason="invalid_host", host=None)
        yield _case("a surrogate", "https://example.com/\ud800", profile, reason="invalid_character")
        for url in (None, 1, b"https://example.com", ["https://example.com"], {}):
            yield _case(f"{url!r}", url, profile, reason="invalid_url", host=None, port=None)


def _addresses() -> Iterator[Case]:
    classes = load("addresses")["classes"]
    rows = [(reason, address) for reason, addresses in classes.items() for address in addresses]
    for profile in ("shared", "local"):
        for reason, address in rows:
            expected = _address_reason(reason, address, profile, literal=False)
            yield _case(f"{address} by name", "https://api.openai.com", profile, dns=[address], reason=expected)
        for reason, address in rows:
            url = f"https://[{address}]" if ":" in address else f"https://{address}"
            expected = _address_reason(reason, address, profile, literal=True)
            yield _case(f"{address} as a literal", url, profile, reason=expected)


def _address_reason(reason: str, address: str, profile: str, *, literal: bool) -> str:
    is_v6 = ":" in address and not address.startswith("::ffff:")
    if reason == "global":
        return "ok"
    if profile == "shared" or reason in HARD or address.startswith("64:ff9b:"):
        return reason
    fake_ip = reason == "benchmark_address" and not literal and not is_v6
    return "ok" if reason in NEARBY or fake_ip else reason


TABLES = {
    "decisions": _decisions,
    "names": _names,
    "policies": _policies,
    "urls": _urls,
    "addresses": _addresses,
}
