"""A quantity added to the instance changes nothing published, and no method passes over it in silence.

The package is copied, the copy gets the lines that somebody would write who adds a quantity that prices, and
everything below runs in the copy.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCALAR = """
    retry_s: Annotated[float, Quantity("r", "s", "wait of every request", at_least=0, default=0)] = 0.0
"""
ARRAY = """
    pause_s: Annotated[
        Array, Quantity("p", "s", "wait of each request", "TN", at_least=0, default=0)
    ] = 0.0  # type: ignore[assignment]
"""
RULE = """
    most_cached: Annotated[int, Quantity("k", "1", "models cached at most", whole=True, default=99)] = 99
"""
PRICED = "equations.total_delay_s(upload + backhaul, terms.download_s, generation)"
WAITS = " + instance.radio.retry_s + instance.trace.pause_s.ravel()"
USED = """
import json
from dataclasses import replace
import numpy as np
from mincache import Solution, evaluate
from mincache.generation.suites import find_instance
from mincache.problem.instance import Rules

plain = find_instance("smoke-v1.l0.n10.t0")
pause_s = np.zeros((plain.slot_count, plain.user_count))
pause_s[1, 2] = 50.0
USED = {
    "radio.retry_s": replace(plain, radio=replace(plain.radio, retry_s=3.0)),
    "trace.pause_s": replace(plain, trace=replace(plain.trace, pause_s=pause_s)),
    "most_cached": replace(plain, rules=Rules(most_cached=2)),
}
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a mincache whose instances have a number, an array and a rule more."""
    folder = tmp_path_factory.mktemp("changed")
    shutil.copytree(ROOT / "mincache", folder / "mincache", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("solvers", "instances"):
        (folder / "mincache" / name).symlink_to(ROOT / name)
    instance = folder / "mincache" / "problem" / "instance.py"
    sections = instance.read_text().split("\n\n\n")
    for n, section in enumerate(sections):
        for kind, lines in {"class Radio(": SCALAR, "class Trace(": ARRAY}.items():
            if kind in section.partition("\n    ")[0]:
                sections[n] = section + lines
        if "class Rules(" in section:
            sections[n] = section.replace("\n    @property", RULE + "\n    @property", 1)
    instance.write_text("\n\n\n".join(sections))
    evaluation = folder / "mincache" / "problem" / "evaluation.py"
    text = evaluation.read_text()
    assert PRICED in text
    evaluation.write_text(text.replace(PRICED, PRICED + WAITS))
    return folder


def run(copy: Path, *arguments: str) -> str:
    """Return what Python prints in the copy."""
    variables = os.environ | {"PYTHONPATH": str(copy)}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, env=variables, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_published_bytes_stay(copy):
    """Every file of a published suite is still as its recipe draws it."""
    said = run(copy, "-m", "mincache.cli.main", "instances", "verify", "smoke-v1")
    assert "4 of 4" in said


def test_it_is_priced_and_survives_a_document(copy):
    """The cost grows by the wait, and a document has the quantity where it is used, an array in full."""
    lines = """
from mincache.files.documents import instance_bytes, parse_instance
from mincache.files.documents import json_schema
solution = Solution.nothing_cached(plain)
cost, requests = evaluate(plain, solution).cost, plain.trace.requested_model.size
for name, wait_s in {"radio.retry_s": 3.0, "trace.pause_s": 50.0 / requests, "most_cached": 0.0}.items():
    used = USED[name]
    assert used.used_rules == (name,)
    assert abs(evaluate(used, solution).cost - cost - plain.preference_weight * wait_s) < 1e-9
    data = instance_bytes(used)
    assert parse_instance(data) == used and data != instance_bytes(plain)
    section, _, field = ("rules." + name if "." not in name else name).partition(".")
    document = json.loads(data)
    assert field in document[section]
    assert json_schema("instance")["properties"][section]["properties"][field]["default"] is not None
    assert field not in json_schema("instance")["properties"][section]["required"]
assert plain.trace.pause_s.shape == plain.trace.input_bits.shape
slot = USED["trace.pause_s"].slot(1)
assert slot.trace.pause_s.max() == 50.0 and slot.used_rules == ("trace.pause_s",)
assert USED["trace.pause_s"].slot(0).used_rules == ()
"""
    run(copy, "-c", USED + lines)


def test_every_solver_declines_it_by_name(copy):
    """Each registered solver says in a sentence that it does not know the quantity, whichever it is."""
    lines = """
from mincache.solving import registry
reasons = {}
for name in registry.names():
    solver = registry.make('external[command="cp {instance} {solution}"]' if name == "external" else name)
    reasons[name] = {used: solver.supports(instance) for used, instance in USED.items()}
print(json.dumps(reasons))
"""
    reasons = json.loads(run(copy, "-c", USED + lines))
    assert len(reasons) == 31
    for name, said in reasons.items():
        for used, reason in said.items():
            assert used in (reason or ""), name


def test_what_prices_without_the_evaluator_declines_it(copy):
    """Exact search, algebraic models, certificates and views refuse such an instance by name."""
    lines = """
from pathlib import Path
from mincache.algebra import milp, model_files
from mincache.certificate import certify
from mincache.errors import InputError
from mincache.files.documents import instance_bytes
from mincache.exact.optimum import optimum
from mincache.views.environment import EdgeCachingEnv
from mincache.views.pymoo_problem import SlotProblem
from mincache.views.vector import VectorView
for name, instance in USED.items():
    for use in (
        optimum, milp.apply, EdgeCachingEnv, VectorView().apply,
        lambda instance: certify(instance_bytes(instance)),
        lambda instance: SlotProblem(instance, VectorView()),
        lambda instance: model_files.export(instance, Path("exported"), "lp"),
    ):
        try:
            use(instance)
        except InputError as error:
            assert error.field == "rules" and name in str(error), (use, error)
        else:
            raise AssertionError((name, use))
"""
    run(copy, "-c", USED + lines)
