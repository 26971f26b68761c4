"""Settings and seeds trained side by side, and the table of them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mincache.cli.train import train
from mincache.errors import InputError

GRID = "ddpg[hidden=8,batch=8,warmup=10,updates=1,actor_rate=[0.001,0.01]]"
PLACE = ["--suite", "smoke-v1", "--users", "10", "--library", "0", "--episodes", "20"]


def test_a_grid_is_trained_with_each_seed(tmp_path):
    """Two settings, two seeds: four policies with records, and a row a setting, the better one first."""
    arguments = [GRID, *PLACE, "--seeds", "2", "--sweep", str(tmp_path), "--json"]
    result = CliRunner().invoke(train, arguments, catch_exceptions=False)
    first, second = rows = json.loads(result.stdout)
    assert {row["solver"].partition("actor_rate=")[2][:5] for row in rows} == {"0.001", "0.01,"}
    assert first["best"] <= first["gap"] <= first["worst"]
    assert first["gap"] <= second["gap"]
    records = [json.loads(path.read_text()) for path in tmp_path.glob("*.json")]
    assert sorted(record["card"]["seed"] for record in records) == [1, 1, 2, 2]
    assert len(list(tmp_path.glob("*.safetensors"))) == 4
    gaps = [one["curve"][-1]["validation_gap"] for one in records]
    assert sum(row["gap"] for row in rows) / 2 == pytest.approx(sum(gaps) / 4)


@pytest.mark.parametrize("more", [["--seeds", "2"], ["--sweep", "folder", "-o", "a.safetensors"]])
def test_a_sweep_is_asked_for_whole(more):
    """Several seeds need a folder, and there is no one file to write."""
    with pytest.raises(InputError, match="--sweep: must come with"):
        CliRunner().invoke(train, [GRID, *PLACE, *more], catch_exceptions=False)


def test_a_library_that_is_not_there_is_refused(tmp_path):
    """Before anything is trained."""
    arguments = [GRID, *PLACE, "--library", "9", "--sweep", str(tmp_path / "new")]
    with pytest.raises(InputError, match="library: must be < 2"):
        CliRunner().invoke(train, arguments, catch_exceptions=False)
    assert not Path(tmp_path / "new").exists()
