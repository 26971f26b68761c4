"""Certificates: proofs that no solution of an instance costs less than a bound.

`certify` writes one, `check` verifies one and shares no code with what wrote it. docs/decomposition.md
derives why it proves what it claims.
"""

from mincache.certificate.check_certificate import FORMAT as CERTIFICATE_FORMAT
from mincache.certificate.proofs import CheckResult, certify, certify_with_solution, check

__all__ = ["CERTIFICATE_FORMAT", "CheckResult", "certify", "certify_with_solution", "check"]
