"""The process of the model library."""

import numpy as np
import pytest

from mincache.errors import InputError
from mincache.files.tables import validated
from mincache.generation.scenario import Scenario


def test_an_empty_section_changes_nothing():
    """A section [models] that says how many there are draws the paper's library."""
    assert validated(Scenario, {"models": {"count": 10}}).library(7) == Scenario().library(7)


def test_count_and_section_survive_being_written():
    """What a scenario with a section writes is read as the same scenario."""
    scenario = validated(Scenario, {"models": {"count": 12, "quality_by_size": 0.5}})
    assert validated(Scenario, scenario.model_dump(mode="json", exclude_none=True)) == scenario
    assert scenario.with_values({"models": 5}).models == 5
    assert scenario.with_values({"models": 5}).models_section == scenario.models_section


@pytest.mark.parametrize(("rho", "low", "high"), [(0.9, 0.8, 1.0), (0.0, -0.2, 0.2), (-0.9, -1.0, -0.8)])
def test_larger_models_are_better(rho, low, high):
    """The correlation of size and quality has the sign and about the size of the field."""
    library = validated(Scenario, {"models": {"count": 400, "quality_by_size": rho}}).library(7)
    assert low < -np.corrcoef(library.size_gb, library.tv_best)[0, 1] < high
    assert library.tv_best.min() >= 0.0
    assert library.tv_best.max() <= 50.0
    assert np.array_equal(library.size_gb, Scenario(models=400).library(7).size_gb)


def test_a_table_gives_its_columns_and_the_rest_is_drawn(tmp_path):
    """Columns of a table stand in the library; others are the ranges' own draws."""
    file = tmp_path / "models.csv"
    file.write_text("name,size_gb,output_megabytes\na,1.5,2\nb,2.5,4\nc,9,8\n")
    library = validated(Scenario, {"models": {"count": 2, "file": str(file)}}).library(7)
    assert library.size_gb.tolist() == [1.5, 2.5]
    assert library.output_bits.tolist() == [16e6, 32e6]
    assert np.array_equal(library.steps_onset, Scenario(models=2).library(7).steps_onset)


def test_a_column_of_quality_and_a_correlation_exclude_each_other(tmp_path):
    """Where the file says the quality, no correlation with the size can be asked for."""
    file = tmp_path / "models.csv"
    file.write_text("tv_best\n1\n2\n")
    scenario = validated(Scenario, {"models": {"count": 2, "file": str(file), "quality_by_size": 0.5}})
    with pytest.raises(InputError, match="quality_by_size: must be left out"):
        scenario.library(7)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("size_gb\n1\n", "models: must be at most 1, the rows of the file; received 3"),
        ("name\na\nb\nc\n", "columns: must be some of"),
        ("size_gb_range\n1\n2\n3\n", "columns: must be some of"),
        (
            "steps_onset\n1\n2\n170\n",
            "steps_onset: must not be above steps_saturation; received 170 against 150",
        ),
        ("tv_worst\n40\n90\n90\n", "tv_best: must not be above tv_worst; received 50 against 40"),
        ("size_gb\n1\nx\n2\n", "size_gb[1]: must be a number, at most 1e+30; received 'x'"),
    ],
)
def test_a_table_is_refused_in_a_line(text, line, tmp_path):
    """A table without what is needed is refused with its path, the column and the rule."""
    file = tmp_path / "models.csv"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        validated(Scenario, {"models": {"count": 3, "file": str(file)}}).library(7)
    assert str(caught.value).startswith(str(file))
    assert line in str(caught.value)
