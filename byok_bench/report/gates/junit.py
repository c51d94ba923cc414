"""Verdicts as a JUnit file: one case for each rule and endpoint.

JUnit has no word for undecided: such a case is skipped, with its sentence, unless undecided counts as something else.
"""

from collections.abc import Sequence
from xml.etree import ElementTree

from byok_bench.report.gates.judged_rules import Judged
from byok_bench.report.printable_text import to_printable_line


def render_junit(run_id: str, judged: Sequence[Judged]) -> str:
    """The XML document."""
    count = {verdict: sum(one.counts_as == verdict for one in judged) for verdict in ("fail", "undecided")}
    suite = ElementTree.Element(
        "testsuite",
        name=f"byok-bench gate {run_id}",
        tests=str(len(judged)),
        failures=str(count["fail"]),
        errors="0",
        skipped=str(count["undecided"]),
    )
    for one in judged:
        who = f"{one.endpoint} · {one.model}"
        case = ElementTree.SubElement(suite, "testcase", classname=_clean(who), name=_clean(one.rule), time="0")
        if one.counts_as == "fail":
            failure = ElementTree.SubElement(case, "failure", message=_clean(one.sentence), type=one.verdict)
            failure.text = _clean(one.sentence)
        elif one.counts_as == "undecided":
            ElementTree.SubElement(case, "skipped", message=_clean(f"undecided: {one.sentence}"))
        else:
            ElementTree.SubElement(case, "system-out").text = _clean(one.sentence)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _clean(text: str) -> str:
    """Without characters that XML has no form for."""
    return to_printable_line(text).encode("utf-8", "replace").decode()
