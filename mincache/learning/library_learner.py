"""Learners whose policies are each for one library and number of users."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from mincache.errors import InputError
from mincache.generation.scenario import Scenario
from mincache.learning.draws import Draws, TrainingSource
from mincache.learning.learner import PolicyLearner, Pupil
from mincache.views.episodes import Episodes


@dataclass(frozen=True)
class LibraryLearner(PolicyLearner):
    """A learner that needs a policy for each library and number of users."""

    @abstractmethod
    def agent(self, course: Episodes) -> Pupil:
        """Return what is to be trained on `course`, with first weights drawn from the course's seed."""

    def course(self, scenario: Scenario, seed: int) -> Episodes:
        """Return the episodes of a library drawn with the seed."""
        return Episodes(scenario, scenario.library(seed), seed)

    def pupil(self, course: TrainingSource) -> Pupil:
        """Return what is to be trained; a course of many problems, or over while warming up, is refused."""
        if isinstance(course, Draws):
            raise InputError("course", "must be episodes of one library", "draws of many")
        transitions = self.episodes * course.scenario.slots
        if transitions <= (warmup := getattr(self, "warmup", 0)):
            rule = f"must be below {transitions}, the transitions of the training"
            raise InputError(
                f"{self.title}.warmup", rule, str(warmup), "nothing would be learned: add episodes"
            )
        return self.agent(course)
