"""Every study of `mincache reproduce`, in the smallest size there can be."""

import csv
import json

import numpy as np
import pytest
from paper_fixture import TINY

from mincache.generation.scenario import Scenario
from mincache.paper import findings, studies
from mincache.paper.findings import COLUMNS, cells
from mincache.paper.studies import FITTED, STUDIES
from mincache.paper.study_folder import StudyFolder


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """The folder that all studies have written to, and what they found."""
    folder = tmp_path_factory.mktemp("paper")
    work = StudyFolder(folder / "work", TINY)
    found = {name: studies.run(name, work) for name in STUDIES}
    for one in found.values():
        findings.write(folder, one)
    return folder, found


def test_figures_are_written(outputs):
    """Each figure is there as SVG and PNG."""
    folder, _ = outputs
    for name in ("fig3", "fig4", "fig5", "budgets"):
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in (folder / f"{name}.svg").read_text()


def test_numbers_are_the_same_in_json_and_csv(outputs):
    """Each table has as many rows in its CSV as in the JSON, and the same numbers."""
    folder, found = outputs
    for study, one in found.items():
        read = findings.read(folder, study)
        assert set(read.tables) == set(one.tables)
        for name, rows in read.tables.items():
            listed = list(csv.DictReader((folder / f"{name}.csv").open()))
            assert len(listed) == len(rows) > 0
            for text, row in zip(listed, rows, strict=True):
                assert {key: str(value) for key, value in row.items() if value not in (None, "")} == {
                    key: value for key, value in text.items() if value
                }


def test_every_table_can_be_shown(outputs):
    """All but the curves have columns, and each row fills them."""
    _, found = outputs
    shown = {name: rows for one in found.values() for name, rows in one.tables.items() if name in COLUMNS}
    assert set(shown) == set(COLUMNS) - {"record"}
    for name, rows in shown.items():
        assert {len(row) for row in cells(name, rows)} == {len(COLUMNS[name])}


@pytest.mark.parametrize("name", COLUMNS)
def test_each_column_has_a_title_of_its_own(name):
    """No two columns of a table share a title: a terminal tells them apart by it."""
    titles = [column.title for column in COLUMNS[name]]
    assert len(set(titles)) == len(titles)


def test_the_record_tells_what_was_tried(outputs):
    """All runs are verified, each stands in a list with its instance, and every training with its seed."""
    folder, _ = outputs
    record = json.loads((folder / "table.json").read_text())["record"]
    assert set(record["runs"]) == {"verified"}
    listed = [row for path in (folder / "runs").glob("*.csv") for row in csv.DictReader(path.open())]
    assert sum("verdict" in row for row in listed) == record["runs"]["verified"]
    assert sum("policy_sha256" in row for row in listed) == record["trainings"]
    assert not [row for row in listed if "/" in "".join(row.values())]


def test_the_optimum_is_never_beaten(outputs):
    """Nobody costs less than the optimum, or has more hits than fit."""
    _, found = outputs
    for row in found["fig5"].tables["fig5"]:
        assert row["gap"] >= -1e-9
    hits = {(row["solver"], row["users"]): row["value"] for row in found["fig4"].tables["fig4"]}
    assert all(value <= hits["most hits", users] + 1e-12 for (_, users), value in hits.items())


def test_fitted_parameters_are_constants():
    """Under the single fitted parameters every model of a library has the values under (7) and (8)."""
    library = Scenario(**FITTED).library(3)
    fitted = {
        "steps_onset": 60, "tv_worst": 110, "steps_saturation": 170, "tv_best": 28,
        "seconds_per_step": 0.18, "seconds_base": 5.74,
    }  # fmt: skip
    for name, value in fitted.items():
        assert np.unique(getattr(library, name)) == pytest.approx([value])
    assert len(np.unique(library.size_gb)) == 10
