"""`mincache seal`: suites that are promised by a hash, entries that are frozen, and the day they meet."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from mincache.bench import executors, plan
from mincache.bench import limits as bench_limits
from mincache.board import fitting, runs, seals, table
from mincache.cli import options, summary
from mincache.cli.completion import SOLVERS, SUITE
from mincache.cli.terminal import TerminalTable, answer, waiting, warn
from mincache.cli.verbs import VerbGroup
from mincache.errors import InputError
from mincache.files import documents
from mincache.generation import sealing, suites, sweeps
from mincache.judging import journal
from mincache.solving import entrant

_SUITE, _RESULTS = "suite", "results"


@click.group(cls=VerbGroup)
def seal() -> None:
    """Rank solvers on instances that nobody has seen: promise, freeze, reveal.

    Publish `chain.jsonl` after each step. Keep `secret.toml` to yourself until you reveal it.
    """


@seal.command()
@click.argument("scenarios", metavar="[SCENARIO]...", nargs=-1, type=options.FILE)
@click.option("--users", type=options.whole_numbers, metavar="N,N,...",
              help="Numbers of users.  [default: each scenario's]")  # fmt: skip
@click.option("--libraries", type=options.COUNT, default=6, help="Libraries of each scenario.")
@click.option("--traces", type=options.COUNT, default=1, help="Traces for each library and N.")
@options.SUITE_NAME
@options.folder_output("Folder for the seal.")
@options.machine_output("an object")
def new(
    scenarios: tuple[Path, ...], users: tuple[int, ...] | None, libraries: int, traces: int,
    name: str | None, output: Path,
) -> None:  # fmt: skip
    """Draw a secret seed for instances of each SCENARIO (default: the paper's), and commit to it.

    `chain.jsonl` is the public commitment: publish it. `secret.toml` says what will be drawn: keep it.
    """
    sources = [sweeps.read_scenario(path).scenario for path in scenarios] or [sweeps.ScenarioFile().scenario]
    title = options.suite_name(output, name)
    secret = sealing.new_secret(title, sources, libraries, users or (), traces)
    link = seals.open_seal(output, secret)
    found = {"commitment": link.sha256, "instances": link.instances, "date": link.date}
    promise = f"{output / seals.CHAIN_FILE}: commits to {link.instances} instances by {link.sha256}"
    answer(found, promise, f"{output / seals.SECRET_FILE}: keep it until you reveal it")


@seal.command()
@click.argument("folder", type=options.FOLDER)
@options.solver_option("NAME, NAME[PARAMETER=VALUE,...] or FILE.py:CLASS", SOLVERS, required=True)
@click.option("--author", "authors", multiple=True, metavar="NAME", help="Whose entry it is; repeatable.")
@options.machine_output("an array, an object an entry")
def freeze(folder: Path, solvers: tuple[str, ...], authors: tuple[str, ...]) -> None:
    """Fix entries of the seal in FOLDER: source, parameters, policies and libraries, by their hash."""
    seals.read_seal(folder)
    links = seals.freeze(folder, _loaded(solvers, bench_limits.Limits()), authors)
    rows = [{"entry": link.name, "sha256": link.sha256, "date": link.date} for link in links]
    answer(rows, *(f"frozen {link.name}: {link.sha256}" for link in links))


def _loaded(specs: Iterable[str], limits: bench_limits.Limits) -> list[entrant.Entrant]:
    found = summary.entrants(specs, limits)
    for one in found:
        if one.unknown:
            raise InputError(f"solver {one.label}", "must load", one.unknown, "try: mincache solvers check")
    return found


@seal.command()
@click.argument("folder", type=options.FOLDER)
@click.option("--seeds", type=options.COUNT, default=10, help="Repetitions of each randomised solver.")
@options.limit_options(60.0)
@options.WORKERS
@options.folder_output("Folder for the suite and the results.")
@options.machine_output("an object")
def reveal(folder: Path, seeds: int, limits: bench_limits.Limits, workers: int | None, output: Path) -> None:
    """Publish the secret of the seal in FOLDER, draw its suite, and run every frozen entry on it.

    An entry that is no longer what was frozen is refused before anything is revealed. Repeat the command to
    continue where it stopped. Exit code 1 if a run is not verified.
    """
    links = seals.read_seal(folder)
    entries = [link for link in links if link.kind == "entry"]
    if not entries:
        raise InputError(str(folder), "must have a frozen entry", "none", "see: mincache seal freeze --help")
    entrants = _loaded([link.spec for link in entries], limits)
    for changed in seals.changed_entries(links, entrants):
        raise InputError(f"entry {changed}", "must be as it was frozen", "another source, file or library")
    secret, place = seals.reveal(folder), output / _SUITE
    suite = suites.Suite(place) if suites.is_suite(str(place)) else sealing.draw_sealed(secret, place)
    for name in (seals.CHAIN_FILE, seals.REVEALED_FILE):  # with them a leaderboard knows what was sealed
        documents.write_bytes(place / name, documents.read_bytes(folder / name))
    tasks = plan.plan(suite, entrants, seeds, limits)
    results = output / _RESULTS
    records = summary.run_tasks(results, tasks, executors.LocalExecutor(workers, limits.threads))
    found = summary.status_of(records, {task.key: task.cell.solver for task in tasks})
    document = {"suite": str(place), "results": str(results), "instances": len(suite)}
    lines = [f"{len(suite)} instances in {place}", *summary.outcome_lines(found)]
    answer(document | {"outcomes": found["outcomes"]}, *lines, failed=summary.unfinished(found))


@seal.command()
@click.argument("folder", type=options.FOLDER)
@click.argument("opened", metavar="[OPENED]", required=False,
                type=options.FilePath("folder", file_okay=False, exists=True))  # fmt: skip
@click.option("--suite", type=SUITE, help="The suite, where it is not in OPENED.")
@options.machine_output("an object")
def verify(folder: Path, opened: Path | None, suite: str | None) -> None:
    """Check that the seal in FOLDER holds, and that OPENED was drawn and run as it says.

    Anybody can do this with the published files: every line holds the hash of the line before, the revealed
    secret is the one of the commitment, it draws the suite byte by byte, and every run is of a frozen entry.
    Exit code 1 if anything does not hold.
    """
    links = seals.read_seal(folder)
    frozen = sum(link.kind == "entry" for link in links)
    lines = [f"{folder}: {len(links)} lines hold together; {frozen} entries frozen after {links[0].date}"]
    wrong: list[str] = []
    if links[-1].kind != "reveal":
        lines.append("not revealed yet")
    else:
        place = suite or (opened and str(opened / _SUITE))
        drawn = suites.find(place) if place else None
        records = journal.read(opened / _RESULTS) if opened else []
        with waiting("verifying"):
            wrong = list(seals.faults(folder, drawn, records))
        lines.append("the revealed secret is the one that was promised")
        if drawn is not None and not wrong:
            lines.append(f"{len(drawn)} instances and {len(records)} runs are as they must be")
    found = {"lines": len(links), "frozen": frozen, "faults": wrong}
    answer(found, *lines, wrong=wrong, failed=bool(wrong))


@seal.command()
@click.argument("opened", metavar="OPENED", type=options.FOLDER)
@click.argument("public", metavar="PUBLIC", type=options.FOLDER)
@click.option("--suite", type=SUITE, required=True, help="The public suite.")
@options.machine_output("an array, an object an entry", csv=True)
def compare(opened: Path, public: Path, suite: str) -> None:
    """Compare ranks on the sealed suite in OPENED with ranks on a public one, whose results are in PUBLIC.

    An entry is marked as fitted if it is worse on the sealed instances by more than chance, at 5 % over all
    entries. Both suites must be drawn from the same scenarios, of at least six libraries.
    """
    with waiting("comparing"):
        sealed_runs = runs.gather(journal.read(opened / _RESULTS), suite=str(opened / _SUITE))
        public_runs = runs.gather(journal.read(public), suite=suite)
    if len(sealed_runs) != 1 or len(public_runs) != 1:
        raise InputError("results", "must be of one suite each", f"{len(public_runs)} and {len(sealed_runs)}")
    rows = list(fitting.public_and_sealed(table.Table(public_runs[0]), table.Table(sealed_runs[0])).values())
    if not rows:
        rule, advice = "must have an entry in common, under the same limits", "see: mincache compare --help"
        raise InputError("results", rule, "none", advice)
    for found, place in ((public_runs[0], suite), (sealed_runs[0], opened / _SUITE)):
        if any(not one.pinned for one in found.references.values()):
            known = f"state the best known with: mincache instances reference {place}"
            warn(f"gaps on {found.name} are to the best cost among these runs; {known}")
    words = {True: "fitted to the public instances", False: "no sign of it", None: "cannot tell"}
    form = ("{solver}", "{public_rank}", "{sealed_rank}", "{public_gap:z.2%}", "{sealed_gap:z.2%}",
            "{low:+.2%} to {high:+.2%}")  # fmt: skip
    cells = [[*(cell.format(**row) for cell in form), words[row["fitted"]]] for row in rows]
    titles = ("public rank", "sealed rank", "public gap", "sealed gap", "95 % of the difference")
    columns = {"solver": "l", **dict.fromkeys(titles, "r"), "fitted": "l"}
    answer(rows, TerminalTable(columns, cells, more="--csv"))
