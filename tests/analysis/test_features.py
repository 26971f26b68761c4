"""What characterises an instance, against values that can be told by hand or by another method."""

import json
import re
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import pytest

from mincache import Instance, Scenario, Solution, evaluate
from mincache.analysis.features import Features, features, gini
from mincache.cli.describe import feature_table, groups_of
from mincache.exact import optimum
from mincache.files.spreadsheets import csv_text
from mincache.generation.suites import find
from mincache.problem.instance import Server
from mincache.site.drawing import svg
from mincache.site.pictures import feature_chart

COLUMNS = [field.name for field in fields(Features)]
DECLINES = """
from dataclasses import dataclass
from mincache import Solver

@dataclass(frozen=True)
class Declines(Solver):
    def solve(self, instance, run):
        raise AssertionError

    def supports(self, instance):
        return "it is a matter of taste"
"""


@pytest.fixture(scope="module")
def instance() -> Instance:
    """An instance of smoke-v1."""
    return find("smoke-v1").read("smoke-v1.l0.n10.t0")


@pytest.fixture(scope="module")
def found(instance):
    """Its features."""
    return features(instance)


def test_tightness_by_hand(instance, found):
    """Storage and steps asked for, user by user, over what there is."""
    trace, models, server = instance.trace, instance.models, instance.server
    sizes, steps, repeated = [], [], []
    for t in range(instance.slot_count):
        asked = trace.requested_model[t].tolist()
        sizes.append(sum(models.size_gb[m] for m in set(asked)) / server.storage_gb)
        steps.append(sum(models.steps_saturation[m] for m in asked) / server.steps)
        before = set(trace.requested_model[t - 1].tolist()) if t else set()
        repeated += [m in before for m in asked] if t else []
    assert found.storage_tightness == pytest.approx(np.mean(sizes))
    assert found.steps_tightness == pytest.approx(np.mean(steps))
    assert found.repeat_share == pytest.approx(np.mean(repeated))
    assert (found.slots, found.users, found.models) == (10, 10, 10)


@pytest.mark.parametrize(
    ("amounts", "value"),
    [([1, 1, 1, 1], 0), ([0, 0, 0, 7], 3 / 4), ([1, 3], 1 / 4), ([5], 0), ([2, 4, 6], 2 / 9)],
)
def test_gini_of_known_amounts(amounts, value):
    """0 where all have the same, (n - 1) / n where one has all, half the mean relative difference between."""
    assert gini(np.array(amounts)) == pytest.approx(value)
    pairs = np.abs(np.subtract.outer(amounts, amounts)).mean() / (2 * np.mean(amounts))
    assert gini(np.array(amounts)) == pytest.approx(pairs)


def test_concentration_is_one_where_all_ask_alike(instance):
    """With one model asked for, the index is 1, and every request repeats."""
    trace = replace(instance.trace, requested_model=np.zeros((10, 10)))
    alike = features(replace(instance, trace=trace))
    assert (alike.concentration, alike.repeat_share, alike.gini) == (1, 1, pytest.approx(0.9))


def test_worths_are_relative_to_the_exact_optimum(instance, found):
    """Each worth is what the evaluator says of the optimum with one decision taken away."""
    best = optimum(instance).solution
    cost = evaluate(instance, best).cost
    assert found.best_cost == pytest.approx(cost, rel=1e-9)
    assert found.lower_bound <= found.best_cost
    assert found.note == ""
    equal = evaluate(instance, replace(best, bandwidth_share=np.full((10, 10), 0.1))).cost
    nothing = evaluate(instance, replace(best, cache=np.zeros((10, 10)), step_share=np.zeros((10, 10)))).cost
    assert found.bandwidth_worth == pytest.approx(equal / cost - 1, rel=1e-6)
    assert found.caching_worth == pytest.approx(nothing / cost - 1, rel=1e-6)
    assert 0 < found.steps_worth < found.caching_worth
    assert nothing < evaluate(instance, Solution.nothing_cached(instance)).cost


def test_worth_of_what_is_too_scarce_is_nothing(instance):
    """A server that can hold no model and compute no step makes both worth nothing; plenty, something."""
    none = features(replace(instance, server=Server(1e-6, 1000.0)))
    assert (none.caching_worth, none.steps_worth) == (pytest.approx(0, abs=1e-9), pytest.approx(0, abs=1e-9))
    plenty = features(replace(instance, server=Server(1000.0, 1e6)))
    assert plenty.storage_tightness < 1
    assert plenty.steps_worth > none.steps_worth


def test_of_an_optimum_that_costs_nothing_no_part_is_told(instance):
    """Where only images count and the cloud's are perfect, shares of the cost do not exist."""
    perfect = replace(instance.models, tv_best=np.zeros(instance.model_count))
    free = features(replace(instance, preference_weight=0.0, models=perfect))
    assert (free.best_cost, free.upload_share, free.caching_worth) == (0.0, None, None)
    assert "costs nothing" in free.note


def test_what_cannot_be_proven_is_said():
    """Without time for the search, the row says that its best cost is not proven."""
    hard = Scenario(users=40, models=60, slots=2, storage_gb=120.0)
    hard = hard.instance("hard", hard.library(1), hard.trace(1, "t"))
    row = features(hard, time_limit_s=1e-9)
    assert "the optimum is not proven in the time given: " in row.note
    assert row.lower_bound < row.best_cost


def test_one_slot_repeats_nothing(instance):
    """With one slot there is no slot before."""
    assert features(instance.slot(0)).repeat_share is None


def test_what_the_exact_method_declines_is_said(instance, tmp_path, monkeypatch):
    """Where it declines, the row gives its reason; tightness is told all the same, worths are left out."""
    (tmp_path / "declines.py").write_text(DECLINES)
    monkeypatch.setattr("mincache.analysis.features.METHOD", f"{tmp_path}/declines.py:Declines")
    row = features(instance)
    assert row.note.endswith("cannot tell: it is a matter of taste")
    assert row.best_cost is row.caching_worth is row.upload_share is None
    assert row.storage_tightness > 0


def test_table_csv_and_picture(found):
    """Each shows every instance; the picture tells N apart."""
    suite = find("smoke-v1")
    rows = [found, replace(found, instance="smoke-v1.l0.n18.t0", users=18, best_cost=None, note="why not")]
    written = csv_text(map(asdict, rows)).splitlines()
    assert written[0] == ",".join(COLUMNS)
    assert len(written) == 3
    table = feature_table(suite, rows)
    assert [row[0] for row in table.rows if row] == ["l0.n10.t0", "l0.n18.t0", "median"]
    assert "why not" in [row[-1] for row in table.rows if row]
    groups = groups_of(suite)
    assert set(groups.values()) == {"N = 10", "N = 18"}
    chart = feature_chart([found, replace(rows[1], best_cost=1.0)], groups)
    drawn = svg(chart).decode()
    assert "worth of caching" in drawn
    assert "N = 18" in drawn
    assert "why" not in json.dumps(feature_chart(rows, groups))


def test_every_feature_is_explained():
    """The page on suites has a line for each feature."""
    page = (Path(__file__).parents[2] / "docs" / "suites.md").read_text()
    plain = {"instance", "slots", "users", "models", "best_cost", "lower_bound", "note"}
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(COLUMNS) - plain
