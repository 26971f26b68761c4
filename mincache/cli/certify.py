"""`mincache certify`."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.argument("instance")
@click.argument("certificate", required=False, type=click.Path(path_type=Path))
@click.argument("solution", required=False, type=click.Path(path_type=Path))
@click.option("--check", "checking", is_flag=True, help="Check CERTIFICATE instead of writing one.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write the certificate.")
@click.option(
    "--time-limit", type=click.FloatRange(min=0, min_open=True), help="Seconds for writing a proof."
)
def certify(
    instance: str, certificate: Path | None, solution: Path | None,
    checking: bool, output: Path | None, time_limit: float | None,
) -> None:  # fmt: skip
    """Prove that no solution of INSTANCE (a file or a standard instance's name) costs less than a bound.

    \b
    mincache certify paper-v1.l0.n10.t0 -o proof.json
    mincache certify --check paper-v1.l0.n10.t0 proof.json answer.json

    With --check, CERTIFICATE is verified in exact arithmetic by code that shares nothing with the solver,
    and SOLUTION, where it is given, is judged by it. Exit code 1 if a proof is refused or does not show the
    solution to be optimal.
    """  # noqa: D301  # \b is click's mark for a block to be left as it is
    from mincache import suites

    document = suites.find_document(instance)
    if checking:
        if certificate is None:
            raise click.UsageError("--check needs CERTIFICATE after INSTANCE")
        _check(document, certificate, solution)
    elif output is None or certificate is not None:
        raise click.UsageError("give -o FILE to write a certificate, or --check to verify one")
    else:
        _write(document, output, time_limit)


def _write(document: bytes, output: Path, time_limit: float | None) -> None:
    from mincache.certificate import certify as prove
    from mincache.certificate.document import parse_certificate
    from mincache.documents import write_bytes
    from mincache.solver import Budget

    budget = Budget(float("inf") if time_limit is None else time_limit)
    data = prove(document, remaining=budget.remaining)
    write_bytes(output, data)
    click.echo(f"{output}: no solution costs less than {parse_certificate(data).bound!r}")


def _check(document: bytes, certificate: Path, solution: Path | None) -> None:
    from mincache.certificate import check
    from mincache.documents import read_bytes
    from mincache.errors import DocumentError, InputError

    paths = [certificate] if solution is None else [certificate, solution]
    try:
        verdict = check(document, *map(read_bytes, paths))
    except DocumentError:
        raise
    except InputError as error:
        place = " ".join(map(str, paths))
        raise DocumentError(f"{place}: {error.field}", error.rule, error.received, error.advice) from None
    for sentence in verdict.sentences:
        click.echo(sentence)
    sys.exit(0 if verdict.accepted else 1)
