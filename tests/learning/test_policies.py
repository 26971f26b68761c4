"""Policy files: what is written is what is read, and nothing else is read."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from mincache.errors import DocumentError, InputError
from mincache.learning import policies
from mincache.learning.policies import Policy, PolicyCard, problem_digest, read_policy, write_policy

CARD = PolicyCard(
    solver="ddpg",
    parameters={"discount": 0.99, "hidden": 3},
    problem="0" * 64,
    users=10,
    models=10,
    versions=("counts/1", "scaled-sigmoid/1"),
    seed=1,
)
WEIGHTS = {"b": np.arange(3, dtype=np.float32), "a": np.ones((2, 3), dtype=np.float16)}


@pytest.fixture
def path(tmp_path):
    """Where a test's policy stands."""
    return tmp_path / "p.safetensors"


def save(path, card: dict | str, weights=WEIGHTS):
    """Write a file with any card."""
    text = card if isinstance(card, str) else json.dumps(card)
    save_file(weights, path, metadata={"mincache": text})


def test_a_policy_survives_its_file(path):
    """Card and weights, of either precision, are the same when read again, and the bytes are canonical."""
    write_policy(path, Policy(CARD, WEIGHTS))
    first, read = path.read_bytes(), read_policy(path)
    assert read.card == CARD
    assert all((read.weights[k] == w).all() and read.weights[k].dtype == w.dtype for k, w in WEIGHTS.items())
    write_policy(path, Policy(CARD, dict(reversed(WEIGHTS.items()))))
    assert path.read_bytes() == first


FIELDS = CARD.model_dump(mode="json")


@pytest.mark.parametrize(
    ("card", "rule"),
    [
        (FIELDS | {"format": "mincache-policy/2"}, "format: must be 'mincache-policy/1'"),
        (FIELDS | {"users": 0}, "users: must be >= 1"),
        (FIELDS | {"extra": 1}, "extra: must be a known field"),
        ({k: v for k, v in FIELDS.items() if k != "problem"}, "problem: must be present"),
        ("{", "document: must be JSON"),
        ("[]", "document: must be an object"),
    ],
)
def test_a_malformed_card_is_refused(path, card, rule):
    """A card of another format, or with a field that breaks a rule, is one line with the file's name."""
    save(path, card)
    with pytest.raises(DocumentError, match="must be") as refusal:
        read_policy(path)
    assert str(refusal.value).startswith(f"{path}: {rule}")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("data", [b"", b"junk", b"\x80\x04N.", (2**60).to_bytes(8, "little") + b"{}"])
def test_what_is_not_safetensors_is_refused(path, data):
    """Bytes of any other kind, pickles included, are refused in one line."""
    path.write_bytes(data)
    with pytest.raises(DocumentError, match="must be safetensors"):
        read_policy(path)


@pytest.mark.parametrize("shape", [[0, 2**62, 2], [0] + [1] * 100])
def test_a_shape_that_numpy_lacks_is_refused(path, shape):
    """Safetensors lets an empty array have any shape; one that numpy cannot hold is refused in one line."""
    tensor = {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}
    header = json.dumps({"__metadata__": {"mincache": json.dumps(FIELDS)}, "a": tensor}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(DocumentError, match=r"weights\.a: must fit into numpy"):
        read_policy(path)


def test_a_name_too_long_for_a_file_is_refused():
    """What the system cannot look up is no file."""
    with pytest.raises(DocumentError, match="must be a regular file"):
        read_policy("x" * 5000)


def test_a_missing_or_huge_file_is_refused(path, monkeypatch):
    """A file that is not there, or larger than the cap, is not opened."""
    with pytest.raises(DocumentError, match="must be a regular file"):
        read_policy(path)
    write_policy(path, Policy(CARD, WEIGHTS))
    monkeypatch.setattr(policies, "MAX_POLICY_BYTES", 10)
    with pytest.raises(DocumentError, match="must hold at most 10 bytes"):
        read_policy(path)
    with pytest.raises(InputError, match="policy: must hold at most 10 bytes"):
        write_policy(path, Policy(CARD, WEIGHTS))


@pytest.mark.parametrize(
    ("weight", "rule"),
    [
        (np.array([1, 2]), "float32 or float16"),
        (np.array([np.nan], dtype=np.float32), "finite"),
        (np.array([-3e38], dtype=np.float32), "at most 65504 in size"),
    ],
)
def test_strange_weights_are_refused(path, weight, rule):
    """Weights are finite and float32 or float16, in a file and before it is written."""
    save(path, FIELDS, {"a": weight})
    with pytest.raises(DocumentError, match=rule):
        read_policy(path)
    with pytest.raises(InputError, match=rule):
        Policy(CARD, {"a": weight})


def test_safetensors_without_a_card_are_refused(path):
    """Weights of somebody else's network are no policy."""
    save_file(WEIGHTS, path)
    with pytest.raises(DocumentError, match="must hold a card"):
        read_policy(path)


@pytest.mark.parametrize(
    ("wanted", "rule"),
    [
        ({"a": (2, 3)}, "weights.b: must not be in the file"),
        ({"a": (2, 3), "b": (4,)}, r"weights.b: must have shape \[4\]; received \[3\]"),
        ({"a": (2, 3), "b": (3,), "c": (1,)}, "weights.c: must have shape"),
    ],
)
def test_weights_of_another_shape_are_refused(wanted, rule):
    """A missing, a surplus and a misshapen weight are each named."""
    with pytest.raises(ValueError, match=rule):
        Policy(CARD, WEIGHTS).check_shapes(wanted)


def test_the_problem_is_all_but_the_trace(instance):
    """A policy is for every trace and name, and for one library, radio, server, weight and N alone."""
    same = [instance.slot(0), replace(instance, name="other"), replace(instance, origin={"a": 1})]
    other = [
        replace(instance, preference_weight=0.5),
        replace(instance, server=replace(instance.server, steps=999.0)),
        replace(instance, radio=replace(instance.radio, uplink_hz=1e7)),
        replace(instance, models=replace(instance.models, size_gb=instance.models.size_gb * 2)),
    ]
    digest = problem_digest(instance)
    assert {problem_digest(i) for i in same} == {digest}
    assert digest not in {problem_digest(i) for i in other}
