"""Certificates: proofs that no solution of an instance costs less than a bound.

`certify` writes one, `check` verifies one and shares no code with what wrote it. docs/decomposition.md
derives why it proves what it claims.
"""

from mincache.certificate.document import CERTIFICATE_FORMAT, Certificate, CheckResult, SlotProof
from mincache.certificate.either import check
from mincache.certificate.writing import certify

__all__ = ["CERTIFICATE_FORMAT", "Certificate", "CheckResult", "SlotProof", "certify", "check"]
