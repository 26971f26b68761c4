"""Scenarios of ASlib: what is written is read back by other readers, and is what the campaign says."""

import csv
import json
import re
from dataclasses import asdict

import pytest
from board_fixture import record, smoke_campaign, tables
from click.testing import CliRunner

from mincache import Solution, evaluate, suite
from mincache.analysis.features import Features, features
from mincache.board.aslib import write_scenario
from mincache.cli.leaderboard import leaderboard
from mincache.judging import journal

yaml = pytest.importorskip("yaml")
SMOKE = suite("smoke-v1")
ODD = "gen\u00e9tic[name='a b',\\x=1]"


def read_arff(path):
    """Return the relation, the attributes and the rows of an ARFF file, by a reader of a few lines."""
    head, _, data = path.read_text("ascii").partition("@DATA\n")
    relation = re.search(r"^@RELATION (\S+)$", head, re.M)[1]
    attributes = re.findall(r"^@ATTRIBUTE (\S+) (.+)$", head, re.M)
    rows = list(csv.reader(data.splitlines(), quotechar="'", escapechar="\\", doublequote=False))
    return relation, attributes, rows


@pytest.fixture(scope="module")
def known():
    """The features of each instance of smoke-v1, by name."""
    return {one.instance: one for one in map(features, SMOKE)}


def write(folder, known, results, **more):
    """Write a scenario of solvers with these records, made on every instance of smoke-v1."""
    records = [
        record(solver, name, suite="smoke-v1", sha256=entry.sha256, **({"cost": 1.0} | result), **more)
        for solver, listed in results.items()
        for name, entry in SMOKE.entries.items()
        for result in listed
    ]
    (table,) = tables(records)
    write_scenario(folder, table, [known[name] for name in table.runs.instances])


def test_a_campaign_is_read_back(tmp_path):
    """Each run stands there once with the cost of its record, and each instance with its features."""
    campaign = smoke_campaign(tmp_path / "campaign")
    told = CliRunner().invoke(leaderboard, ["aslib", str(campaign), "-o", str(tmp_path / "it"), "--json"])
    assert told.exit_code == 0, told.output
    assert sorted(json.loads(told.stdout)) == sorted(map(str, (tmp_path / "it").iterdir()))
    records = journal.read(campaign)
    relation, attributes, rows = read_arff(tmp_path / "it/algorithm_runs.arff")
    assert relation == "ALGORITHM_RUNS_smoke-v1"
    assert [name for name, _ in attributes] == [
        "instance_id", "repetition", "algorithm", "cost", "solve_s", "runstatus"
    ]  # fmt: skip
    found = {
        (name, int(n), solver): (float(cost), float(s), state) for name, n, solver, cost, s, state in rows
    }
    assert found == {
        (one.cell.instance, one.cell.repetition + 1, one.cell.solver): (one.score.cost, one.solve_s, "ok")
        for one in records
    }
    assert len(rows) == len(records)

    _, attributes, rows = read_arff(tmp_path / "it/feature_values.arff")
    names = [name for name, _ in attributes[2:]]
    assert set(names) == set(Features.__annotations__) - {"instance", "best_cost", "lower_bound", "note"}
    for name, _, *values in rows:
        real = asdict(features(SMOKE[name]))
        assert {key: float(value) for key, value in zip(names, values, strict=True)} == {
            key: real[key] for key in names
        }
    assert {row[0] for row in rows} == set(SMOKE.entries)

    said = yaml.safe_load((tmp_path / "it/description.txt").read_text())
    assert said["scenario_id"] == "smoke-v1"
    assert said["performance_measures"] == ["cost", "solve_s"]
    assert said["maximize"] == [False, False]
    assert said["performance_type"] == ["solution_quality", "runtime"]
    assert said["algorithms_deterministic"] == ["cloud-only"]
    assert said["algorithms_stochastic"] == ["random-allocation"]
    assert {name: one["deterministic"] for name, one in said["metainfo_algorithms"].items()} == {
        "cloud-only": True, "random-allocation": False
    }  # fmt: skip
    provided = [name for step in said["feature_steps"].values() for name in step["provides"]]
    assert sorted(provided) == sorted(names) == sorted(said["features_deterministic"])


def test_failures_and_odd_names_are_read_back_by_another_reader(tmp_path, known):
    """liac-arff reads a name with quotes, commas and a backslash; failures cost as caching nothing."""
    arff = pytest.importorskip("arff")
    failed = [
        {"cost": None, "stop_reason": reason} for reason in ("wall", "memory", "exception", "interrupted")
    ]
    skipped = {"cost": None, "verdict": "skipped"}
    write(tmp_path, known, {ODD: [{"cost": 0.5}], "bad": [failed[0]]}, wall_s=2.5)
    with (tmp_path / "algorithm_runs.arff").open() as file:
        rows = arff.load(file)["data"]
    mangled = ODD.encode("ascii", "backslashreplace").decode()
    nothing = {one.name: evaluate(one, Solution.nothing_cached(one)).cost for one in SMOKE}
    assert {tuple(row[1:]) for row in rows if row[2] == mangled} == {(1.0, mangled, 0.5, 1.0, "ok")}
    assert {row[0]: row[3:] for row in rows if row[2] == "bad"} == {
        name: [cost, 25.0, "timeout"] for name, cost in nothing.items()
    }
    said = yaml.safe_load((tmp_path / "description.txt").read_text())
    assert mangled in said["algorithms_deterministic"]
    assert said["algorithm_cutoff_time"] == 3
    for n, (one, state) in enumerate(
        [*zip(failed, ("timeout", "memout", "crash", "other"), strict=True), (skipped, "not_applicable")]
    ):
        write(tmp_path / str(n), known, {"bad": [one], "good": [{}]})
        states = {row[2]: row[-1] for row in read_arff(tmp_path / str(n) / "algorithm_runs.arff")[2]}
        assert states == {"bad": state, "good": "ok"}


def test_all_files_are_of_the_same_instances(tmp_path, known):
    """Features, their status and folds have each instance once; folds keep a library together."""
    arff = pytest.importorskip("arff")
    write(tmp_path, known, {"one": [{}], "two": [{}, {"repetition": 1}]})
    for name in ("feature_values", "feature_runstatus", "cv"):
        with (tmp_path / f"{name}.arff").open() as file:
            found = arff.load(file)
        assert [row[:2] for row in found["data"]] == [[one, 1.0] for one in sorted(SMOKE.entries)]
    folds = {row[0]: row[2] for row in found["data"]}
    libraries = {name: entry.library for name, entry in SMOKE.entries.items()}
    assert len(set(folds.values())) == len(set(libraries.values())) > 1
    assert {(libraries[name], folds[name]) for name in folds} == {(n, n + 1.0) for n in libraries.values()}
    with (tmp_path / "feature_runstatus.arff").open() as file:
        assert {tuple(row[2:]) for row in arff.load(file)["data"]} == {("ok", "ok")}


def test_what_cannot_be_written_is_refused(tmp_path):
    """Runs of a suite that is not at hand have no features."""
    with journal.Journal(tmp_path / "made") as kept:
        kept.append(record("one", "a", 1.0), {})
    told = CliRunner().invoke(leaderboard, ["aslib", str(tmp_path / "made"), "-o", str(tmp_path / "it")])
    assert "suite: must be at hand" in str(told.exception)
    assert not (tmp_path / "it").exists()
