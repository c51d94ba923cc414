"""checks/registry.py: the catalogue, and how findings are kept true and minimal."""

from collections.abc import Iterator
from typing import get_args

import pytest
from support.chat_records import DONE, chunk, event, exchange

from byok_bench.checks import registry
from byok_bench.checks.finding import ERROR, WARN, Hit
from byok_bench.checks.registry import Rule, check, run_checks, select_checks
from byok_bench.checks.seen_exchange import SeenExchange

START = event(chunk({"role": "assistant", "content": "Hi"}))
STOP = event(chunk({}, "stop"))


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> dict[str, registry.Check]:
    """An empty catalogue."""
    checks: dict[str, registry.Check] = {}
    monkeypatch.setattr(registry, "_checks", checks)
    monkeypatch.setattr(registry, "_load_rules", lambda: checks)
    monkeypatch.setattr(registry, "_list_passive_checks", registry._list_passive_checks.__wrapped__)
    return checks


def rule(*hits: Hit) -> Rule:
    def judge(seen: SeenExchange) -> Iterator[Hit]:
        """Title of it.

        Rule: what it
        says.
        Why: because.
        Seen in: a/b#1; https://example.org/x
        """
        yield from hits

    return judge


def test_a_rule_is_registered_with_its_docstring(catalogue: dict[str, registry.Check]) -> None:
    """Title, rule, reason and evidence come from the docstring, group from the id."""
    check("delta.new", WARN, applies_to="chat")(rule())
    one = catalogue["delta.new"]
    assert (one.title, one.rule, one.why) == ("Title of it", "what it says.", "because.")
    assert one.seen_in == ("a/b#1", "https://example.org/x")
    assert (one.group, one.severity, one.mode) == ("delta", "warn", "passive")


def test_a_rule_without_its_sections_is_refused(catalogue: dict[str, registry.Check]) -> None:
    """A page could not be written from it."""

    def bare(seen: SeenExchange) -> Iterator[Hit]:
        """Title only."""
        return iter(())

    with pytest.raises(ValueError, match=r"delta\.bare lacks"):
        check("delta.bare", WARN, applies_to="chat")(bare)


def test_an_id_is_registered_once(catalogue: dict[str, registry.Check]) -> None:
    """Two rules of one id would make it unclear which is judged."""
    check("delta.new", WARN, applies_to="chat")(rule())
    with pytest.raises(ValueError, match="twice"):
        check("delta.new", WARN, applies_to="chat")(rule())


def test_an_id_is_reported_once(catalogue: dict[str, registry.Check]) -> None:
    """The first hit stands for all; its place is filled in from the event."""
    check("delta.new", WARN, applies_to="any")(rule(Hit("a", event=1), Hit("b", event=0)))
    seen = exchange(START + STOP)
    (finding,) = run_checks(seen)
    assert (finding.message, finding.event, finding.offset) == ("a (and 1 more)", 1, seen.events[1].offset)


def test_the_heaviest_place_is_reported(catalogue: dict[str, registry.Check]) -> None:
    """A place that weighs less than its rule does not hide one that weighs more, and alone it weighs less."""
    light, heavy = Hit("light", event=0, severity=WARN), Hit("heavy", event=1)
    check("delta.new", ERROR, applies_to="any")(rule(light, heavy))
    check("delta.light", ERROR, applies_to="any")(rule(light))
    by_id = {one.check: one for one in run_checks(exchange(START + STOP))}
    assert (by_id["delta.new"].message, by_id["delta.new"].severity) == ("heavy (and 1 more)", "error")
    assert (by_id["delta.light"].message, by_id["delta.light"].severity) == ("light", "warn")


def test_a_rule_that_stands_alone_silences_the_rest(catalogue: dict[str, registry.Check]) -> None:
    """Only what it names beside itself is reported with it, whatever was asked for."""
    check("delta.a", WARN, applies_to="any", alone=True, beside=("delta.b",))(rule(Hit("a")))
    check("delta.b", WARN, applies_to="any")(rule(Hit("b")))
    check("delta.c", WARN, applies_to="any")(rule(Hit("c")))
    assert [one.check for one in run_checks(exchange(START))] == ["delta.a", "delta.b"]
    assert run_checks(exchange(START), ids=["delta.c"]) == []
    assert [one.check for one in run_checks(exchange(START), ids=["delta.b"])] == ["delta.b"]


def test_findings_come_in_order_of_place(catalogue: dict[str, registry.Check]) -> None:
    """Findings about the whole answer come last."""
    for name, event_index in (("a", None), ("b", 1), ("c", 0)):
        check(f"delta.{name}", WARN, applies_to="any")(rule(Hit("x", event=event_index)))
    assert [one.check for one in run_checks(exchange(START + STOP))] == ["delta.c", "delta.b", "delta.a"]


@pytest.mark.parametrize(
    ("request_body", "schema", "scopes"),
    [
        ({"stream": True}, "chat", {"any", "chat", "chat-stream"}),
        ({"stream": False}, "chat", {"any", "chat", "chat-whole"}),
        ({"stream": "true"}, "chat", {"any", "chat", "chat-whole"}),
        ({"stream": True}, "responses", {"any", "responses", "responses-stream"}),
        ({}, "messages", {"any", "messages", "messages-whole"}),
        ({}, "models", {"any", "models"}),
    ],
)
def test_rules_apply_to_what_was_asked(
    catalogue: dict[str, registry.Check], request_body: dict[str, object], schema: str, scopes: set[str]
) -> None:
    """The request decides which rules are about its answer."""
    for scope in get_args(registry.Scope):
        check(f"delta.{scope}", WARN, applies_to=scope)(rule(Hit("x")))
    found = run_checks(exchange(START + DONE, request=request_body, schema=schema))
    assert {one.check.removeprefix("delta.") for one in found} == scopes


def test_checks_are_chosen_by_id_or_group() -> None:
    """A name that is neither raises, so that a typo is no silent pass."""
    assert {one.group for one in select_checks(["usage"])} == {"usage"}
    assert [one.id for one in select_checks(["delta.object"])] == ["delta.object"]
    with pytest.raises(KeyError, match=r"delta\.objekt"):
        select_checks(["delta.objekt"])
    assert [one.check for one in run_checks(exchange(START + STOP), ids=["framing"])] == ["stream.done-terminator"]
