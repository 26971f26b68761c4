"""What every solver with trained policies does: which file is for an instance, and when it is loaded."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mincache.errors import InputError
from mincache.learning import policies
from mincache.learning.draws import TrainingSource
from mincache.learning.policies import PolicyCard
from mincache.problem.instance import Instance
from mincache.solving import registry
from mincache.solving.contract import Learner


@dataclass(frozen=True)
class PolicyLearner(Learner):
    """A learner that answers with a policy file: the one that is named, or one that ships.

    Attributes:
        policy: file of a trained policy; none to look among those that ship with mincache.

    Class attributes:
        title: what the learner is called by the cards of its policies.
        untrained: names of the parameters that a training does not depend on.
    """

    title: ClassVar[str]
    untrained: ClassVar[tuple[str, ...]] = ("policy", "device")

    policy: Path | None = None

    @abstractmethod
    def load(self, path: Path, instance: Instance) -> object:
        """Make the policy in a file ready to answer an instance, and keep it ready.

        Raises:
            InputError: if the file is malformed.
        """

    def supports(self, instance: Instance) -> str | None:
        """Return None, or why no policy at hand is for this instance; one that is gets loaded now.

        Raises:
            InputError: if its file is malformed.
        """
        found = super().supports(instance) or self.find(instance)
        if isinstance(found, str):
            return found
        self.load(found, instance)
        return None

    def data_files(self) -> list[Path]:
        """Return the shipped policies to look among, if no policy is named."""
        return [] if self.policy else policies.shipped_files(self.title, self.training())

    def find(self, instance: Instance) -> Path | str:
        """Return the policy for this instance, or why there is none."""
        if self.policy:
            return self._differs(self.policy) or policies.policy_name(self.policy, instance)
        return policies.shipped(self.title, self.training(), instance)

    def found(self, instance: Instance) -> Path:
        """Return the policy for this instance.

        Raises:
            InputError: if there is none, with why.
        """
        found = self.find(instance)
        if isinstance(found, str):
            raise InputError("instance", "must be one that a policy is for", instance.name, found)
        return found

    def training(self) -> dict[str, Any]:
        """Return the parameters that a training depends on."""
        return {k: v for k, v in registry.parameters(self).items() if k not in self.untrained}

    def check_learnable(self, course: TrainingSource) -> None:
        """Check that a policy trained on `course` could answer what is drawn there.

        Raises:
            InputError: if it has rules that the learner does not keep.
        """
        declined = super().supports(course.problem)
        if declined:
            raise InputError("scenario", "must have no rule that the learner does not keep", declined)

    def _differs(self, path: Path) -> str | None:
        """Return why a policy is not the one that the parameters given beside it speak of, or None."""
        card, defaults = policies.read_card(path), type(self)().training()
        if card.solver != self.title:
            return f"the policy {path} is one of {card.solver}"
        for name, value in self.training().items():
            trained = card.parameters.get(name)
            if value not in (defaults[name], trained):
                return f"the policy {path} was trained with {name}={trained}, not {value}"
        return None

    def card(self, course: TrainingSource, title: str, versions: tuple[str, str]) -> PolicyCard:
        """Return the card of a policy that was trained on `course`, with a title for people."""
        return PolicyCard(
            solver=self.title, parameters=self.training(), title=title, versions=versions, seed=course.seed,
            **policies.card_fields_of(course),
        )  # fmt: skip
