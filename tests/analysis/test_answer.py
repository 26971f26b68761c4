"""Solving an instance in this process."""

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from mincache import InputError, Instance, Run, Solution, Solver, evaluate, load, read_solution, solve
from mincache.problem.instance import Rules
from mincache.solving import registry

SMOKE = load("smoke-v1.l0.n10.t0")


@dataclass(frozen=True)
class Bounding(Solver):
    """Caches nothing, and reports a bound."""

    stochastic: ClassVar[bool] = True
    bound: float = 1.0
    seen: str = ""

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Answer from the cloud."""
        run.report(bound=self.bound)
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class Overfull(Solver):
    """Caches everything."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Answer with too much in store."""
        nothing = Solution.nothing_cached(instance)
        return Solution(nothing.instance, nothing.cache + 1, nothing.bandwidth_share, nothing.step_share)


def test_the_same_seed_gives_the_same_answer():
    """An answer repeats with its seed, and another seed draws other numbers."""
    answers = [solve(SMOKE, "random-allocation", seed=seed).solution for seed in (1, 1, 2)]
    assert answers[0] == answers[1] != answers[2]


def test_the_command_line_gives_the_same_answer(tmp_path):
    """`mincache solve` draws the same random numbers for the same seed."""
    path = tmp_path / "answer.json"
    command = [sys.executable, "-m", "mincache", "solve", SMOKE.name, "--solver", "genetic[generations=3]"]
    done = subprocess.run(
        [*command, "--seed", "2", "-o", str(path), "--json"], capture_output=True, text=True, check=True
    )
    answer = solve(SMOKE, "genetic[generations=3]", seed=2)
    assert answer.solution == read_solution(path)
    assert answer.evaluation.cost == json.loads(done.stdout)["score"]["cost"]


@pytest.mark.parametrize(
    ("solver", "title"),
    [
        ("genetic[generations=2]", "genetic[generations=2]"),
        (registry.make("genetic[generations=2]"), "genetic[generations=2]"),
        (registry.load("lru"), "lru"),
        (Bounding(2.0), "Bounding[bound=2.0]"),
        (Bounding, "Bounding"),
    ],
    ids=str,
)
def test_a_solver_is_text_an_object_or_a_class(solver, title):
    """Each form is taken, and the answer names it with what differs from the defaults."""
    answer = solve(SMOKE, solver)
    assert answer.solver == title
    assert answer.evaluation.cost == evaluate(SMOKE, answer.solution).cost
    assert title in repr(answer)
    assert "\n" not in repr(answer)


def test_the_gap_is_to_the_best_known_cost_of_this_very_instance():
    """A standard instance has a reference; one that was changed in any way has none."""
    listed = solve(SMOKE, Bounding)
    assert (listed.gap_to, listed.bound) == ("best known cost", 1.0)
    assert listed.gap == pytest.approx(listed.evaluation.cost / listed.reference.cost - 1)
    changed = solve(replace(SMOKE, preference_weight=0.5), Bounding)
    assert changed.reference is None
    assert changed.gap_to == "lower bound"
    assert changed.gap == pytest.approx(changed.evaluation.cost - 1)


def test_without_bound_and_reference_there_is_no_gap():
    """What nothing is known of has no gap."""
    answer = solve(replace(SMOKE, preference_weight=0.5), "cloud-only")
    assert (answer.gap, answer.gap_to, answer.bound) == (None, "", None)
    assert "unknown" in answer._repr_html_()


def test_an_infeasible_answer_has_no_gap():
    """It says what it breaks instead."""
    answer = solve(SMOKE, Overfull)
    assert answer.gap is None
    assert "breaks storage" in repr(answer)


def test_html_escapes_names():
    """A parameter's text cannot act in a notebook."""
    assert "<script>" not in solve(SMOKE, Bounding(seen="<script>"))._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("smoke-v1.l0.n10.t0", "lru"), "instance: must be an Instance; .* try mincache.load"),
        ((SMOKE, "lur"), "did you mean 'lru'"),
        ((SMOKE, 3), "solver: must be text such as .* received 3"),
        ((SMOKE, Solver), "solver Solver: must accept its parameters; .*abstract"),
        ((SMOKE, "lru", 0), "seconds: must be a number > 0"),
        ((SMOKE, "lru", float("nan")), "seconds: must be a number > 0"),
        ((SMOKE, "lru", 10**400), "seconds: must be a number > 0; received an integer of 1329 bits"),
        ((SMOKE, "lru", 1, -1), "seed: must be a whole number"),
        ((SMOKE, "lru", 1, 0.5), "seed: must be a whole number"),
        ((replace(SMOKE, rules=Rules(2)), Overfull), "solver Overfull: must support .* rule frame_slots"),
    ],
)
def test_what_cannot_be_solved_is_refused(arguments, told):
    """Each refusal is one line that says what to do."""
    with pytest.raises(InputError, match=told):
        solve(*arguments)


def test_an_answer_explains_itself():
    """The parts of the explanation add up to what the answer costs more than the proven optimum."""
    answer = solve(SMOKE, "popular-first")
    why = answer.explain()
    assert why.proven
    assert sum(why.parts.values()) == pytest.approx(answer.evaluation.cost - why.optimum, abs=1e-9)
    assert why.optimum == pytest.approx(answer.reference.cost, rel=1e-9)
    assert f"{why.gap:.6g} above the proven optimum" in repr(why)
    assert "<td>caching</td>" in why._repr_html_()
