"""Policy files, `mincache-policy/1`: trained weights as safetensors, with a card that says what they are.

A policy is data: safetensors holds plain numbers, and the card is strict JSON in its header.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from mincache.errors import InputError, excerpt, in_file
from mincache.files.documents import digest, instance_bytes, parse_json, write_bytes
from mincache.files.paths import kept_while_same
from mincache.files.tables import Count, PairOf, Seed, StrictTable, validated
from mincache.problem.evaluation import EVALUATOR_VERSION
from mincache.problem.instance import Instance, Trace
from mincache.problem.quantity import Array

POLICY_FORMAT: Literal["mincache-policy/1"] = "mincache-policy/1"
MAX_POLICY_BYTES = 32 * 1024 * 1024  # a policy file may not be larger than this; ours hold at most 0.1 MB
LARGEST_WEIGHT = float(np.finfo(np.float16).max)
"""No weight may be larger in size, so that each has a float16 near it."""
ANY_PROBLEM = "any"  # what a card says in place of a problem's digest if the policy is for every problem
_CARD_KEY = "mincache"


class PolicyCard(StrictTable):
    """What a policy is, and what it is for.

    Attributes:
        solver: the registered name of the solver that made it.
        parameters: every parameter of the solver that the training depended on.
        problem: `problem_digest` of the instances that it is for, or `any`.
        title: the same for people, such as `paper-v1 library 0, 10 users`.
        versions: the view's observation and action with their versions, such as `counts/1`.
        evaluator: version of the evaluator that priced its rewards.
    """

    format: Literal["mincache-policy/1"] = POLICY_FORMAT
    solver: str
    parameters: dict[str, Any]
    problem: str = Field(pattern=f"^([0-9a-f]{{64}}|{ANY_PROBLEM})$")
    title: str = ""
    users: Count | None = None
    models: Count | None = None
    versions: PairOf[str]
    seed: Seed
    evaluator: str = EVALUATOR_VERSION


@dataclass(frozen=True)
class Policy:
    """A trained policy: its card and its named weights, float32 or float16, none too large for float16.

    Raises:
        InputError: if a weight is of another type, too large, infinite or NaN.
    """

    card: PolicyCard
    weights: Mapping[str, Array]

    def __post_init__(self) -> None:
        for name, weight in self.weights.items():
            if weight.dtype not in (np.float32, np.float16):
                raise InputError(f"weights.{name}", "must be float32 or float16", str(weight.dtype))
            if not (abs(weight) <= LARGEST_WEIGHT).all():
                rule = f"must be finite and at most {LARGEST_WEIGHT:g} in size"
                raise InputError(f"weights.{name}", rule, "a larger number, infinity or NaN")

    def in_float16(self) -> Policy:
        """Return the policy with its weights rounded to float16: a file half as large."""
        return Policy(self.card, {name: weight.astype(np.float16) for name, weight in self.weights.items()})

    def check_shapes(self, wanted: Mapping[str, tuple[int, ...]]) -> None:
        """Refuse the first weight whose name or shape is another than a network wants."""
        for name in sorted(wanted.keys() | self.weights.keys()):
            received = list(self.weights[name].shape) if name in self.weights else "nothing"
            shape = list(wanted[name]) if name in wanted else "nothing"
            if received != shape:
                rule = "must not be in the file" if name not in wanted else f"must have shape {shape}"
                raise InputError(f"weights.{name}", rule, excerpt(received))


def problem_digest(instance: Instance) -> str:
    """Return the SHA-256 of everything of an instance but its name, trace and origin."""
    one_slot = np.ones((1, instance.user_count))
    trace = Trace(np.zeros(1), one_slot, np.zeros_like(one_slot), one_slot)
    return digest(instance_bytes(replace(instance, name="problem", trace=trace, origin=None)))


def check_size(weights: Mapping[str, Any]) -> None:
    """Refuse a policy with so many weights that its file would be larger than may be read."""
    if (size := sum(weight.nbytes for weight in weights.values())) > MAX_POLICY_BYTES:
        advice = "train with fewer hidden units or users"
        raise InputError("policy", f"must hold at most {MAX_POLICY_BYTES} bytes", str(size), advice)


def write_policy(path: str | os.PathLike[str], policy: Policy) -> None:
    """Write a policy, replacing the file in one step; the same policy is the same bytes.

    Raises:
        InputError: if it is larger than a policy that may be read.
    """
    check_size(policy.weights)
    # One key alone: safetensors writes several in no fixed order.
    header = {_CARD_KEY: policy.card.model_dump_json()}
    weights = {name: np.ascontiguousarray(weight) for name, weight in policy.weights.items()}
    write_bytes(path, save(weights, metadata=header))


def read_policy(path: str | os.PathLike[str]) -> Policy:
    """Read a policy; one that is malformed is a DocumentError."""
    with in_file(path), open_tensors(Path(path), MAX_POLICY_BYTES) as file:
        return Policy(_card(file.metadata()), _weights(file))


@kept_while_same(files=1024)
def read_card(path: Path) -> PolicyCard:
    """Read the card of a policy and none of its weights; it is kept as long as the file stays the same."""
    with in_file(path), open_tensors(path, MAX_POLICY_BYTES) as file:
        return _card(file.metadata())


def open_tensors(path: Path, max_bytes: int) -> Any:
    """Return an open safetensors file, a context manager; the library leaves its methods untyped."""
    if not os.path.isfile(path):
        there = "another kind of file" if os.path.exists(path) else "no such file"
        received = "a folder" if os.path.isdir(path) else there
        raise InputError("file", "must be a regular file that exists", received)
    size = path.stat().st_size
    if size > max_bytes:
        raise InputError("file", f"must hold at most {max_bytes} bytes", str(size))
    try:
        return safe_open(path, framework="numpy")
    except (SafetensorError, OSError) as error:
        raise InputError("file", "must be safetensors", excerpt(str(error))) from None


def _card(header: Mapping[str, str] | None) -> PolicyCard:
    text = (header or {}).get(_CARD_KEY)
    if text is None:
        raise InputError("header", f"must hold a card under {_CARD_KEY!r}", "none")
    fields = parse_json(text.encode())
    if fields.get("format") != POLICY_FORMAT:
        raise InputError("format", f"must be {POLICY_FORMAT!r}", excerpt(fields.get("format")))
    return validated(PolicyCard, fields)


def _weights(file: Any) -> dict[str, Array]:
    weights = {}
    for name in sorted(file.keys()):
        if file.get_slice(name).get_dtype() not in ("F32", "F16"):
            raise InputError(f"weights.{name}", "must be float32 or float16", "another type")
        weights[name] = tensor(file, name)
    return weights


def tensor(file: Any, name: str) -> Array:
    """Return an array of an open safetensors file; one that numpy cannot hold is refused."""
    try:
        return np.array(file.get_tensor(name))
    except (SafetensorError, TypeError, ValueError) as error:
        raise InputError(f"weights.{name}", "must fit into numpy", excerpt(str(error))) from None
