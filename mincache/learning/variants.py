"""Variants of `ddpg`: the steps from the paper's agent to the best one, each a frozen set of fields.

Each variant adds an idea to the one before it, so that a reader sees what each is worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mincache.errors import InputError, excerpt

_LITERAL = {"observation": "index", "action": "softmax", "critic": "plain", "discount": 0.99}
_ONE_HOT = _LITERAL | {"observation": "one-hot"}
_IN_ORDER = _ONE_HOT | {"action": "serve-in-order"}
_MATCHED = _IN_ORDER | {"observation": "counts", "critic": "matched"}
_MYOPIC = _MATCHED | {"discount": 0.0}
_SETS = _MYOPIC | {"observation": "aggregates", "action": "score-order", "critic": "sets"}

VARIANTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "literal": _LITERAL,
        "one-hot": _ONE_HOT,
        "in-order": _IN_ORDER,
        "matched": _MATCHED,
        "myopic": _MYOPIC,
        "sets": _SETS,
    }
)
"""Values of fields by variant."""

DEFAULT = "matched"
"""The variant whose values are the defaults of the solver's fields."""

ABOUT: Mapping[str, str] = MappingProxyType(
    {
        "literal": "requests as indices, both shares a softmax, a plain critic, discount 0.99",
        "one-hot": "requests as indicators",
        "in-order": "actions are orders: models fill the storage, hits get A3 steps or none",
        "matched": "requests also counted; the critic sees what scores amount to for each model; the default",
        "myopic": "discount 0: no action changes what comes next",
        "sets": "a slot is a set of models with summed regrets; weights shared, the critic a sum over models",
    }
)
"""What each variant changes about the one before."""


class DefaultText(str):
    """A default that gives way to what the variant says; the same text, when given, does not."""

    __slots__ = ()


class DefaultNumber(float):
    """Likewise, for a number."""

    __slots__ = ()


def fill(solver: Any) -> None:
    """Give a frozen solver its variant's values where nothing else was given.

    One that is given others counts as the default variant with these: then the parameters that differ from
    their defaults tell all, however they came about.

    Raises:
        InputError: if there is no such variant.
    """
    if solver.variant not in VARIANTS:
        raise InputError("ddpg.variant", f"must be one of {', '.join(VARIANTS)}", excerpt(solver.variant))
    for name, value in VARIANTS[solver.variant].items():
        if isinstance(getattr(solver, name), DefaultText | DefaultNumber):
            object.__setattr__(solver, name, value)
    if any(getattr(solver, name) != value for name, value in VARIANTS[solver.variant].items()):
        object.__setattr__(solver, "variant", DEFAULT)
