"""A search for a solver's parameters: ranges and lists of a grid, tried one setting after the other.

The sampler is optuna's tree-structured Parzen estimator (Bergstra and others 2011). It is seeded and all
trials are asked anew, so the same call tries the same settings as long as the gaps are the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from mincache.errors import InputError, did_you_mean, excerpt
from mincache.solving import spec as specs
from mincache.solving.spec import WrittenValue

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(\s+log)?", re.ASCII)
_LARGEST = 1e15
_FACTOR = 4


@dataclass(frozen=True)
class SearchRange:
    """The numbers from `low` to `high`: whole ones if both are; `log` spreads their logarithms evenly."""

    low: int | float
    high: int | float
    log: bool = False

    def __str__(self) -> str:
        return f"{self.low}..{self.high}{' log' if self.log else ''}"


@dataclass(frozen=True)
class SearchSpace:
    """What of a solver is searched.

    Attributes:
        target: the solver as it is written before its brackets.
        parameters: by name, as written for one that is fixed, or a range, or a tuple of choices.
    """

    target: str
    parameters: Mapping[str, str | SearchRange | tuple[str, ...]] = field(default_factory=dict)

    @property
    def searched(self) -> dict[str, SearchRange | tuple[str, ...]]:
        """The parameters that are not fixed."""
        return {name: one for name, one in self.parameters.items() if not isinstance(one, str)}

    def fitted(self, defaults: Mapping[str, Any]) -> SearchSpace:
        """Return the space with what it searches by default, if it names no range and no list.

        That is every number above 0 that is not fixed, from a quarter to four times its default, and every
        choice between true and false.

        Raises:
            InputError: if a parameter is not one of the solver's, or nothing is left to search.
        """
        for name in self.parameters:
            if name not in defaults:
                where, advice = f"solver {self.target}", did_you_mean(name, list(defaults))
                raise InputError(where, "must have the parameter", excerpt(name), advice)
        if self.searched:
            return self
        around = {name: _around(value) for name, value in defaults.items() if name not in self.parameters}
        space = replace(self, parameters={**self.parameters, **{k: v for k, v in around.items() if v}})
        if not space.searched:
            rule, advice = "must have a range or a list to search", "such as name[parameter=10..200]"
            raise InputError(f"solver {self.target}", rule, "none", advice)
        return space

    def spelled(self, values: Mapping[str, Any]) -> str:
        """Return the solver with these values of what is searched, and what is fixed."""
        shown = {name: f"{one:.6g}" if isinstance(one, float) else str(one) for name, one in values.items()}
        items = ({name: one for name, one in self.parameters.items() if isinstance(one, str)} | shown).items()
        return f"{self.target}[{','.join(f'{name}={one}' for name, one in items)}]"

    def within(self, defaults: Mapping[str, Any]) -> dict[str, Any]:
        """Return the defaults that can be tried: numbers within their ranges, and choices listed."""
        found: dict[str, Any] = {}
        for name, one in self.searched.items():
            value = defaults[name]
            if isinstance(one, tuple):
                found |= {name: text} if (text := str(specs.written(value))) in one else {}
            elif isinstance(value, int | float) and one.low <= value <= one.high:
                found[name] = value
        return found


def read_space(text: str) -> SearchSpace:
    """Return the space that a solver with ranges and lists writes, such as `genetic[population=10..200]`.

    Raises:
        InputError: if it has another form.
    """
    target = specs.parse(specs.expand(text)[0]).target
    found = {
        name: _searched(f"solver {target}.{name}", values) for name, values in specs.listed(text).items()
    }
    return SearchSpace(target, found)


def _searched(where: str, values: list[WrittenValue]) -> str | SearchRange | tuple[str, ...]:
    ranges = [None if one.quoted else _RANGE.fullmatch(one.text) for one in values]
    if len(values) > 1:
        if any(ranges):
            raise InputError(where, "must list values or be a range", "a list with a range")
        return tuple(dict.fromkeys(map(str, values)))
    if (match := ranges[0]) is None:
        if not values[0].quoted and ".." in values[0].text:
            rule = "must be a range such as 10..200 or 1e-4..1e-1 log"
            raise InputError(where, rule, excerpt(values[0].text), "put other text in double quotes")
        return str(values[0])
    whole = all(re.fullmatch(r"[-+]?\d+", one) for one in match.group(1, 2))
    low, high = (int(one) if whole else float(one) for one in match.group(1, 2))
    log = match[3] is not None
    if not (-_LARGEST <= low < high <= _LARGEST) or (log and low <= 0):
        rule = f"must go up, {'from above 0' if log else 'from at least -1e15'} to at most 1e15"
        raise InputError(where, rule, excerpt(values[0].text))
    return SearchRange(low, high, log)


def _around(value: Any) -> SearchRange | tuple[str, ...]:
    """Return what is searched around a default; nothing of what is no number above 0."""
    if isinstance(value, bool):
        return ("true", "false")
    if not isinstance(value, int | float) or not 0 < value <= _LARGEST / _FACTOR:
        return ()
    if isinstance(value, int):
        return SearchRange(max(1, value // _FACTOR), value * _FACTOR, log=True)
    most = 1.0 if value < 1.0 else math.inf  # such as a probability
    return SearchRange(value / _FACTOR, min(most, value * _FACTOR), log=True)


class Trial(NamedTuple):
    """A setting that was tried: its number from 1, the solver with it, its mean gap and its failed runs."""

    number: int
    solver: str
    gap: float
    failed: int


def search(
    space: SearchSpace, defaults: Mapping[str, Any], price: Callable[[str], tuple[float, int]], seed: int,
    trials: int,
) -> Iterator[Trial]:  # fmt: skip
    """Yield trials; the first has the defaults, where the space holds them.

    Args:
        space: what is searched.
        defaults: the solver's parameters.
        price: returns the mean gap of a solver and how many of its runs failed.
        seed: of the sampler.
        trials: how many.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed % 2**32))
    study.enqueue_trial(space.within(defaults))
    distributions = {name: _distribution(one) for name, one in space.searched.items()}
    for number in range(1, trials + 1):
        trial = study.ask(distributions)
        solver = space.spelled(trial.params)
        gap, failed = price(solver)
        study.tell(trial, gap)
        yield Trial(number, solver, gap, failed)


def _distribution(searched: SearchRange | tuple[str, ...]) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(searched, tuple):
        return CategoricalDistribution(searched)
    if isinstance(searched.low, int) and isinstance(searched.high, int):
        return IntDistribution(searched.low, searched.high, log=searched.log)
    return FloatDistribution(float(searched.low), float(searched.high), log=searched.log)
