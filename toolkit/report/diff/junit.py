"""A diff as JUnit XML: one test case a change, failed where it is breaking."""

from xml.etree import ElementTree as ET

from toolkit.diff.model import AssetChange, CheckChange, Diff
from toolkit.report.diff.document import Both
from toolkit.report.diff.text import change_lines
from toolkit.report.junit import clean


def diff_junit(diff: Diff, both: Both, project: str) -> str:
    """The XML. What is to be reviewed passes, and says so."""
    cases: list[AssetChange | CheckChange] = [*diff.changes, *diff.checks]
    totals = {
        "tests": str(len(cases)),
        "failures": str(sum(case.verdict == "breaking" for case in cases)),
        "errors": "0",
        "skipped": "0",
    }
    root = ET.Element("testsuites", {"name": clean(f"{project} diff"), **totals})
    suite = ET.SubElement(root, "testsuite", {"name": clean(f"against {diff.base}"), **totals})
    for case in cases:
        path, _ = both.place(case.key)
        attributes = {"classname": f"toolkit.diff.{case.verdict}", "name": clean(case.key)}
        if path:
            attributes["file"] = clean(path)
        element = ET.SubElement(suite, "testcase", attributes)
        said = [case.reason]
        if isinstance(case, AssetChange):
            said = [*change_lines(case, both, everything=False)]
        text = clean("\n".join(said))
        if case.verdict == "breaking":
            ET.SubElement(element, "failure", {"message": clean(case.reason)}).text = text
        elif case.verdict == "review":
            ET.SubElement(element, "system-out").text = f"to be reviewed: {text}"
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
