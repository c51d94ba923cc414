"""What machines that build read: JUnit, annotations, the summary of a job."""

from xml.etree import ElementTree

import pytest

from byok_bench.report.gates.github import list_annotations, render_job_summary
from byok_bench.report.gates.judged_rules import Judged
from byok_bench.report.gates.junit import render_junit

PASSED = Judged("fine", "one", "pass", 1.0, 0.5, 1.5, 9, "all is well", model="m", unit="ms", counts_as="pass")
FAILED = Judged("slow", "one", "fail", 2.0, 1.9, 2.1, 9, "TTFT rose by 42 ms", model="m", unit="ms", counts_as="fail")
OPEN = Judged("rare", "two", "undecided", None, None, None, 2, "too few to tell", model="m")
ALLOWED = Judged("rare", "two", "undecided", None, None, None, 2, "too few to tell", model="m", counts_as="pass")
NASTY = Judged("a|b\n::error", "<&>\x1b", "fail", None, None, None, 0, "50 %\r\n\x00`x` *y* \ud800", counts_as="fail")


def test_junit_has_a_case_for_each_rule_and_endpoint() -> None:
    """Failed, skipped where undecided, else passed; the sentence in each."""
    root = ElementTree.fromstring(render_junit("r1", [PASSED, FAILED, OPEN, ALLOWED]))
    [suite] = root
    assert dict(suite.attrib) == {
        "name": "byok-bench gate r1", "tests": "4", "failures": "1", "errors": "0", "skipped": "1",
    }  # fmt: skip
    told = [(case.attrib["classname"], case.attrib["name"], case[0].tag) for case in suite]
    assert told == [
        ("one · m", "fine", "system-out"), ("one · m", "slow", "failure"), ("two · m", "rare", "skipped"),
        ("two · m", "rare", "system-out"),
    ]  # fmt: skip
    assert suite[1][0].attrib["message"] == "TTFT rose by 42 ms"


def test_an_annotation_stands_for_what_fell_short() -> None:
    """An error for what failed, a warning for what is undecided, nothing for the rest."""
    assert list(list_annotations([PASSED, FAILED, OPEN, ALLOWED])) == [
        "::error title=slow%3A one::TTFT rose by 42 ms",
        "::warning title=rare%3A two::too few to tell",
    ]


def test_the_summary_says_first_in_words_what_fell_short() -> None:
    """Then everything as a table."""
    text = render_job_summary("r1", [PASSED, FAILED, OPEN], "main")
    assert text.startswith("### byok-bench gate: run `r1` against `main`\n\n1 failed, 1 undecided, 1 passed.\n")
    assert text.index("**failed** slow: TTFT rose by 42 ms") < text.index("**undecided** rare") < text.index("| rule |")
    assert "| fine | one · m | pass | 1 ms | 0.5 to 1.5 | 9 |" in text


@pytest.mark.parametrize("render", [lambda one: render_junit("r", one), lambda one: render_job_summary("r", one)])
def test_names_cannot_break_a_document(render: object) -> None:
    """What a server or a user called something stays text."""
    text = render([NASTY])  # type: ignore[operator]
    assert "\x1b" not in text
    assert "\x00" not in text
    text.encode()


def test_names_cannot_make_an_annotation_of_their_own() -> None:
    """A line of a sentence would be a command to the runner."""
    [line] = list_annotations([NASTY])
    assert "\n" not in line
    assert "\r" not in line
    assert line.startswith("::error title=a|b %3A%3Aerror%3A <&>")


def test_junit_of_nasty_names_is_xml() -> None:
    """A reader of JUnit takes it."""
    ElementTree.fromstring(render_junit("r", [NASTY]))


def test_cells_stay_in_their_columns() -> None:
    """A bar within a name is no border."""
    [line] = [one for one in render_job_summary("r", [NASTY]).splitlines() if one.startswith("| a")]
    assert line.replace("\\|", "").count("|") == 7
