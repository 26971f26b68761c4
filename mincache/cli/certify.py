"""`mincache certify`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from mincache.cli.completion import instance_names
from mincache.cli.options import SECONDS, json_option
from mincache.cli.terminal import print_json, waiting


@click.command()
@click.argument("instance", shell_complete=instance_names)
@click.argument("certificate", required=False, type=click.Path(path_type=Path))
@click.argument("solution", required=False, type=click.Path(path_type=Path))
@click.option("--check", "checking", is_flag=True, help="Check CERTIFICATE instead of writing one.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write the certificate.")
@click.option("--time-limit", type=SECONDS, help="Seconds for writing a proof.")
@json_option()
def certify(
    instance: str, certificate: Path | None, solution: Path | None,
    checking: bool, output: Path | None, time_limit: float | None, as_json: bool,
) -> None:  # fmt: skip
    """Prove that no solution of INSTANCE (a file or a standard instance's name) costs less than a bound.

    \b
    mincache certify paper-v1.l0.n10.t0 -o proof.json
    mincache certify --check paper-v1.l0.n10.t0 proof.json answer.json

    With --check, CERTIFICATE is verified in exact arithmetic by code that shares nothing with the solver,
    and SOLUTION, where it is given, is judged by it. Exit code 1 if a proof is refused or does not show the
    solution to be optimal.
    """  # noqa: D301  # \b is click's mark for a block to be left as it is
    from mincache.generation import suites

    document = suites.find_document(instance)
    if checking:
        if certificate is None:
            raise click.UsageError("--check needs CERTIFICATE after INSTANCE")
        _check(document, certificate, solution, as_json)
    elif output is None or certificate is not None:
        raise click.UsageError("give -o FILE to write a certificate, or --check to verify one")
    else:
        _write(document, output, time_limit, as_json)


def _write(document: bytes, output: Path, time_limit: float | None, as_json: bool) -> None:
    from mincache.certificate import certify as prove
    from mincache.files.documents import parse_json, write_bytes
    from mincache.solving.contract import Budget

    budget = Budget(float("inf") if time_limit is None else time_limit)
    with waiting("proving"):
        data = prove(document, remaining=budget.remaining)
    write_bytes(output, data)
    bound = parse_json(data)["bound"]
    if as_json:
        print_json({"certificate": str(output), "bound": bound})
    else:
        click.echo(f"{output}: no solution costs less than {bound!r}")


def _check(document: bytes, certificate: Path, solution: Path | None, as_json: bool) -> None:
    from mincache.certificate import check
    from mincache.errors import in_file
    from mincache.files.documents import read_bytes

    paths = [certificate] if solution is None else [certificate, solution]
    with in_file(" ".join(map(str, paths))), waiting("checking"):
        verdict = check(document, *map(read_bytes, paths))
    if as_json:
        print_json(asdict(verdict))
    else:
        click.echo("\n".join(verdict.sentences))
    sys.exit(0 if verdict.accepted else 1)
