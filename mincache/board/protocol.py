"""The protocol of a suite: what makes rows comparable, fixed before anything is run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mincache.board.contenders import Contender
from mincache.files.documents import digest, read_bytes
from mincache.files.tables import Count, Seed, StrictTable, TupleOf, read_toml
from mincache.generation.suites import Suite

PROTOCOL_FILE = "protocol.toml"


class Protocol(StrictTable):
    """The rules of a suite's leaderboard; without a `protocol.toml` these defaults hold.

    Attributes:
        wall_s: limit of a run; None, here and for `threads` and `evaluations`, if rows may have any.
        seeds: repetitions that a stochastic solver needs to be ranked.
        time_shift_s: shift of the geometric mean of times.
        failure_policy: what the time of a failed run counts as; published files may name no other.
        penalty: limits that a failed or declined run counts as.
        targets: gaps that count as reached on the way, for the ECDF.
        resamples: of a bootstrap that earlier versions made, from `bootstrap_seed`; not used.
        level: of intervals, and of all ranges of ranks together.
    """

    format: Literal["mincache-protocol/1"] = "mincache-protocol/1"
    wall_s: float | None = Field(default=None, gt=0)
    threads: Count | None = None
    evaluations: Count | None = None
    seeds: Count = 10
    time_shift_s: float = Field(default=0.01, gt=0)
    failure_policy: Literal["penalised"] = "penalised"
    penalty: float = Field(default=10.0, ge=1)
    targets: TupleOf[float] = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0001)
    resamples: int = Field(default=10_000, ge=100, le=1_000_000)
    bootstrap_seed: Seed = 1
    level: float = Field(default=0.95, gt=0, lt=1)

    def departures(self, who: Contender) -> list[str]:
        """Return how a contender departs from the protocol, a few words each."""
        found = []
        if self.wall_s is not None and who.wall_s != self.wall_s:
            limit = "no limit" if who.wall_s is None else f"{who.wall_s:g} s"
            found.append(f"{limit} instead of {self.wall_s:g} s")
        if self.threads is not None and who.threads != self.threads:
            found.append(f"{who.threads} threads instead of {self.threads}")
        if self.evaluations is not None and who.evaluations != self.evaluations:
            limit = "any number of" if who.evaluations is None else f"{who.evaluations}"
            found.append(f"{limit} evaluations instead of {self.evaluations}")
        return found


def read_protocol(suite: Suite | None) -> tuple[Protocol, str]:
    """Return the protocol of a suite and the SHA-256 of its file; the defaults and "" if it has none."""
    path = None if suite is None else suite.folder / PROTOCOL_FILE
    if path is None or not path.is_file():
        return Protocol(), ""
    return read_toml(path, Protocol), digest(read_bytes(path))
