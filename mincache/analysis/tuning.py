"""A search for a solver's parameters: the ranges and lists of a grid, tried one setting after the other."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from mincache.errors import InputError, did_you_mean, excerpt
from mincache.solving import spec as specs

Searched = IntDistribution | FloatDistribution | CategoricalDistribution
_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(\s+log)?", re.ASCII)
_LARGEST = 1e15


@dataclass(frozen=True)
class SearchSpace:
    """What of a solver is fixed, as written, and what is searched, by parameter."""

    target: str
    fixed: dict[str, str]
    searched: dict[str, Searched]

    def spelled(self, values: Mapping[str, Any]) -> str:
        """Return the solver with these values of what is searched."""
        shown = {name: f"{one:.6g}" if isinstance(one, float) else str(one) for name, one in values.items()}
        return f"{self.target}[{','.join(f'{name}={one}' for name, one in (self.fixed | shown).items())}]"

    def study(self, defaults: Mapping[str, Any], seed: int) -> optuna.Study:
        """Return a study that asks for settings: the defaults first, where the space holds them.

        The same seed and the same answers give the same settings.
        """
        first: dict[str, Any] = {}
        for name, one in self.searched.items():
            value = defaults[name]
            if isinstance(one, CategoricalDistribution):
                first |= {name: text} if (text := str(specs.written(value))) in one.choices else {}
            elif isinstance(value, int | float) and one.low <= value <= one.high:
                first[name] = value
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed % 2**32))
        study.enqueue_trial(first)
        return study


def search_space(text: str, defaults: Mapping[str, Any]) -> SearchSpace:
    """Return what the ranges and lists of a grid let search; without any, numbers around their defaults."""
    settings = list(map(specs.parse, specs.expand(text)))
    target, fixed, searched = settings[0].target, dict[str, str](), dict[str, Searched]()
    for name in settings[0].parameters:
        if name not in defaults:
            advice = did_you_mean(name, list(defaults))
            raise InputError(f"solver {target}", "must have the parameter", excerpt(name), advice)
        texts = list(dict.fromkeys(str(one.parameters[name]) for one in settings))
        if any(_is_range(one, defaults[name]) for one in texts):
            searched[name] = _range(f"solver {target}.{name}", ",".join(texts), defaults[name])
        elif len(texts) > 1:
            searched[name] = CategoricalDistribution(texts)
        else:
            fixed[name] = texts[0]
    if not searched:
        around = {name: _around(value) for name, value in defaults.items() if name not in fixed}
        searched = {name: found for name, found in around.items() if found is not None}
    if not searched:
        rule, advice = "must have a range or a list to search", f"such as {target}[parameter=10..200]"
        raise InputError(f"solver {target}", rule, "none", advice)
    return SearchSpace(target, fixed, searched)


def _is_range(text: str, default: Any) -> bool:
    """Return whether a text is meant as a range: for a number, whatever has two dots."""
    number = isinstance(default, int | float) and ".." in text
    return number or re.match(rf"{_NUMBER}\.\.", text, re.ASCII) is not None


def _range(where: str, text: str, default: Any) -> Searched:
    match = _RANGE.fullmatch(text)
    low, high = map(float, match.group(1, 2)) if match else (0.0, 0.0)
    if match is None or not -_LARGEST <= low < high <= _LARGEST or (match[3] and low <= 0):
        rule = "must be a range that goes up, such as 10..200 or, from above 0, 1e-4..1e-1 log"
        raise InputError(where, rule, excerpt(text), "put other text in double quotes")
    if match[1].lstrip("+-").isdigit() and match[2].lstrip("+-").isdigit():
        return IntDistribution(int(low), int(high), log=bool(match[3]))
    if isinstance(default, int):
        raise InputError(where, "must be a range of whole numbers, such as 10..200", excerpt(text))
    return FloatDistribution(low, high, log=bool(match[3]))


def _around(value: Any) -> Searched | None:
    """Return what is searched around a default; None for what is no number above 0 and no switch."""
    if isinstance(value, bool):
        return CategoricalDistribution(["true", "false"])
    if not isinstance(value, int | float) or not 0 < value <= _LARGEST / 4:
        return None
    if isinstance(value, int):
        return IntDistribution(max(1, value // 4), value * 4, log=True)
    most = 1.0 if value < 1.0 else math.inf  # below 1 it may be a probability
    return FloatDistribution(value / 4, min(most, value * 4), log=True)
