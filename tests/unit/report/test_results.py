"""run_results.json that dbt itself can read, and JUnit XML that any parser can."""

import json
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import msgspec
import pytest

from toolkit.ledger import RunError, StepRow
from toolkit.report.junit import junit_xml, write_junit
from toolkit.report.run_results import run_results_document, write_run_results


def test_dbt_reads_our_run_results(shop: ModuleType, tmp_path: Path) -> None:
    from dbt.artifacts.schemas.run import RunResultsArtifact

    run, steps = shop.data().runs[0].run, shop.data().runs[0].steps
    path = tmp_path / "run_results.json"
    write_run_results(path, run, steps, shop.graph())
    artifact = RunResultsArtifact.read_and_check_versions(str(path))
    found = {r.unique_id: r.status.value for r in artifact.results}
    assert found == {step.step: step.status for step in steps}
    check = next(r for r in artifact.results if r.unique_id == "test.shop.positive_price")
    assert check.failures == 3
    assert artifact.elapsed_time > 0


def test_every_field_of_the_schema_is_there(shop: ModuleType) -> None:
    record = shop.data().runs[0]
    document = run_results_document(record.run, record.steps, shop.graph(), dbt_version="1.11.0")
    assert set(document) == {"metadata", "results", "elapsed_time", "args"}
    by_key = {r["unique_id"]: r for r in document["results"]}
    model = by_key["model.shop.stg_users"]
    assert set(model) == {
        "unique_id", "status", "timing", "thread_id", "execution_time", "adapter_response",
        "message", "failures", "compiled", "compiled_code", "relation_name", "batch_results",
    }  # fmt: skip
    assert model["compiled"] is True
    assert model["timing"][0]["name"] == "execute"
    assert model["timing"][0]["started_at"].endswith("Z")
    skipped = by_key["model.shop.customers"]
    assert skipped["timing"] == []
    assert skipped["execution_time"] == 0


def step(key: str, status: str, **more: object) -> StepRow:
    fields = {"run_id": "r", "kind": "dbt", "name": key, "integration": "dbt", **more}
    return StepRow(step=key, status=status, **fields)  # type: ignore[arg-type]


def test_a_sync_stands_there_for_each_of_its_streams(shop: ModuleType) -> None:
    run = shop.data().runs[0].run
    steps = [step("sync.faker", "success"), step("sync.elsewhere", "success")]
    document = run_results_document(run, steps, shop.graph(), dbt_version="1.11.0")
    assert [r["unique_id"] for r in document["results"]] == [
        "stream.faker.purchases", "stream.faker.users", "sync.elsewhere",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ended", "status"),
    [
        ({"model.shop.customers": "success"}, "no-op"),
        ({"model.shop.customers": "error"}, "skipped"),
        ({"model.shop.customers": "planned"}, "skipped"),
        ({"model.shop.stg_users": "skipped"}, "skipped"),
        ({"sync.faker": "error"}, "skipped"),
        ({"test.shop.positive_price": "pass"}, "no-op"),
        ({"model.shop.elsewhere": "error"}, "no-op"),
    ],
)
def test_an_exposure_is_a_result_though_nothing_makes_it(
    shop: ModuleType, ended: dict[str, str], status: str
) -> None:
    graph = shop.graph()
    [exposure] = [a.key for a in graph if a.kind == "exposure"]
    steps = [step(key, how) for key, how in ended.items()]
    document = run_results_document(
        shop.data().runs[0].run, steps, graph, dbt_version="1.11.0", unmade=[exposure]
    )
    assert {r["unique_id"]: r["status"] for r in document["results"]}[exposure] == status


FRESH = "up to date: nothing that it reads changed"


def up_to_date(key: str, **more: object) -> StepRow:
    return step(key, "no-op", message=FRESH, **more)


@pytest.mark.parametrize("others", [[], [step("model.shop.audit", "success", started_at=1.0)]])
def test_what_is_up_to_date_stands_in_both(
    shop: ModuleType, tmp_path: Path, others: list[StepRow]
) -> None:
    """Also after a build in which nothing ran; dbt's own class reads it."""
    from dbt.artifacts.schemas.run import RunResultsArtifact

    run = msgspec.structs.replace(shop.data().runs[0].run, finished_at=None)
    steps = [
        up_to_date("sync.faker"), up_to_date("model.shop.customers"),
        up_to_date("test.shop.positive_price", kind="check"), *others,
    ]  # fmt: skip
    [exposure] = [a.key for a in shop.graph() if a.kind == "exposure"]
    path = tmp_path / "run_results.json"
    write_run_results(path, run, steps, shop.graph(), unmade=[exposure])
    artifact = RunResultsArtifact.read_and_check_versions(str(path))
    found = {r.unique_id: r for r in artifact.results}
    fresh = ["stream.faker.purchases", "stream.faker.users", "model.shop.customers",
             "test.shop.positive_price"]  # fmt: skip
    assert list(found) == [*fresh, *(s.step for s in others), exposure]
    assert {(found[k].status.value, found[k].message) for k in fresh} == {("no-op", FRESH)}
    assert {(found[k].execution_time, *found[k].timing) for k in fresh} == {(0.0,)}
    assert found["model.shop.customers"].relation_name == "shop.main.customers"
    assert found[exposure].status.value == "no-op"  # what it shows is there

    suite = ET.fromstring(junit_xml("shop", run, steps, shop.graph()))
    assert (suite.attrib["skipped"], suite.attrib["errors"]) == ("3", "0")
    cases = [case for case in suite.iter("testcase") if case.attrib["name"] != "model.shop.audit"]
    assert [case[0].tag for case in cases] == ["skipped"] * 3
    assert {case[0].attrib["message"] for case in cases} == {FRESH}


def test_a_hook_that_failed_stands_in_both(shop: ModuleType) -> None:
    hook = RunError(key="operation.shop.shop-on-run-end-0", message="no s3cr3t table")
    run = msgspec.structs.replace(shop.data().runs[0].run, errors=(hook, RunError(message="end")))
    document = run_results_document(run, [], shop.graph(), dbt_version="1.11.0")
    assert [(r["unique_id"], r["status"], r["message"]) for r in document["results"]] == [
        (hook.key, "error", hook.message)
    ]
    suite = ET.fromstring(junit_xml("shop", run, [], shop.graph()))
    assert suite.attrib["errors"] == "2"
    assert [case.attrib["name"] for case in suite.iter("testcase")] == [hook.key, run.id]


def test_a_step_that_was_cut_off_is_an_error(shop: ModuleType) -> None:
    run = msgspec.structs.replace(shop.data().runs[0].run, finished_at=None)
    steps = [step("model.shop.customers", "running", started_at=1.0)]
    document = run_results_document(run, steps, shop.graph(), dbt_version="1.11.0")
    assert document["results"][0]["status"] == "error"
    suite = ET.fromstring(junit_xml("shop", run, steps, shop.graph()))
    assert suite.attrib["errors"] == "1"


def test_junit(shop: ModuleType, tmp_path: Path) -> None:
    record = shop.data().runs[0]
    path = tmp_path / "junit.xml"
    write_junit(path, record.run, record.steps, shop.graph(), project="shop")
    root = ET.parse(path).getroot()
    assert {k: root.attrib[k] for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "10", "failures": "1", "errors": "0", "skipped": "3",
    }  # fmt: skip
    cases = {case.attrib["name"]: case for case in root.iter("testcase")}
    failure = cases["test.shop.positive_price"].find("failure")
    assert failure is not None
    assert failure.attrib["message"] == "Got 3 results, configured to fail if != 0"
    assert cases["model.shop.stg_users"].attrib["file"] == "models/staging/stg_users.sql"
    assert cases["model.shop.stg_users"].attrib["time"] != "0.000"


def test_junit_carries_any_text(shop: ModuleType) -> None:
    message = "bad \x00\x1b[31m\ud800 <b>]]>&\uffff"
    xml = junit_xml(
        "sh\x01op", shop.data().runs[0].run, [step("a\x02", "error", message=message)], shop.graph()
    )
    error = ET.fromstring(xml.encode("utf-8")).find(".//error")
    assert error is not None
    assert error.text is not None
    assert "<b>]]>&" in error.text


def test_secrets_are_masked(shop: ModuleType, tmp_path: Path) -> None:
    run = shop.data().runs[0].run
    steps = [step("model.shop.customers", "error", message="no s3cr3t-word", reason="s3cr3t-word")]
    write_run_results(tmp_path / "r.json", run, steps, shop.graph(), {"s3cr3t-word"})
    write_junit(tmp_path / "j.xml", run, steps, shop.graph(), secrets={"s3cr3t-word"})
    for name in ("r.json", "j.xml"):
        text = (tmp_path / name).read_text()
        assert "s3cr3t-word" not in text
        assert "no *****" in text
    assert json.loads((tmp_path / "r.json").read_text())["results"][0]["message"] == "no *****"
