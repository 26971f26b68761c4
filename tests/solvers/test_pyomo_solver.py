"""`pyomo` hands the algebraic view to any solver, and says what is missing."""

import json

import pytest
from conftest import GOLDEN

from mincache import InputError, MincacheError, Run, evaluate, read_instance
from mincache.solving import registry

FOLDER = GOLDEN / "optimum" / "optimum-100"


@pytest.fixture
def optimal():
    """The optimal cost of `problem`."""
    return float(json.loads((FOLDER / "expected.json").read_text())["optimal_cost"])


@pytest.fixture
def problem():
    """A small instance whose optimum is known."""
    return read_instance(FOLDER / "instance.json")


def run(instance, parameters):
    """Return the evaluation of the answer with these parameters, and its bound."""
    run = Run.seeded(0, 120.0)
    return evaluate(instance, registry.make(f"pyomo[{parameters}]").solve(instance, run)), run.bound


@pytest.mark.parametrize(
    "parameters",
    [
        "solver=highs",
        "solver=appsi_highs,threads=2",
        "solver=scip_direct",
        "solver=scip_direct,formulation=piecewise",
    ],
)
def test_known_optimum(problem, optimal, parameters):
    """Whichever solver and whichever way Pyomo talks to it, the known optimum comes out, with a bound."""
    evaluation, bound = run(problem, parameters)
    assert evaluation.feasible
    assert evaluation.cost == pytest.approx(optimal, rel=3e-6)
    assert optimal * (1 - 5e-6) <= bound <= optimal


def test_relaxed_answers_are_rounded(problem, optimal):
    """A fractional answer becomes a feasible one, and the relaxed optimum is the bound."""
    evaluation, bound = run(problem, "solver=highs,formulation=relaxed")
    assert evaluation.feasible
    assert bound < optimal < evaluation.cost < 1.01 * optimal


def test_incumbent_at_a_limit(problem, optimal):
    """Stopped at its first solution, the solver's incumbent is taken, and its bound holds."""
    evaluation, bound = run(problem, 'solver=scip_direct,options="limits/solutions=1;presolving/maxrounds=0"')
    assert evaluation.feasible
    assert bound <= optimal
    assert evaluation.cost > optimal


@pytest.mark.parametrize(
    ("solver", "install"),
    [
        ("nosuchsolver", "not a name that Pyomo itself knows"),
        ("gurobbi", "did you mean 'gurobi'?"),
        ("cplex", "'cplex' is on PATH"),
        ("bonmin", "conda install -c conda-forge coin-or-bonmin"),
        ("gams", "gams.com"),
        ("xpress", "pip install xpress"),
    ],
)
def test_missing_solver(problem, solver, install):
    """A missing solver says in a sentence what to install, and solving raises it."""
    missing = registry.make(f"pyomo[solver={solver}]")
    assert install in missing.supports(problem)
    with pytest.raises(MincacheError, match="not installed"):
        missing.solve(problem, Run.seeded(0))


def test_missing_subsolver(problem):
    """A solver made of solvers tells which of them is missing, and that it calls that one."""
    missing = registry.make("pyomo[solver=mindtpy,options=nlp_solver=nosuchsolver]").supports(problem)
    assert "'nosuchsolver'" in missing
    assert missing.endswith("(mindtpy calls it)")


def test_failure_is_no_answer(problem):
    """A solver that cannot take the model raises; nothing is made up in its place."""
    with pytest.raises(Exception, match="degree"):
        run(problem, "solver=highs,formulation=exact")


def test_options_must_be_pairs():
    """Options without a value are refused in one line."""
    with pytest.raises(InputError, match="name=value"):
        registry.make("pyomo[options=fast]")
