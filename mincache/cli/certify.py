"""`mincache certify`."""

from __future__ import annotations

import json
from pathlib import Path

import click

import mincache
from mincache.cli import options
from mincache.cli.completion import INSTANCE
from mincache.cli.terminal import answer, waiting


@click.command()
@click.argument("instance", type=INSTANCE)
@click.argument("certificate", required=False, type=options.FilePath("certificate", dir_okay=False))
@click.argument("solution", required=False, type=options.FilePath("solution", dir_okay=False))
@click.option("--check", "checking", is_flag=True, help="Check CERTIFICATE instead of writing one.")
@click.option("-o", "--output", type=options.FILE, help="Write the certificate here.")
@click.option("--time-limit", type=options.SECONDS, help="Time to write a proof.  [default: none]")
@options.machine_output("an object")
def certify(
    instance: str, certificate: Path | None, solution: Path | None, checking: bool, output: Path | None,
    time_limit: float | None,
) -> None:  # fmt: skip
    """Prove that no solution of INSTANCE (a file or a standard name) costs less than a bound.

    With --check, code that shares nothing with the solver verifies CERTIFICATE in exact arithmetic. If you
    add SOLUTION, it must be proven optimal. Exit code 1 if the proof fails.
    """
    document = options.instance_document(instance)
    if checking:
        if certificate is None:
            raise click.UsageError("CERTIFICATE: must be given with --check")
        _check(document, [certificate] if solution is None else [certificate, solution])
    elif output is None or certificate is not None:
        raise click.UsageError("use -o FILE to write a certificate, or --check to verify one")
    else:
        _write(document, output, time_limit)


def _write(document: bytes, output: Path, time_limit: float | None) -> None:
    from mincache.certificate import certify as prove

    options.prepare(output)
    budget = mincache.Budget(float("inf") if time_limit is None else time_limit)
    with waiting("proving"):
        data = prove(document, remaining=budget.remaining)
    options.write_output(output, data)
    bound = json.loads(data)["bound"]  # a large proof has more values than documents from outside may
    answer({"certificate": str(output), "bound": bound}, f"{output}: no solution costs less than {bound!r}")


def _check(document: bytes, paths: list[Path]) -> None:
    from mincache.certificate import check
    from mincache.errors import in_file
    from mincache.files.documents import read_bytes

    with in_file(" ".join(map(str, paths))), waiting("checking"):
        verdict = check(document, *map(read_bytes, paths))
    answer(verdict._asdict(), *verdict.sentences, failed=not verdict.accepted)
