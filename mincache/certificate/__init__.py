"""Certificates: proofs that no solution costs less than a bound; docs/decomposition.md derives them."""

from mincache.certificate.check_certificate import FORMAT as CERTIFICATE_FORMAT
from mincache.certificate.proofs import CheckResult, certify, certify_with_solution, check

__all__ = ["CERTIFICATE_FORMAT", "CheckResult", "certify", "certify_with_solution", "check"]
