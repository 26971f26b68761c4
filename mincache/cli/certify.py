"""`mincache certify`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from mincache.cli.completion import INSTANCE
from mincache.cli.options import (
    FILE,
    SECONDS,
    FilePath,
    instance_document,
    machine_output,
    prepare,
    write_output,
)  # fmt: skip
from mincache.cli.terminal import answer, waiting


@click.command()
@click.argument("instance", type=INSTANCE)
@click.argument("certificate", required=False, type=FilePath("certificate", dir_okay=False))
@click.argument("solution", required=False, type=FilePath("solution", dir_okay=False))
@click.option("--check", "checking", is_flag=True, help="Check CERTIFICATE instead of writing one.")
@click.option("-o", "--output", type=FILE, help="Write the certificate here.")
@click.option("--time-limit", type=SECONDS, help="Time to write a proof.  [default: none]")
@machine_output("an object")
def certify(
    instance: str, certificate: Path | None, solution: Path | None,
    checking: bool, output: Path | None, time_limit: float | None, form: str | None,
) -> None:  # fmt: skip
    """Prove that no solution of INSTANCE (a file or a standard name) costs less than a bound.

    \b
    mincache certify paper-v1.l0.n10.t0 -o proof.json
    mincache certify --check paper-v1.l0.n10.t0 proof.json answer.json

    With --check, code that shares nothing with the solver verifies CERTIFICATE in exact arithmetic. If you
    add SOLUTION, it must be proven optimal. Exit code 1 if the proof fails.
    """  # noqa: D301  # \b is click's mark for a block to be left as it is
    document = instance_document(instance)
    if checking:
        if certificate is None:
            raise click.UsageError("CERTIFICATE: must be given with --check")
        _check(document, certificate, solution, form)
    elif output is None or certificate is not None:
        raise click.UsageError("use -o FILE to write a certificate, or --check to verify one")
    else:
        _write(document, output, time_limit, form)


def _write(document: bytes, output: Path, time_limit: float | None, form: str | None) -> None:
    from mincache.certificate import certify as prove
    from mincache.solving.contract import Budget

    prepare(output)
    budget = Budget(float("inf") if time_limit is None else time_limit)
    with waiting("proving"):
        data = prove(document, remaining=budget.remaining)
    write_output(output, data)
    bound = json.loads(data)["bound"]  # a large proof has more values than documents from outside may
    found = {"certificate": str(output), "bound": bound}
    answer(form, found, f"{output}: no solution costs less than {bound!r}")


def _check(document: bytes, certificate: Path, solution: Path | None, form: str | None) -> None:
    from mincache.certificate import check
    from mincache.errors import in_file
    from mincache.files.documents import read_bytes

    paths = [certificate] if solution is None else [certificate, solution]
    with in_file(" ".join(map(str, paths))), waiting("checking"):
        verdict = check(document, *map(read_bytes, paths))
    answer(form, asdict(verdict), *verdict.sentences)
    sys.exit(0 if verdict.accepted else 1)
