"""From a file to a network: whatever a file holds, it is a network or one line."""

import numpy as np
import pytest

from mincache import InputError, Run
from mincache.generation.suites import find_instance
from mincache.learning import policies
from mincache.solving import registry

INSTANCE = find_instance("smoke-v1.l0.n10.t0")
FIRST = {
    "ddpg": "layers.0.bias",
    "ddpg[variant=sets]": "models.embed.0.bias",
    "set-policy": "models.embed.0.bias",
}


@pytest.fixture(params=FIRST)
def spec(request):
    """A solver whose policies ship."""
    return request.param


def changed(spec, tmp_path, name, weight):
    """Return the solver with its shipped policy, in which one weight is another, or none."""
    solver = registry.make(spec)
    policy = policies.read_policy(solver.found(INSTANCE))
    weights = {k: v for k, v in policy.weights.items() if k != name}
    path = tmp_path / "p.safetensors"
    policies.write_policy(
        path, policies.Policy(policy.card, weights if weight is None else weights | {name: weight})
    )
    name, _, given = spec.rstrip("]").partition("[")
    return registry.make(f"{name}[policy={path}{',' if given else ''}{given}]"), path


@pytest.mark.parametrize(
    "weight",
    [
        np.float32(1.0).reshape(()),
        np.zeros(3_000_000, dtype=np.float16),
        np.zeros((0,), dtype=np.float32),
        np.zeros((3, 3), dtype=np.float32),
        None,
    ],
    ids=["a number", "huge", "empty", "a matrix", "missing"],
)
def test_weights_of_another_shape_are_one_line(spec, tmp_path, weight):
    """No network is laid out in memory before all shapes are right, however large the file's is."""
    solver, path = changed(spec, tmp_path, FIRST[spec], weight)
    with pytest.raises(InputError, match=r"must (have shape|not be there)") as refusal:
        solver.solve(INSTANCE, Run.seeded(0))
    assert str(refusal.value).startswith(f"{path}: weights.")


def test_float16_weights_answer_in_float32(spec, tmp_path):
    """Weights that are rounded by float16 anyway answer the same, in either precision of the file."""
    solver = registry.make(spec)
    policy = policies.read_policy(solver.found(INSTANCE))
    weight = policy.weights[FIRST[spec]]
    other, _ = changed(spec, tmp_path, FIRST[spec], weight.astype(np.float16).astype(np.float32))
    halved, _ = changed(spec, tmp_path, FIRST[spec], weight.astype(np.float16))
    assert other.solve(INSTANCE, Run.seeded(0)) == halved.solve(INSTANCE, Run.seeded(0))
