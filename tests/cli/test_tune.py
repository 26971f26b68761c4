"""`mincache tune`: a search for parameters on training draws, kept and continued."""

import json
import tomllib

import pytest
from click.testing import CliRunner

from mincache import MincacheError, Solution, evaluate, suite
from mincache.cli.tune import tune
from mincache.exact.optimum import optimum
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
SPEC = "mine.py:Mine[best_at=[0,7],mode=[good,crash]]"


@pytest.fixture
def tuned(tmp_path, monkeypatch):
    """A call of the verb where the solver and the scenario lie; returns the object that it prints."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(SOLVER)
    (tmp_path / "scenario.toml").write_text("users = 3\nslots = 8\nmodels = 4\n")
    free = "users = 3\nslots = 2\nmodels = 4\npreference_weight = 0.0\ntv_best = [0.0, 0.0]\n"
    (tmp_path / "free.toml").write_text(free)

    def call(solver, on="scenario.toml", trials=8, code=0):
        words = [solver, "--on", on, "-o", "out", "--trials", str(trials), "--libraries", "1", "--json"]
        told = CliRunner().invoke(tune, words, catch_exceptions=False)
        assert told.exit_code == code, told.output
        return json.loads(told.stdout)

    return call


def test_the_best_is_found_on_training_draws_and_kept(tuned, tmp_path):
    """The best setting wins; failures cost as caching nothing; repeating runs nothing; more trials go on."""
    first = tuned(SPEC)
    (instance,) = suite(first["training"])
    optimal, nothing = optimum(instance).solution, Solution.nothing_cached(instance)
    worst = evaluate(instance, nothing).cost / evaluate(instance, optimal).cost - 1.0
    by_solver = {one["solver"]: one for one in first["trials"]}
    assert first["best"] == "mine.py:Mine[best_at=7,mode=good]"
    assert first["gap"] == pytest.approx(0.0, abs=1e-9)
    failed = {name: one["gap"] for name, one in by_solver.items() if "crash" in name or "best_at=0" in name}
    assert any("best_at=0" in name for name in failed)
    assert any("best_at=0" not in name for name in failed)
    assert all(by_solver[name]["failed"] == 1 for name in failed)
    assert list(failed.values()) == [pytest.approx(worst)] * len(failed)

    recipe = tomllib.loads((tmp_path / first["training"] / "suite.toml").read_text())["recipe"]
    assert min(recipe["library_seed"], recipe["trace_seed"]) >= 2**60
    assert instance.user_count == 3

    kept = (tmp_path / "out" / journal.RECORDS_FILE).read_bytes()
    assert tuned(SPEC) == first == json.loads((tmp_path / "out/tuning.json").read_text())
    assert (tmp_path / "out" / journal.RECORDS_FILE).read_bytes() == kept
    assert tuned(SPEC, trials=9)["trials"][: len(first["trials"])] == first["trials"]


@pytest.mark.parametrize("spec", ["mine.py:Mine[best_at=[0,-1]]", "mine.py:Mine[best_at=[1,7],mode=crash]"])
def test_settings_that_all_fail_are_a_negative_answer(tuned, spec):
    """Where every run failed there is no best setting, and the exit code is 1."""
    assert tuned(spec, trials=2, code=1)["gap"] > 0.0


@pytest.mark.parametrize(
    ("spec", "on", "told"),
    [
        ("mine.py:Mine[best_at=1..7]", "free.toml", "must draw instances that cost something"),
        ("nobody", "scenario.toml", "must be installed"),
        ("mine.py:Mine", "nothing.toml", "nothing.toml"),
    ],
)
def test_bad_input_is_one_sentence(tuned, spec, on, told):
    """A solver or a scenario that there is not is refused with the rule that it breaks."""
    with pytest.raises(MincacheError, match=told) as refused:
        tuned(spec, on)
    assert "\n" not in str(refused.value)
