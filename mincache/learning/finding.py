"""Which policy is for an instance: the one that is named, one of a folder, or one of those at hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

from mincache.errors import InputError
from mincache.learning.inference import NetworkSolver
from mincache.learning.policies import ANY_PROBLEM, PolicyCard, problem_digest, read_card
from mincache.learning.scored_service import SCORED_SERVICE
from mincache.problem.instance import Instance
from mincache.solving import registry
from mincache.views.past_view import PastView


@dataclass(frozen=True)
class PolicyFinder(NetworkSolver):
    """A solver that answers with policies that were trained with its parameters.

    Attributes:
        policy: file of a trained policy; a folder to look in for those that were trained with this solver's
            parameters for the instance, one a training seed; None for those of `policy_files`.

    Class attributes:
        untrained: names of the parameters that a training does not depend on.
    """

    untrained: ClassVar[tuple[str, ...]] = ("policy", "device")

    policy: Path | None = None

    def training(self) -> dict[str, Any]:
        """Return the parameters that a training depends on."""
        return {k: v for k, v in registry.parameters(self).items() if k not in self.untrained}

    def training_seeds(self) -> int:
        """Return how many policies the folder has for each problem; 1 without a folder.

        Raises:
            DocumentError: if the file or one in the folder is no policy, so that no run begins with it.
        """
        return 1 if self.policy is None else training_seeds(self.data_files())

    def data_files(self) -> list[Path]:
        """Return the policies to look among."""
        if self.policy is None or self.policy.is_dir():
            return policy_files(self.title, self.training(), self.policy)
        return [self.policy]

    def find(self, instance: Instance, repetition: int = 0) -> Path | str:
        """Return the policy for this instance that a repetition has, or why there is none."""
        asked, defaults = self.training(), type(self)().training()
        if self.policy is None or self.policy.is_dir():
            return find_policy(self.title, asked, instance, self.policy, repetition)
        level = "past" if read_card(self.policy).versions == PastView().versions else "trace"
        if level != self.information:
            return (
                f"the policy {self.policy} is for information {level}, the parameters for {self.information}"
            )
        given = {name: value for name, value in asked.items() if value != defaults[name]}
        return policy_name(self.policy, instance, self.title, given)


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
        if folder is not None and (others := _cards(folder, solver)):
            path, card = others[0]
            differing = {k: v for k, v in card.parameters.items() if parameters.get(k) != v}
            told = ", ".join(f"{name}={value}" for name, value in differing.items())
            return f"no policy {where} {what}: {path.name} was trained with {told}"
    advice = f"train one (mincache train {solver} --help) or name some, such as those of a row of the board"
    return f"no policy {where} {what}; {advice}: {solver}[policy=leaderboard/SUITE/ROW/policies]"


def training_seeds(paths: Iterable[Path]) -> int:
    """Return how many policies each problem has, of a training seed each; 1 without any; refuse a lack."""
    problems: dict[str, dict[int, Path]] = {}
    for path in paths:
        card = read_card(path)
        first = problems.setdefault(card.problem, {}).setdefault(card.seed, path)
        if first != path:
            rule, received = "must differ in problem or training seed", f"{first.name} and {path.name}"
            raise InputError("policies", rule, received, "train with other seeds, or keep one of them")
    counts = {next(iter(seeds.values())).name: len(seeds) for seeds in problems.values()}
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
    return [path for path, card in _cards(folder, solver) if card.parameters == parameters]


def _cards(folder: Path | None, solver: str) -> list[tuple[Path, PolicyCard]]:
    """Return the policies of a solver with their cards, by name, as `policy_files` finds them."""
    solvers = Path(str(files("mincache.solvers")))
    rows = (path.parent for path in solvers.parent.glob("leaderboard/*/*/policies"))
    unnamed = (row for row in rows if not _names_policies(row))
    folders = [solvers / "policies", *(row / "policies" for row in unnamed)] if folder is None else [folder]
    by_name = {path.name: path for one in reversed(folders) for path in one.glob("*.safetensors")}
    cards = [(by_name[name], read_card(by_name[name])) for name in sorted(by_name)]
    return [(path, card) for path, card in cards if card.solver == solver]


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
