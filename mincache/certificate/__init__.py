"""Certificates: proofs that no solution of an instance costs less than a bound."""

from mincache.certificate.check_certificate import FORMAT as CERTIFICATE_FORMAT
from mincache.certificate.check_certificate import CheckResult
from mincache.certificate.proofs import certify, certify_with_solution, check

__all__ = ["CERTIFICATE_FORMAT", "CheckResult", "certify", "certify_with_solution", "check"]
