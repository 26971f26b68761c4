"""`mincache reproduce`: the paper's experiments, or one row of a leaderboard, run again."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from mincache.bench import executors, limits, supervisor
from mincache.board import entries, publish, rerun
from mincache.cli import options, summary
from mincache.cli.terminal import Bars, TerminalTable, answer, resumable, say, show, warn
from mincache.cli.verbs import VerbGroup
from mincache.errors import InputError, excerpt
from mincache.files.paths import real_path
from mincache.files.tables import validated
from mincache.judging import records as judging_records
from mincache.paper import findings, studies, study_folder
from mincache.site import drawing
from mincache.solving import entrant as solving_entrant

ALL = "all"
ABOUT = {
    "fig3": "Draw DDPG's training reward at several learning rates.",
    "fig4": "Draw the hit ratio over the number of users, and test the paper's claims on it.",
    "fig5": "Draw the mean cost over the number of users, and test the paper's claims on it.",
    "table": "Compute every percentage in the paper, and what it depends on.",
    ALL: "Do all of these.",
}
"""What of the paper can be repeated, and a line on each."""


@click.group(cls=VerbGroup, default="row", subcommand_metavar="WORD|FOLDER [OPTIONS]")
def reproduce() -> None:
    """Repeat the paper's experiments, or the published row of a leaderboard in FOLDER.

    Repeat a command to continue: what its output folder holds is not done again.
    """


def _paper(word: str, size: str, workers: int | None, work: Path | None, show: bool, output: Path) -> None:
    names = list(studies.STUDIES) if word == ALL else [word]
    if show:
        for name in names:
            _print(findings.read(output, name))
        return
    drawing.require_libraries()
    with resumable(), Bars(lines=10) as bars:
        where, count = work or output / f"work-{size}", workers or limits.usable_cores()
        folder = study_folder.StudyFolder(where, study_folder.SIZES[size], count, bars.show)
        for name in names:
            found = studies.run(name, folder)
            files = findings.write(output, found)
            _print(found)
            say(f"written: {', '.join(map(str, files))}\n")


def _print(found: findings.Findings) -> None:
    for name, rows in found.tables.items():
        if name in findings.COLUMNS and rows:
            columns = {column.title: "r" if column.numeric else "l" for column in findings.COLUMNS[name]}
            body = findings.cells(name, rows)[1:]
            show(TerminalTable(columns, body, title=name, more="the .csv files in the output folder"))


_PAPER_OPTIONS = options.together(
    click.option("--full", "size", flag_value="full", default=True,
                 help="The whole, about an hour of one core; the default."),
    click.option("--quick", "size", flag_value="quick", help="A smaller run, of minutes."),
    click.option("--smoke", "size", flag_value="smoke", help="The smallest; its numbers mean nothing."),
    click.option("--workers", type=options.COUNT, help="Processes at a time.  [default: cores]"),
    click.option("--work", type=options.FOLDER,
                 help="Folder for suites, campaigns and policies.  [default: work-SIZE in the output]"),
    click.option("--show", is_flag=True, help="Run nothing; print what the output folder holds."),
    options.folder_output("Folder for figures and numbers.", default=Path("results/paper")),
)  # fmt: skip
for _word, _about in ABOUT.items():
    reproduce.command(_word, help=_about)(_PAPER_OPTIONS(partial(_paper, _word)))


def _entry(ctx: click.Context, param: click.Parameter, folder: Path) -> Path:
    found = entries.find_entry(folder)
    if not (found / entries.MANIFEST_FILE).is_file():
        rule = f"must be one of {', '.join(ABOUT)}, or a row's folder"
        raise InputError("reproduce", rule, excerpt(str(folder)))
    return found


@reproduce.command()
@click.argument("entry", metavar="FOLDER", type=options.FOLDER, callback=_entry)
@options.folder_output("Folder for the new records.")
@click.option("--instances", type=options.COUNT, help="Repeat the first so many instances.  [default: all]")
@click.option("--tolerance", type=options.RealRange(min=0), default=0.001,
              help="Largest relative difference of the mean cost in a reproduction.")  # fmt: skip
@click.option("--policies", type=options.FilePath("folder|file", exists=True),
              help="The row's policies, if the row does not store them.")  # fmt: skip
@click.option("--by", default="", show_default=False, metavar="NAME",
              help="Reviewer; the entry gets their review, with these records.")  # fmt: skip
@options.machine_output("an object")
def row(
    entry: Path, output: Path, instances: int | None, tolerance: float, policies: Path | None, by: str
) -> None:  # fmt: skip
    """Repeat the published row in FOLDER, such as leaderboard/paper-v1/genetic (`row` may be left out).

    Every run is repeated with its own limits and seeds. A learned solver uses the policies in the row's
    folder, or those that you give. Exit code 1 if the row is not reproduced.
    """
    published = entries.read_entry(entry)
    today = datetime.now(UTC).date().isoformat()
    review = entry / entries.REVIEWS_FOLDER / entries.folder_name(f"{today} {by}")
    if by:
        validated(entries.Review, {"finding": "reproduced", "by": by, "date": today})
        if rerun.is_author(published, by):
            raise InputError("--by", "must be none of the row's authors", by, "leave it out for no review")
        if review.exists():
            raise InputError("--by", "must not have a review of today yet", str(review), "delete that first")
    suite = entries.find_suite(published.manifest.suite, boards=[real_path(entry).parent.parent])
    if suite is None:
        rule = "must be a standard one, or be on the board"
        raise InputError("suite", rule, repr(published.manifest.suite))
    every = list(published.records())
    names = sorted({record.cell.instance for record in every})
    kept = names[:instances]
    records = [record for record in every if record.cell.instance in kept]
    if by and len(records) < rerun.SHARE * len(every):
        rule = "must keep a fifth of the runs or more for a review"
        raise InputError("--instances", rule, f"{len(records)} of {len(every)}", "leave --by out for none")
    entrant = supervisor.describe_one(solving_entrant.absolute(rerun.spec_of(published, policies)))
    if entrant.warning:
        warn(entrant.warning)
    differs = [
        f"the solver's {told} recorded"
        for told, own, field in (
            ("source is not the one", entrant.source, "solver_source"),
            ("files are not those", entrant.files, "solver_files"),
        )
        if {getattr(record.cell, field) for record in records} - {"", own}
    ]
    warn(*differs)
    again = summary.run_tasks(output, rerun.tasks_of(records, entrant, suite), executors.LocalExecutor(1))
    found = rerun.reproduction(records, again)
    holds = found.holds(tolerance)
    result = f"{found}" if kept == names else f"{found}, on {len(kept)} of {len(names)} instances"
    told, note = f"{'reproduced' if holds else 'not reproduced'}: {result}", "; ".join([result, *differs])
    reviews = [str(_review(review, by, today, note, again, output))] if by and holds else []
    lines = [f"written: {review}; `mincache leaderboard rebuild` shows it" for review in reviews]
    document = {"reproduced": holds, "instances": len(kept), "told": told, "reviews": reviews}
    answer(document, told, *lines, failed=not holds)


def _review(
    review: Path, by: str, date: str, found: str, again: list[judging_records.Record], output: Path
) -> Path:
    """Write a review into its entry, unless verifying would refuse it; return its folder."""
    entry, stored = review.parent.parent, publish.solutions_in([output])
    publish.write_reproduction(entry, review.name, by, date, found, again, stored)
    if wrong := list(rerun.wrong_in_review(entries.read_entry(entry), review.name)):
        shutil.rmtree(review)
        raise InputError("review", "must hold before it is written", "; ".join(wrong))
    return review
