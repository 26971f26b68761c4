"""`mincache tune`: a search for parameters on training draws, kept and continued."""

import json
import tomllib

import pytest
from click.testing import CliRunner

from mincache import MincacheError, suite
from mincache.cli.tune import tune
from mincache.judging import journal

pytest.importorskip("optuna")

SOLVER = """
from dataclasses import dataclass, replace
from mincache import InputError, Solution, Solver
from mincache.exact.optimum import optimum


@dataclass(frozen=True)
class Mine(Solver):
    best_at: int = 2
    mode: str = "good"

    def __post_init__(self):
        if self.best_at < 1:
            raise InputError("best_at", "must be at least 1", str(self.best_at))

    def solve(self, instance, run):
        if self.mode == "crash":
            raise RuntimeError("as asked")
        nothing, best = Solution.nothing_cached(instance), optimum(instance).solution
        known = instance.slot_count - abs(self.best_at - 7)
        fields = ("cache", "bandwidth_share", "step_share")
        mixed = {name: getattr(nothing, name).copy() for name in fields}
        for name in fields:
            mixed[name][:known] = getattr(best, name)[:known]
        return replace(nothing, **mixed)
"""
SCENARIO = "users = 3\nslots = 8\nmodels = 4\n"


@pytest.fixture
def tuned(tmp_path, monkeypatch):
    """A call of the verb where the solver and the scenario lie; returns the object that it prints."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(SOLVER)
    (tmp_path / "scenario.toml").write_text(SCENARIO)

    def call(solver, *words, on="scenario.toml", trials=5):
        words = [solver, "--on", on, "-o", "out", "--trials", str(trials), "--libraries", "1", *words]
        told = CliRunner().invoke(tune, [*words, "--json"], catch_exceptions=False)
        assert told.exit_code == 0, told.output
        return json.loads(told.stdout)

    return call


def test_the_best_is_found_and_what_is_done_is_kept(tuned, tmp_path):
    """The best setting is found; the same call runs nothing again, and more trials go on."""
    spec = "mine.py:Mine[best_at=[5,7]]"
    first = tuned(spec)
    assert first["best"] == "mine.py:Mine[best_at=7]"
    assert first["gap"] == pytest.approx(0.0, abs=1e-9)
    kept = (tmp_path / "out" / journal.RECORDS_FILE).read_bytes()
    assert tuned(spec)["trials"] == first["trials"]
    assert (tmp_path / "out" / journal.RECORDS_FILE).read_bytes() == kept
    assert tuned(spec, trials=6)["trials"][:5] == first["trials"]
    assert json.loads((tmp_path / "out/tuning.json").read_text())["best"] == first["best"]


def test_training_draws_are_in_no_suite(tuned):
    """Seeds of libraries and traces are from 2^60 up, and the exact method's cost is the reference."""
    told = tuned("mine.py:Mine[best_at=[7,8]]", trials=2)
    drawn = suite(told["training"])
    recipe = tomllib.loads((drawn.folder / "suite.toml").read_text())["recipe"]
    assert min(recipe["library_seed"], recipe["trace_seed"]) >= 2**60
    assert "exact method" in drawn.content.references
    assert drawn.source.scenario.users == 3


def test_without_a_range_numbers_are_searched_around_their_defaults(tuned):
    """The first trial has the defaults, and whole numbers go from a quarter to four times the default."""
    told = tuned("mine.py:Mine[mode=good]", trials=1)
    assert told["space"] == {"best_at": "1..8 log"}
    assert told["best"] == "mine.py:Mine[mode=good,best_at=2]"


def test_failures_count_as_caching_nothing(tuned):
    """A crash and a setting that the solver refuses have the gap of an answer without any cache."""
    told = tuned("mine.py:Mine[mode=[good,crash],best_at=7]", trials=5)
    assert any(one["failed"] for one in told["trials"])
    gaps = {one["solver"]: one["gap"] for one in told["trials"] if one["failed"]}
    refused = tuned("mine.py:Mine[best_at=[0,-1]]", trials=1)["trials"][0]
    assert refused["failed"] == 1
    assert list(gaps.values()) == [pytest.approx(refused["gap"])]
    assert refused["gap"] > 0


@pytest.mark.parametrize(
    ("spec", "words", "told"),
    [
        ("mine.py:Mine[best_a=1..5]", [], "did you mean 'best_at'"),
        ("mine.py:Mine[best_at=9..1]", [], "must go up"),
        ("mine.py:Mine[best_at=0..9 log]", [], "from above 0"),
        ("mine.py:Mine[best_at=1..x]", [], "must be a range such as"),
        ("mine.py:Mine[best_at=[1..3,5]]", [], "must list values or be a range"),
        ("mine.py:Mine[best_at=[]]", [], "must list a value"),
        ("cloud-only", [], "must have a range or a list to search"),
        ("nobody", [], "must be installed"),
        ("mine.py:Mine[best_at=1..5]", ["--on", "nothing.toml"], "nothing.toml"),
    ],
)
def test_bad_input_is_one_sentence(tuned, spec, words, told):
    """What cannot be searched is refused with the rule that it breaks."""
    with pytest.raises(MincacheError, match=told.replace("[", r"\[")) as refused:
        tuned(spec, *words)
    assert "\n" not in str(refused.value)
