"""The public checks find what they are there to find, and nothing else."""

import pytest

from mincache.errors import InputError
from mincache.solving.conformance import ConformanceError, check_instances, check_solver, iter_checks

HEADER = """
import random
import time
from dataclasses import dataclass
import numpy as np
from mincache import Instance, Run, Solution, Solver

@dataclass(frozen=True)
class Broken(Solver):
    '''Broken in one way.'''

    def solve(self, instance: Instance, run: Run) -> Solution:
        answer = Solution.nothing_cached(instance)
        T, N, M = instance.slot_count, instance.user_count, instance.model_count
        name, cache, bandwidth, steps = instance.name, *answer.decisions
        def with_cache(cache): return Solution(name, cache, bandwidth, steps)
        def with_steps(steps): return Solution(name, cache, bandwidth, steps)
"""
SMOKE = "smoke-v1.l0.n10.t0"

# What fails in which check; the body of `solve` goes on after the header.
FAULTS = [
    (
        "same seed, same answer",
        "draw from run.rng",
        "return with_steps(np.random.default_rng().random((T, N)) / N)",
    ),
    ("stochastic as declared", "stochastic: ClassVar", "return with_steps(run.rng.random((T, N)) / N)"),
    ("no global randomness", "draw from run.rng", "np.random.random(); return answer"),
    ("no global randomness", "draw from run.rng", "random.random(); return answer"),
    (
        "changes nothing it is given",
        "copy its arrays",
        "bits = instance.trace.input_bits\n        if bits.flags.writeable: bits[:] = 1.0\n"
        "        return answer",
    ),
    (
        "minds its deadline",
        "run.should_stop()",
        "if run.remaining() < 10: time.sleep(0.75)\n        return answer",
    ),
    (
        "minds its deadline",
        "feasible answer before",
        "return with_steps(np.ones((T, N))) if run.remaining() < 10 else answer",
    ),
    ("incumbents and bounds", "count as an answer", "run.report(with_steps(np.ones((T, N)))); return answer"),
    (f"feasible: {SMOKE}", "sum to at most storage_gb", "return with_cache(np.ones((T, M)))"),
    (f"feasible: {SMOKE}", "step shares by their sum", "return with_steps(np.ones((T, N)))"),
    (f"feasible: {SMOKE}", "mincache.Solution", "return None"),
    (
        f"feasible: {SMOKE}",
        "mincache.Solution",
        "return type('Own', (Solution,), {})(name, cache, bandwidth, steps)",
    ),
    (f"feasible: {SMOKE}", "supports()", "raise KeyError('no such thing')"),
    (f"feasible: {SMOKE}", "supports()", "raise SystemExit(0)"),
    (f"feasible: {SMOKE}", "supports()", "raise type('Mute', (Exception,), {'__str__': 1})()"),
    ("feasible: one user, one model", "supports()", "return answer if N > 1 else 1 / (N - 1)"),
    ("feasible: 60 users, 30 models", "supports()", "return answer if N < 60 else 1 / (N - 60)"),
]


def failed_checks(folder, body, header=HEADER):
    """The failed checks of the solver with this body of `solve`."""
    path = folder / "broken.py"
    path.write_text(f"{header}        {body}\n")
    return {check.name: check for check in iter_checks(f"{path}:Broken") if check.outcome == "failed"}


@pytest.mark.parametrize(("name", "advice", "body"), FAULTS)
def test_each_fault_fails_its_check(name, advice, body, tmp_path):
    """A solver with one fault fails the check of that fault, which says what to do."""
    failed = failed_checks(tmp_path, body)
    assert name in failed
    assert advice in failed[name].advice
    assert all(check.detail and check.advice for check in failed.values())


def test_a_test_that_only_calls_the_checks_fails_for_a_bad_solver(tmp_path):
    """The call itself raises, with a line for each failed check that says what was seen and what to do."""
    failed = failed_checks(tmp_path, "random.random(); return with_steps(run.rng.random((T, N)) / N)")
    assert len(failed) == 2
    with pytest.raises(ConformanceError) as caught:
        check_solver(f"{tmp_path / 'broken.py'}:Broken")
    assert isinstance(caught.value, AssertionError)
    lines = [f"{check.name}: {check.detail}; {check.advice}" for check in failed.values()]
    assert str(caught.value).splitlines() == lines
    assert [check.name for check in caught.value.failed] == list(failed)
    with pytest.raises(InputError, match="must be installed"):
        check_solver("no-such-solver")


def test_a_solver_that_passes_returns_its_checks():
    """Where nothing fails, the checks come back, those of every instance among them."""
    checks = check_solver("cloud-only")
    assert {check.outcome for check in checks} == {"passed"}
    assert checks[0].detail == "cloud-only"
    assert {f"feasible: {title}" for title, _ in check_instances()} < {check.name for check in checks}


@pytest.mark.parametrize(
    "change",
    [
        "object.__setattr__(instance.server, 'storage_gb', 1e9)",
        "object.__setattr__(instance, 'server', dataclasses.replace(instance.server, storage_gb=1e9))",
    ],
)
def test_a_solver_gains_nothing_by_changing_its_instance(change, tmp_path):
    """A solver that makes its server larger is told so, on every instance, and is judged on the true one."""
    header = HEADER.replace("import random\n", "import dataclasses\nimport random\n")
    failed = failed_checks(tmp_path, f"{change}; return with_cache(np.ones((T, M)))", header)
    assert failed.keys() == {f"feasible: {title}" for title, _ in check_instances()}
    assert {check.detail for check in failed.values()} == {"solve() changed the instance"}
    undone = "size = instance.server.storage_gb; " + change.replace("1e9", "size") + "; "
    assert failed_checks(tmp_path, undone + "return answer", header) == {}


def test_a_worse_incumbent_is_found(tmp_path):
    """Incumbents must not get worse: an equal split of the band beats one that starves a user."""
    body = """
        starved = answer.bandwidth_share.copy()
        starved[:, 0] /= 100
        run.report(answer)
        return Solution(answer.instance, answer.cache, starved, answer.step_share)
"""
    failed = failed_checks(tmp_path, body.strip())
    assert failed.keys() == {"incumbents and bounds"}
    assert "worse than the one before" in failed["incumbents and bounds"].detail


@pytest.mark.parametrize(
    ("above", "title", "held_against"),
    [(1.0, "60 users, 30 models", "its own cost"), (-1e-3, SMOKE, "the known optimum")],
)
def test_a_bound_is_held_against_the_optimum(above, title, held_against, tmp_path):
    """A bound may exceed neither the solver's own cost nor, on the standard suite, the optimum."""
    header = HEADER.replace("import Instance", "import evaluate, Instance")
    body = f"run.report(bound=evaluate(instance, answer).cost + {above}); return answer"
    failed = failed_checks(tmp_path, body, header)
    assert held_against in failed[f"feasible: {title}"].detail


def test_changed_parameters_are_found(tmp_path):
    """A solver that writes to its own parameters fails, though its class is frozen."""
    header = HEADER.replace("in one way.'''\n", "in one way.'''\n\n    used: int = 0\n")
    body = "object.__setattr__(self, 'used', self.used + 1); return answer"
    failed = failed_checks(tmp_path, body, header)
    assert "local variables" in failed["changes nothing it is given"].advice


def test_nothing_more_is_said_where_nothing_is_feasible(tmp_path):
    """A solver without any feasible answer fails on each instance, and its behaviour is not judged."""
    failed = failed_checks(tmp_path, "return None")
    assert failed.keys() == {f"feasible: {title}" for title, _ in check_instances()}


def test_rules_that_a_solver_says_it_keeps_are_checked(tmp_path):
    """A solver that names a rule must keep it: this one changes its cache within a frame."""
    header = HEADER.replace("in one way.'''\n", "in one way.'''\n\n    rules = ('frame_slots',)\n")
    body = "cache = cache.copy(); cache[1::2, instance.models.size_gb.argmin()] = 1; return with_cache(cache)"
    failed = failed_checks(tmp_path, body, header)
    assert failed["feasible: its rules"].detail == "infeasible: frame"
    assert "same in all slots" in failed["feasible: its rules"].advice


@pytest.mark.parametrize(
    "default",
    ["''", "'a, b'", '"it\'s"', "'none'", "None", "3", "-0.5", "True", "Path('x/y.bin')", "Hue.RED"],
)
def test_parameters_are_read_as_they_are_written(default, tmp_path):
    """A default of any plain type survives being written out and parsed."""
    kind = {"No": "str | None", "3": "int", "-0": "float", "Tr": "bool", "Pa": "Path", "Hu": "Hue"}.get(
        default[:2], "str"
    )
    imported = (
        "from enum import Enum\nfrom pathlib import Path\nHue = Enum('Hue', 'RED BLUE')\nimport random\n"
    )
    header = HEADER.replace("import random\n", imported).replace(
        "in one way.'''\n", f"in one way.'''\n\n    value: {kind} = {default}\n"
    )
    assert failed_checks(tmp_path, "return answer", header) == {}


def test_parameters_that_change_while_a_solver_is_made_are_found(tmp_path):
    """A solver that would be another one if it were made of its own parameters fails the first check."""
    made = (
        "value: float = 1.0\n    def __post_init__(self): object.__setattr__(self, 'value', self.value + 1)"
    )
    header = HEADER.replace("in one way.'''\n", f"in one way.'''\n\n    {made}\n")
    assert "__post_init__" in failed_checks(tmp_path, "return answer", header)["parameters parse"].advice


def test_parameters_that_do_not_parse_are_found(tmp_path):
    """A parameter of a type that no text makes fails the first check."""
    header = HEADER.replace("in one way.'''\n", "in one way.'''\n\n    value: tuple[int, ...] = (1, 2)\n")
    assert "plain type" in failed_checks(tmp_path, "return answer", header)["parameters parse"].advice


def test_an_unsupported_instance_is_not_a_failure(tmp_path):
    """What `supports` declines is shown as not applicable, with its sentence."""
    path = tmp_path / "picky.py"
    path.write_text(
        HEADER.replace(
            "    def solve",
            "    def supports(self, instance):\n"
            "        return 'only on Sundays' if instance.user_count == 10 else None\n\n    def solve",
        )
        + "        return answer\n"
    )
    checks = check_solver(f"{path}:Broken")
    details = {check.detail for check in checks if check.outcome == "not applicable"}
    assert details == {"only on Sundays"}


def test_a_solver_that_declines_everything_fails(tmp_path):
    """Of a solver that answers no instance nothing was checked, and that is a failure."""
    header = HEADER.replace(
        "    def solve", "    def supports(self, instance):\n        return 'never'\n\n    def solve"
    )
    assert set(failed_checks(tmp_path, "return answer", header)) == {"answers an instance"}


@pytest.mark.parametrize("answer", ["False", "True", "''"])
def test_supports_answers_none_or_a_sentence(answer, tmp_path):
    """A solver whose `supports` answers with anything else fails, and is not taken to have declined."""
    header = HEADER.replace(
        "    def solve", f"    def supports(self, instance):\n        return {answer}\n\n    def solve"
    )
    assert f"feasible: {SMOKE}" in failed_checks(tmp_path, "return answer", header)


def test_the_instances_are_varied():
    """Among the instances are ones with one user, with many, and with storage for nothing."""
    instances = [instance for _, instance in check_instances()]
    assert min(instance.user_count for instance in instances) == 1
    assert max(instance.user_count for instance in instances) >= 50
    assert any(instance.server.storage_gb < instance.models.size_gb.min() for instance in instances)
