"""Exported models mean the same to solvers outside, and their answers come back as solutions."""

import json
from dataclasses import replace

import highspy
import numpy as np
import pyscipopt
import pytest
from click.testing import CliRunner
from conftest import GOLDEN

from mincache import InputError, Run, Scenario, evaluate, read_instance, read_solution
from mincache.algebra.model_files import export, parse_values, read_answer, read_names
from mincache.cli.exchange import export as export_verb
from mincache.cli.exchange import import_ as import_verb
from mincache.errors import DocumentError
from mincache.files.documents import write_instance
from mincache.solving import registry

FOLDER = GOLDEN / "optimum" / "optimum-101"


@pytest.fixture
def problem():
    """An instance whose optimum is known."""
    return read_instance(FOLDER / "instance.json")


@pytest.fixture
def optimal():
    """The optimal cost of `problem`."""
    return float(json.loads((FOLDER / "expected.json").read_text())["optimal_cost"])


def by_scip(model, answer):
    """Solve a model's file with SCIP, which writes its answer."""
    scip = pyscipopt.Model()
    scip.hideOutput()
    scip.readProblem(str(model))
    scip.setParam("limits/gap", 1e-7)
    scip.optimize()
    scip.writeBestSol(str(answer))


def by_highs(model, answer):
    """Solve a model's file with HiGHS, which writes its answer in the raw style."""
    highspy.Highs.resetGlobalScheduler(True)  # whatever number of threads another test had
    highs = highspy.Highs()
    highs.silent()
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("mip_rel_gap", 1e-9)
    highs.readModel(str(model))
    highs.run()
    highs.writeSolution(str(answer), 0)


@pytest.mark.parametrize(
    ("file_format", "solve"), [("nl", by_scip), ("lp", by_highs), ("mps", by_highs), ("lp", by_scip)]
)
def test_round_trip_to_the_optimum(problem, optimal, tmp_path, file_format, solve):
    """A solver outside finds the known optimum in the file, and its answer is scored at it."""
    model = export(problem, tmp_path, file_format)
    solve(model, tmp_path / "answer.sol")
    evaluation = evaluate(problem, read_answer(tmp_path, tmp_path / "answer.sol")[0])
    assert evaluation.feasible
    assert evaluation.cost == pytest.approx(optimal, rel=1e-6)


def test_gams_names_every_decision(problem, tmp_path):
    """A GAMS file declares the variables that the map names, and has the answer written as a table."""
    text = export(problem, tmp_path, "gms").read_text()
    names = read_names(tmp_path)
    T, N, M = problem.slot_count, problem.user_count, problem.model_count
    assert len(names.decisions) == T * (M + 2 * N)
    assert all(f"put {name} " in text for name in names.decisions)
    assert "USING minlp minimizing" in text


def test_the_exported_instance_is_the_one_to_score(problem, tmp_path):
    """A slot's folder holds the slot as an instance of its own."""
    export(problem.slot(2), tmp_path, "lp")
    assert read_instance(tmp_path / "instance.json") == problem.slot(2)


def test_models_that_never_fit_are_named_too(problem, tmp_path):
    """A model larger than the storage stays in the file, so that the map names every decision."""
    small = replace(problem, server=replace(problem.server, storage_gb=1.0))
    for file_format in ("nl", "gms", "lp", "mps"):
        export(small, tmp_path / file_format, file_format)
        assert read_names(tmp_path / file_format).slots == problem.slot_count


def test_exact_models_are_not_linear(problem, tmp_path):
    """The exact formulation is refused where a file format cannot hold it."""
    with pytest.raises(InputError, match="piecewise or relaxed"):
        export(problem, tmp_path, "mps", "exact")


def test_answers_of_many_shapes(problem, tmp_path):
    """A value is found by its name, whatever table it stands in; the first one counts."""
    export(problem.slot(0), tmp_path, "nl")
    names = read_names(tmp_path)
    for line in (
        "cache[0,3] 1",
        "  7 cache[0,3]   1   -2.5",
        '"cache[0,3]",1',
        "cache[0,3] = 1;",
        "cache[0,3]\t1",
    ):
        assert parse_values(f"status: optimal\n{line}\ncache[0,3] 0\n", names) == {"cache[0,3]": 1.0}


def test_ampl_answers_have_no_names(problem, tmp_path):
    """AMPL's format is read by the order of the columns, past options and dual values."""
    export(problem.slot(0), tmp_path, "nl")
    names = read_names(tmp_path)
    values = np.arange(len(names.columns)) / 7
    numbers = "\n".join(map(repr, values.tolist()))
    counts = f"2\n2\n{len(values)}\n{len(values)}\n"
    text = f"solved\n\nOptions\n3\n0\n1\n0\n{counts}0.5\n-0.5\n{numbers}\nobjno 0 0\n"
    assert parse_values(text, names) == dict(zip(names.columns, values, strict=True))
    with pytest.raises(InputError, match="values after its line Options"):
        parse_values(text.replace(counts, "2\n2\n3\n3\n"), names)


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (b"", "must have lines with a name"),
        (b"x 1\n", "must have lines with a name"),
        (b"cache[0,0] one\n", "must be followed by its value"),
        (b"cache[0,0] 0.5\n", "must be 0 or 1"),
        (b"cache[0,0] nan\n", "a finite number"),
        (b"bandwidth_share[0,0] inf\n", "a finite number"),
        (b"\xff\xfe", "must be UTF-8"),
        (b"Options\n3\n1\n", "values after its line Options"),
    ],
)
def test_bad_answers_are_refused_in_one_line(problem, tmp_path, answer, rule):
    """An answer that cannot be read is refused with its path and the rule."""
    export(problem.slot(0), tmp_path, "nl")
    path = tmp_path / "answer.sol"
    path.write_bytes(answer)
    with pytest.raises(DocumentError, match=rule) as refusal:
        read_answer(tmp_path, path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"}, {"slots": 0}, {"slots": 10**9}, {"columns": None}, {"extra": 1},
        {"decisions": {}}, {"decisions": {"x": ["cache", 0, 99]}}, {"decisions": {"x": ["cache", -1, 0]}},
    ],
)  # fmt: skip
def test_bad_maps_are_refused(problem, tmp_path, change):
    """A map of names that does not fit its own arrays is refused before anything is made of it."""
    export(problem.slot(0), tmp_path, "lp")
    path = tmp_path / "names.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DocumentError, match=str(path)):
        read_names(tmp_path)


def test_a_file_is_no_folder(problem, tmp_path):
    """A folder that cannot be made is refused."""
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="must be a folder"):
        export(problem, tmp_path / "file", "lp")


def test_verbs(problem, tmp_path):
    """`export` and `import` lead from an instance's file to a solution's, at the slot's optimum."""
    runner = CliRunner()
    arguments = [str(FOLDER / "instance.json"), "--slot", "1", "--format", "lp", "-o", str(tmp_path / "x")]
    told = runner.invoke(export_verb, arguments, catch_exceptions=False)
    assert told.exit_code == 0, told.output
    model = tmp_path / "x" / "optimum-101.slot-1.lp"
    by_highs(model, tmp_path / "highs.sol")
    told = runner.invoke(
        import_verb, [str(tmp_path / "x"), str(tmp_path / "highs.sol"), "--json"], catch_exceptions=False
    )
    assert told.exit_code == 0, told.output
    answered = json.loads(told.stdout)
    assert answered["claimed_cost"] == pytest.approx(answered["cost"], rel=1e-4)
    solution = read_solution(tmp_path / "x" / "solution.json")
    best = registry.make("decomposition").solve(problem.slot(1), Run.seeded(0))
    found, least = (evaluate(problem.slot(1), answer) for answer in (solution, best))
    assert found.feasible
    assert found.cost == pytest.approx(least.cost, rel=1e-6)
    assert answered["cost"] == found.cost


def test_a_slot_that_is_not_there(tmp_path):
    """A slot beyond the last is refused."""
    arguments = [str(FOLDER / "instance.json"), "--slot", "4", "--format", "lp", "-o", str(tmp_path)]
    with pytest.raises(InputError, match="must be < T = 4"):
        CliRunner().invoke(export_verb, arguments, catch_exceptions=False)


def ruled(**rules):
    """Return a small instance with rules."""
    scenario = Scenario(users=4, models=4, slots=4, steps=400, **rules)
    return scenario.instance("ruled", scenario.library(2), scenario.trace(2, "trace"))


@pytest.mark.parametrize(("file_format", "solve"), [("nl", by_scip), ("lp", by_highs), ("mps", by_highs)])
def test_rules_come_along(tmp_path, file_format, solve):
    """A whole instance is exported with its rules, and answers keep them whatever the solver's tolerance."""
    problem = ruled(frame_slots=2, loading_s_per_gb=1, steps_floor=0.5)
    solve(export(problem, tmp_path, file_format), tmp_path / "answer.sol")
    found = evaluate(problem, read_answer(tmp_path, tmp_path / "answer.sol")[0])
    best = evaluate(problem, registry.make("highs").solve(problem, Run.seeded(0)))
    assert found.feasible, found.violations
    assert found.hit_ratio > 0
    assert found.cost == pytest.approx(best.cost, rel=2e-6)


@pytest.mark.parametrize("rule", [{"frame_slots": 2}, {"loading_s_per_gb": 0.5}])
def test_a_slot_by_itself_is_refused_where_rules_link_slots(tmp_path, rule):
    """`--slot` is refused in one line; a floor on steps alone links nothing."""
    path, runner = tmp_path / "ruled.json", CliRunner()
    arguments = [str(path), "--slot", "1", "--format", "lp", "-o", str(tmp_path / "x")]
    write_instance(ruled(**rule), path)
    with pytest.raises(InputError, match="--slot: must be left out where rules link slots") as refusal:
        runner.invoke(export_verb, arguments, catch_exceptions=False)
    assert "\n" not in str(refusal.value)
    write_instance(ruled(steps_floor=0.5), path)
    assert runner.invoke(export_verb, arguments, catch_exceptions=False).exit_code == 0


def test_another_instance_in_the_folder_is_refused(problem, tmp_path):
    """An answer is not read against an instance that it is no answer to."""
    export(problem.slot(0), tmp_path, "nl")
    write_instance(problem.slot(1), tmp_path / "instance.json")
    (tmp_path / "answer.sol").write_text("cache[0,0] 1\n")
    with pytest.raises(DocumentError, match="instance: must be"):
        read_answer(tmp_path, tmp_path / "answer.sol")


GLPK = """Status:     INTEGER OPTIMAL
Objective:  cost = 33.53575455 (MINimum)

   No. Column name       Activity     Lower bound   Upper bound
------ ------------    ------------- ------------- -------------
     1 cache[0,3]   *              1             0             1
   111 bandwidth_share[0,0]
                           0.0740491   0.000740121             1
"""
PRETTY = """Columns
    Index Status        Lower        Upper       Primal         Dual  Type        Name
        3                   0            1            1               Integer     cache[0,3]
      110         0.000740121            1    0.0740491               Continuous  bandwidth_share[0,0]

Model status: Optimal
Objective value: 33.53575455
"""


@pytest.mark.parametrize(("text", "status"), [(GLPK, "INTEGER OPTIMAL"), (PRETTY, "Optimal")])
def test_answers_for_people_are_read_with_what_they_claim(problem, tmp_path, text, status):
    """GLPK's and HiGHS's tables for people give the values, the status and the objective."""
    export(problem.slot(0), tmp_path, "nl")
    values = parse_values(text, read_names(tmp_path))
    assert values == {"cache[0,3]": 1.0, "bandwidth_share[0,0]": 0.0740491}
    (tmp_path / "answer.txt").write_text(text)
    assert read_answer(tmp_path, tmp_path / "answer.txt")[1] == (status, 33.53575455, True)


def test_import_tells_what_is_wrong_with_an_answer(problem, tmp_path):
    """Claimed and priced cost are shown; an answer cut off or of another status is warned of."""
    export(problem.slot(0), tmp_path, "lp")
    (tmp_path / "answer.txt").write_text("Infeasible - objective value 33.5\ncache(0_0) 1\n")
    told = CliRunner().invoke(import_verb, [str(tmp_path), str(tmp_path / "answer.txt")])
    assert told.exit_code == 0, told.output
    assert "it claims the cost 33.5, status 'Infeasible'; it costs inf" in told.output
    assert told.output.count("note: ") == 3


def test_mps_files_have_no_section_that_glpk_refuses(problem, tmp_path):
    """The objective's sense, which is the default one, is not written."""
    path = export(problem.slot(0), tmp_path, "mps")
    assert "OBJSENSE" not in path.read_text()
    assert "ROWS" in path.read_text()
