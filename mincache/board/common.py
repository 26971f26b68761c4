"""Which instances a table's means are over: those that every ranked contender has solved."""

from __future__ import annotations

from collections.abc import Mapping

from mincache.board.contenders import Contender

NOTHING_VERIFIED = "no verified solution"
NOTHING_SHARED = "no instance in common with the solvers above"


def common_instances(
    covered: Mapping[Contender, frozenset[str]], labels: Mapping[Contender, str]
) -> tuple[tuple[str, ...], dict[Contender, str]]:
    """Return the instances that contenders share, and why some are set apart.

    A contender without a verified solution does not take part. The others join in order of coverage,
    and one that would leave no common instance is set apart.
    """
    common: frozenset[str] = frozenset()
    apart: dict[Contender, str] = {}
    for who in sorted(covered, key=lambda who: (-len(covered[who]), labels[who])):
        shared = common & covered[who] if common else covered[who]
        if shared:
            common = shared
        else:
            apart[who] = NOTHING_SHARED if covered[who] else NOTHING_VERIFIED
    return tuple(sorted(common)), apart
