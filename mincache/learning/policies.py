"""Policy files, `mincache-policy/1`: trained weights as safetensors, with a card that says what they are.

A policy is data: safetensors holds plain numbers, and the card is strict JSON in its header. Reading
refuses everything else in one line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from mincache.documents import digest, instance_bytes, parse_json, write_bytes
from mincache.errors import DocumentError, InputError, shown
from mincache.evaluation import EVALUATOR_VERSION
from mincache.instance import Instance, Trace
from mincache.quantity import Array
from mincache.validation import validated

POLICY_FORMAT: Literal["mincache-policy/1"] = "mincache-policy/1"
MAX_POLICY_BYTES = 32 * 1024 * 1024
"""A policy file may not be larger than this; ours hold about 0.2 MB."""
_CARD_KEY = "mincache"


class PolicyCard(BaseModel):
    """What a policy is, and what it is for.

    Attributes:
        format: `POLICY_FORMAT`.
        solver: the registered name of the solver that made it.
        variant: which of the solver's variants.
        problem: `problem_digest` of the instances that it is for.
        users: N.
        models: M.
        observation: name and version of the observation, such as `counts/1`.
        action: name and version of the action map, such as `scaled-sigmoid/1`.
        hidden: units in each hidden layer of the actor.
        seed: seed of the training.
        evaluator: version of the evaluator that priced its rewards.
        title: for people: what it was trained for, such as `paper-v1 library 0, 10 users`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["mincache-policy/1"] = POLICY_FORMAT
    solver: str
    variant: str
    problem: str = Field(pattern="^[0-9a-f]{64}$")
    users: int = Field(ge=1)
    models: int = Field(ge=1)
    observation: str
    action: str
    hidden: int = Field(ge=1)
    seed: int = Field(ge=0)
    evaluator: str = EVALUATOR_VERSION
    title: str = ""


@dataclass(frozen=True)
class Policy:
    """A trained policy: its card and its named weights, float32 or float16."""

    card: PolicyCard
    weights: Mapping[str, Array]

    def check_shapes(self, wanted: Mapping[str, tuple[int, ...]]) -> None:
        """Check that the weights have the names and shapes that a network wants.

        Raises:
            InputError: with the first that differs.
        """
        for name in sorted(wanted.keys() | self.weights.keys()):
            received = self.weights[name].shape if name in self.weights else None
            if received != wanted.get(name):
                rule = f"must have shape {list(wanted[name])}" if name in wanted else "must not be there"
                raise InputError(f"weights.{name}", rule, "nothing" if received is None else str(received))


def problem_digest(instance: Instance) -> str:
    """Return the SHA-256 of everything of an instance but its name, trace and origin.

    A policy sees the trace alone, so it is for the instances that agree on all the rest.
    """
    one_user = np.ones((1, instance.user_count))
    trace = Trace(np.zeros(1), one_user, np.zeros_like(one_user), one_user)
    return digest(instance_bytes(replace(instance, name="problem", trace=trace, origin=None)))


def write_policy(path: str | os.PathLike[str], policy: Policy) -> None:
    """Write a policy, replacing the file in one step; the same policy is the same bytes."""
    # One key alone: safetensors writes several in no fixed order.
    header = {_CARD_KEY: policy.card.model_dump_json()}
    write_bytes(path, save(dict(policy.weights), metadata=header))


def read_policy(path: str | os.PathLike[str]) -> Policy:
    """Read a policy.

    Raises:
        DocumentError: one line with the path, the rule and what was received.
    """
    try:
        return _read(Path(path))
    except InputError as error:
        place = f"{os.fspath(path)}: {error.field}"
        raise DocumentError(place, error.rule, error.received, error.advice) from None


def read_card(path: str | os.PathLike[str]) -> PolicyCard:
    """Read the card of a policy without its weights.

    Raises:
        InputError: if the file is no policy.
    """
    with _opened(Path(path)) as file:
        return _card(file.metadata())


def shipped_policies() -> Iterator[Path]:
    """Yield the paths of the policies that ship with mincache, by name."""
    folder = Path(str(files("mincache.solvers") / "policies"))
    yield from sorted(folder.glob("*.safetensors"))


def _read(path: Path) -> Policy:
    with _opened(path) as file:
        card = _card(file.metadata())
        weights = {}
        for name in sorted(file.keys()):
            if file.get_slice(name).get_dtype() not in ("F32", "F16"):
                raise InputError(f"weights.{name}", "must be float32 or float16", "another type")
            weights[name] = np.array(file.get_tensor(name))
            if not np.isfinite(weights[name]).all():
                raise InputError(f"weights.{name}", "must be finite", "NaN or infinity")
    return Policy(card, weights)


def _opened(path: Path) -> safe_open:
    if not path.is_file():
        raise InputError("file", "must be an existing regular file", "none")
    if path.stat().st_size > MAX_POLICY_BYTES:
        raise InputError("file", f"must hold at most {MAX_POLICY_BYTES} bytes", f"{path.stat().st_size}")
    try:
        return safe_open(path, framework="numpy")
    except (SafetensorError, OSError) as error:
        raise InputError("file", "must be safetensors", shown(str(error))) from None


def _card(header: Mapping[str, str] | None) -> PolicyCard:
    text = (header or {}).get(_CARD_KEY)
    if text is None:
        raise InputError("header", f"must hold a policy's card, {_CARD_KEY!r}", "none")
    fields = parse_json(text.encode())
    if fields.get("format") != POLICY_FORMAT:
        raise InputError("format", f"must be {POLICY_FORMAT!r}", shown(fields.get("format")))
    return validated(PolicyCard, fields)
