"""Policy files, `mincache-policy/1`: trained weights as safetensors, with a card that says what they are.

A policy is data: safetensors holds plain numbers, and the card is strict JSON in its header.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from mincache.errors import InputError, excerpt, in_file
from mincache.files.documents import digest, instance_bytes, parse_json, write_bytes
from mincache.files.paths import file_stamp
from mincache.files.tables import Count, PairOf, Seed, StrictTable, validated
from mincache.learning.scored_service import SCORED_SERVICE
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
    """A trained policy: its card and its named weights, float32 or float16."""

    card: PolicyCard
    weights: Mapping[str, Array]

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
    """Write a policy, replacing the file in one step; the same policy is the same bytes."""
    # One key alone: safetensors writes several in no fixed order.
    header = {_CARD_KEY: policy.card.model_dump_json()}
    weights = {name: np.ascontiguousarray(weight) for name, weight in policy.weights.items()}
    write_bytes(path, save(weights, metadata=header))


def read_policy(path: str | os.PathLike[str]) -> Policy:
    """Read a policy; one that is malformed is a DocumentError."""
    with in_file(path), open_tensors(Path(path), MAX_POLICY_BYTES) as file:
        return Policy(_card(file.metadata()), _weights(file))


def read_card(path: str | os.PathLike[str]) -> PolicyCard:
    """Read the card of a policy and none of its weights; it is kept as long as the file stays the same."""
    return _kept_card(Path(path), file_stamp(path))


@lru_cache(maxsize=1024)
def _kept_card(path: Path, stamp: tuple[int, int] | None) -> PolicyCard:
    with in_file(path), open_tensors(path, MAX_POLICY_BYTES) as file:
        return _card(file.metadata())


def open_tensors(path: Path, max_bytes: int) -> Any:
    """Return an open safetensors file, a context manager; the library leaves its methods untyped."""
    if not path.is_file():
        raise InputError("file", "must be a regular file that exists", "none")
    size = path.stat().st_size
    if size > max_bytes:
        raise InputError("file", f"must hold at most {max_bytes} bytes", str(size))
    try:
        return safe_open(path, framework="numpy")
    except (SafetensorError, OSError) as error:
        raise InputError("file", "must be safetensors", excerpt(str(error))) from None


def policy_name(path: Path, instance: Instance, solver: str, given: Mapping[str, Any]) -> Path | str:
    """Return the path of a solver's policy, or why it is not for the instance and the parameters given."""
    card = read_card(path)
    if card.solver != solver:
        return f"the policy {path} is one of {card.solver}"
    for name, value in given.items():
        if value != (trained := card.parameters.get(name)):
            return f"the policy {path} was trained with {name}={trained}, not {value}"
    if _fits(card, instance, problem_digest(instance)):
        return path
    if card.problem == ANY_PROBLEM:
        return f"the policy {path} does not know the rule {', '.join(instance.used_rules)}"
    trained = f"{card.title or 'another problem'} (N = {card.users}, M = {card.models})"
    return f"the policy {path} was trained for {trained}, and this instance differs from it beyond its trace"


def find_policy(
    solver: str, parameters: Mapping[str, Any], instance: Instance, folder: Path | None = None,
    repetition: int = 0,
) -> Path | str:  # fmt: skip
    """Return which of `policy_files` is for this instance, or a sentence why none is.

    Of policies in a folder that differ in their training seed, repetition k has the k-th by that seed.
    """
    known, problem = policy_files(solver, parameters, folder), problem_digest(instance)
    fitting = [path for path in known if _fits(read_card(path), instance, problem)]
    if found := fitting[:1] if folder is None else by_seed(fitting):
        return found[repetition % len(found)]
    where = "at hand" if folder is None else f"in {folder}"
    what = f"is for this library, radio and server with {instance.user_count} users"
    if not known:
        what = f"was trained with these parameters of {solver}"
    advice = f"train one (mincache train {solver} --help) or name some, such as those of a row of the board"
    return f"no policy {where} {what}; {advice}: {solver}[policy=leaderboard/SUITE/ROW/policies]"


def training_seeds(paths: Iterable[Path]) -> int:
    """Return how many policies each problem has, of a training seed each; 1 without any; refuse a lack."""
    problems: dict[str, list[Path]] = {}
    for path in paths:
        problems.setdefault(read_card(path).problem, []).append(path)
    counts = {listed[0].name: len(by_seed(listed)) for listed in problems.values()}
    least, most = min(counts.values(), default=1), max(counts.values(), default=1)
    if least < most:
        name = min(counts, key=lambda name: counts[name])
        rule, received = f"must be of {most} training seeds for each problem", f"{least} for that of {name}"
        raise InputError("policies", rule, received, "train the missing ones")
    return most


def by_seed(paths: Iterable[Path]) -> list[Path]:
    """Return the first of these policies of each training seed, sorted by seed."""
    found: dict[int, Path] = {}
    for path in paths:
        found.setdefault(read_card(path).seed, path)
    return [found[seed] for seed in sorted(found)]


def policy_files(solver: str, parameters: Mapping[str, Any], folder: Path | None = None) -> list[Path]:
    """Return the policies of a solver with these parameters, by name, whatever problem each is for.

    Without a folder, those that ship and, in a checkout of the repository, those of rows of its board. Rows
    that named their policies are left out: they were made with these alone, and others must not meet them.
    """
    solvers = Path(str(files("mincache.solvers")))
    rows = (path.parent for path in solvers.parent.glob("leaderboard/*/*/policies"))
    unnamed = (row for row in rows if not _names_policies(row))
    folders = [solvers / "policies", *(row / "policies" for row in unnamed)] if folder is None else [folder]
    by_name = {path.name: path for one in reversed(folders) for path in one.glob("*.safetensors")}
    cards = [(by_name[name], read_card(by_name[name])) for name in sorted(by_name)]
    return [path for path, card in cards if card.solver == solver and card.parameters == parameters]


def _names_policies(row: Path) -> bool:
    """Return whether the manifest of a row says that its runs named their policies."""
    manifest = row / "manifest.toml"
    text = manifest.read_text(errors="replace") if manifest.is_file() else ""
    return re.search(r"^solver = .*[\[,]policy=", text, re.MULTILINE) is not None


def _fits(card: PolicyCard, instance: Instance, problem: str) -> bool:
    """Return whether a policy is for an instance of this problem; older ones for any know no rules."""
    if card.problem == ANY_PROBLEM:
        return card.versions[1] != SCORED_SERVICE or not instance.used_rules
    return card.problem == problem


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
        weights[name] = np.array(file.get_tensor(name))
        if not (abs(weights[name]) <= LARGEST_WEIGHT).all():
            rule = f"must be finite and at most {LARGEST_WEIGHT:g} in size"
            raise InputError(f"weights.{name}", rule, "a larger number, infinity or NaN")
    return weights
