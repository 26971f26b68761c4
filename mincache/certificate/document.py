"""The certificate document, `mincache-certificate/1`, and what a check of one finds."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from pydantic import Field

from mincache.certificate.check_certificate import FORMAT
from mincache.errors import InputError
from mincache.files.documents import parse_json
from mincache.files.tables import ListOf, StrictTable, validated
from mincache.problem.instance import Instance

CERTIFICATE_FORMAT: Literal["mincache-certificate/1"] = "mincache-certificate/1"


class SlotProof(StrictTable):
    """The proof of one slot.

    Attributes:
        bound: lower bound on the mean cost of the slot's users.
        bandwidth_multiplier: seconds of delay, summed over users, that a unit of bandwidth share is worth.
        tree: the boxes that the slot's solutions are split into, in preorder. `["cache", m]`: model m not
            cached, then cached. `["service", m, x]`: the users of model m get at most x A3 steps together,
            then at least that. `[storage_price, step_price]`: a leaf, with cost per GB and per step.
    """

    bound: float
    bandwidth_multiplier: float
    tree: ListOf[ListOf[str | int | float]]


class Certificate(StrictTable):
    """A proof that no solution of an instance costs less than a bound.

    Attributes:
        format: `CERTIFICATE_FORMAT`.
        instance: name of the instance.
        instance_sha256: hash of its document, unpacked.
        bound: lower bound on the cost (11).
        slots: one proof a slot.
    """

    format: Literal["mincache-certificate/1"] = CERTIFICATE_FORMAT
    instance: str
    instance_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bound: float
    slots: ListOf[SlotProof]


def without_rules(instance: Instance) -> Instance:
    """Return `instance` if it is the paper's problem: certificates know no other.

    Raises:
        InputError: if it has a rule beyond.
    """
    if instance.used_rules:
        rule = "must be absent: certificates are about the paper's problem alone"
        raise InputError("rules", rule, ", ".join(instance.used_rules))
    return instance


def parse_certificate(data: bytes) -> Certificate:
    """Return the certificate in the (unpacked) bytes of a document; nothing it claims is checked.

    Raises:
        InputError: with the field, the rule and what was received.
    """
    return validated(Certificate, parse_json(data))


def is_of_frames(data: bytes) -> bool:
    """Return whether a document begins as a certificate of frames does.

    Such a proof may hold more values than other documents may, so it is not parsed to find out.
    """
    return data[:100].replace(b" ", b"").lstrip().startswith(f'{{"format":"{FORMAT}"'.encode())


def certificate_bytes(certificate: Certificate) -> bytes:
    """Return the one canonical document of `certificate`."""
    return json.dumps(certificate.model_dump(), separators=(",", ":"), allow_nan=False).encode() + b"\n"


def to_float(value: Fraction) -> float:
    """Return the float nearest to a fraction, infinite where that is beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Attributes:
        accepted: whether the claim is proven and, where a solution was given, that this is optimal.
        sentences: what was found, for people; where something fails, exactly what.
        bound: what no solution that keeps the limits costs less than; None if that is not proven.
        gap: of the solution to the bound, relative to its cost; None without a feasible solution.
    """

    accepted: bool
    sentences: tuple[str, ...]
    bound: float | None = None
    gap: float | None = None
