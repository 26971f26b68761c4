"""`mincache instances`: list, verify, show."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

import mincache
from mincache.analysis import features, selection
from mincache.certificate import archive
from mincache.cli import describe, options
from mincache.cli.completion import INSTANCE, SOLVER, SUITE
from mincache.cli.terminal import TerminalTable, answer, resumable, tracked
from mincache.cli.verbs import VerbGroup
from mincache.errors import InputError, excerpt, in_file
from mincache.files.documents import MAX_PROOF_BYTES, read_bytes
from mincache.generation import suite_checks, suite_writing, suites
from mincache.judging import judge
from mincache.problem import evaluation as problem_evaluation
from mincache.site import pictures
from mincache.solving import contract, registry

_QUICK = ("popular-first", "density-greedy", "local-search")


@click.group(cls=VerbGroup, bare="list", default="show")
def instances() -> None:
    """List the standard suites, show a suite or an instance (`mincache instances NAME`), or verify suites."""


@instances.command("list")
@options.machine_output("an array", csv=True)
def list_() -> None:
    """List the standard suites."""
    rows, cells = [], []
    for suite in map(mincache.suite, suites.standard_names()):
        scenarios = [suite.place(name).scenario for name in suite.entries]  # no instance is drawn
        fields = ("slots", "users", "models")
        sizes = {field: sorted({getattr(one, field) for one in scenarios}) for field in fields}
        one_or_all = {field: sizes[field][0] for field in ("slots", "models") if len(sizes[field]) == 1}
        row = {"suite": suite.name, "instances": len(suite), **sizes, **one_or_all}
        rows.append(row | {"purpose": suite.content.purpose})
        cells.append([suite.name, str(len(suite)), suite.content.purpose, *map(_span, sizes.values())])
    columns = {"suite": "l", "instances": "r", "purpose": "t", "T": "t", "N": "t", "M": "t"}
    answer(rows, TerminalTable(columns, cells, more="--csv"))


def _span(values: list[int]) -> str:
    return ", ".join(map(str, values)) if len(values) < 4 else f"{values[0]} to {values[-1]}"


@instances.command()
@click.argument("files", nargs=-1, required=True, type=options.FILE)
@options.folder_output("Folder for the suite.")
@options.SUITE_NAME
@options.PURPOSE
@options.machine_output("an object")
def collect(files: tuple[Path, ...], output: Path, name: str | None, purpose: str) -> None:
    """Make a suite of instances from elsewhere, each FILE under the name that it says.

    The files are checked and copied. All that works on a suite works on it: verify, run, reference,
    features, leaderboard.
    """
    suite = suite_writing.collect(output, options.suite_name(output, name), files, purpose)
    told = f"{len(suite)} instances in {output}, listed in {output / 'suite.toml'}"
    answer({"suite": suite.name, "folder": str(output), "instances": list(suite.entries)}, told)


@instances.command()
@click.argument("suite", nargs=-1, type=SUITE)
@click.option("--certificates", "what", flag_value="certificates",
              help="Check the proofs of the best known costs instead.")  # fmt: skip
@click.option("--solutions", "what", flag_value="solutions", help="Score the best known solutions instead.")
@options.machine_output("an array, an object an instance", csv=True)
def verify(suite: tuple[str, ...], what: str | None) -> None:
    """Draw every file of each SUITE (default: all standard ones) again, and compare the bytes.

    With --certificates, each certificate must prove in exact arithmetic that the best known cost is
    optimal. With --solutions, each solution must be feasible and have the best known cost. Suites without
    such files are skipped unless you name them. Exit code 1 if anything differs, is missing or is refused.
    """
    kinds = {
        "certificates": (archive.CERTIFICATES, "certificates prove the best known cost"),
        "solutions": (suite_checks.SOLUTIONS, "solutions have the best known cost"),
    }
    beside, told = kinds[what] if what else (None, "")
    check = beside.check if beside else suite_checks.verify
    rows, lines, wrong = [], [], []
    for name in suite or suites.standard_names():
        found = mincache.suite(name)
        lack = ""
        if beside is not None and not beside.present(found):
            lack = f"{name}: no {what}; `mincache instances certify {name}` makes them"
            if not suite:
                lines.append(lack)
                continue
        checked = list(tracked(check(found), f"verifying {found.name}", total=len(found.entries)))
        broken = [f"{instance}: {problem}" for instance, problem in checked if problem]
        rows += [{"suite": found.name, "instance": one, "problem": problem} for one, problem in checked]
        how = told or f"files are as {'their recipe draws them' if found.content.sources else 'listed'}"
        lines.append(f"{name}: {len(checked) - len(broken)} of {len(checked)} {how}")
        wrong += [lack] if lack else broken
    answer(rows, *lines, wrong=wrong, failed=bool(wrong))


@instances.command()
@click.argument("suite", type=SUITE)
@click.argument("names", nargs=-1, type=INSTANCE)
@click.option("--check", "checking", is_flag=True, help="Check the certificates there are; write the status.")
@click.option("--status-only", is_flag=True, help="Write what is proven, and commands in place of the files.")
@options.machine_output("an object: the status of each instance")
def certify(suite: str, names: tuple[str, ...], checking: bool, status_only: bool) -> None:
    """Write a certificate and the best solution of every instance (or of NAMES) into SUITE's folder.

    The check of a certificate decides the instance's status in suite.toml: proven or bounded.
    """
    found = mincache.suite(suite)
    for name in names:
        found.read(name)  # refuses a name that is not listed
    if checking:
        states = {name: entry.status for name, entry in archive.write_status(found).entries.items()}
        counts = Counter(states.values()).items()
        answer(states, f"{suite}: {', '.join(f'{count} {status}' for status, count in counts)}")
        return
    writing = archive.write_archive(found, names, files=not status_only)
    done = list(tracked(writing, "proving", total=len(names or found.entries)))
    entries = mincache.suite(suite).entries
    told = f"{len(done)} {'statuses' if status_only else 'certificates and solutions'} in {found.folder}"
    answer({name: entries[name].status for name in done}, told)


@instances.command()
@click.argument("named", metavar="[SUITES]...", nargs=-1, type=SUITE)
@options.machine_output("an array, an object an instance", csv=True)
def bounty(named: tuple[str, ...]) -> None:
    """List the instances whose best known cost is not proven, of each SUITE or of all standard ones.

    `mincache instances improve SUITE INSTANCE FILE --by NAME` takes a better solution, or a certificate of a
    better bound, as `mincache certify INSTANCE -o FILE` writes it.
    """
    names = {"name", "status", "best_known", "lower_bound", "bound_from"}
    chosen = map(mincache.suite, named or suites.standard_names())
    entries = [entry for suite in chosen for entry in suite.entries.values()]
    unproven = [entry for entry in entries if entry.status != "proven"]
    found = [entry.model_dump(include=names) for entry in unproven]
    rows = []
    for one in found:
        cost, bound = one["best_known"], one["lower_bound"]
        shown = [f"{value:.9f}" if value is not None else "" for value in (cost, bound)]
        gap = f"{(cost - bound) / cost:.1e}" if cost and bound is not None else ""
        rows.append([one["name"], one["status"] or "open", *shown, gap, one["bound_from"] or ""])
    sides = {"instance": "l", "status": "l", **dict.fromkeys(("best known", "lower bound", "gap"), "r")}
    title = f"{len(rows)} instances without a proof"
    table = TerminalTable(sides | {"bound from": "t"}, rows, title=title, more="--csv or --json")
    answer(found, table, "A better one: mincache instances improve SUITE INSTANCE FILE --by NAME")


@instances.command()
@click.argument("suite", type=SUITE)
@click.argument("name", metavar="INSTANCE")
@click.argument("file", type=options.FILE)
@click.option("--by", required=True, metavar="NAME", help="Who found it.")
@options.machine_output("an object: what is known now")
def improve(suite: str, name: str, file: Path, by: str) -> None:
    """Take a solution of lower cost, or a certificate of a higher bound, for an INSTANCE of SUITE.

    FILE is checked first. suite.toml then says who found it, when and how. Changes to a standard suite are
    handed in as a pull request.
    """
    found = mincache.suite(suite)
    found.read(name)  # refuses a name that is not listed
    command = f"mincache instances improve {suite} {name} {file.name}"
    if not by.strip():
        raise InputError("by", "must name who found it", excerpt(by))
    with in_file(file):
        told = archive.improve(found, name, read_bytes(file, MAX_PROOF_BYTES), by, command)
    entry = mincache.suite(suite).entries[name]
    answer(entry.model_dump(include={"name", "status", "best_known", "lower_bound"}), told)


@instances.command("show")
@click.argument("name", type=INSTANCE)
@options.machine_output("an array, an object an instance of a suite, or a field of an instance", csv=True)
def show_(name: str) -> None:
    """Show a suite or an instance, each a name or a path (the verb `show` may be left out)."""
    if suites.is_suite(name):
        suite = mincache.suite(name)
        rows = [entry.model_dump(mode="json") for entry in suite.entries.values()]
        answer(rows, describe.suite_table(suite))
    else:
        instance = options.find_instance(name)
        answer(describe.instance_rows(instance), *describe.instance_tables(instance))


@instances.command("features")
@click.argument("suite", type=SUITE)
@options.machine_output("an array, an object an instance", csv=True)
@click.option("-o", "--output", type=options.PICTURE, help="Draw a picture too.")
@click.option("--time-limit", type=options.SECONDS, default=60.0,
              help="Time for each of the two optima of an instance.")  # fmt: skip
def features_(suite: str, output: Path | None, time_limit: float) -> None:
    """Show how scarce the resources of each instance of SUITE are, and how much each decision is worth.

    A worth is how much the cost rises above the optimum without a decision: when nothing is cached, when
    users share bandwidth equally, or when the server has no steps. The exact method gives the optimum. If it
    cannot prove one within the time limit, the row says so.
    """
    found = mincache.suite(suite)
    solved = tracked(found, "solving", total=len(found))
    rows = [features.features(one, time_limit) for one in solved]
    answer([asdict(row) for row in rows], describe.feature_table(found, rows))
    if output is not None:
        options.write_picture(pictures.feature_chart(rows, describe.groups_of(found)), output)


@instances.command()
@click.argument("suite", type=SUITE)
@click.argument("names", nargs=-1, type=INSTANCE)
@click.option("--solver", type=SOLVER, default="decomposition", help="An exact solver.")
@click.option("--time-limit", type=options.SECONDS, default=math.inf,
              help="Time an instance.")  # fmt: skip
@options.machine_output("an object: the cost and the lower bound of each instance")
def reference(suite: str, names: tuple[str, ...], solver: str, time_limit: float) -> None:
    """Solve every instance of SUITE (or NAMES), and write its verified cost and lower bound into suite.toml.

    The leaderboard measures gaps from these values. A lower cost or a higher bound replaces an older one;
    no other does. Each value is written at once: after an interruption, repeat the command. Instances whose
    cost meets the bound are left as they are. The best solution goes into the folder `solutions`.
    """
    found, method = mincache.suite(suite), registry.make(solver)
    source = f"{solver}, mincache {mincache.__version__}, evaluator {problem_evaluation.EVALUATOR_VERSION}"
    if known := found.content.references:
        source = known if source in known else f"{known}; {source}"
    for name in names:
        found.read(name)  # refuses a name that is not listed
    unproven = [name for name in names or found.entries if not _is_settled(found, name)]
    with resumable():
        for name in tracked(unproven, "solving", total=len(unproven)):
            found = _with_reference(found, name, solver, method, time_limit, source)
    fields = {"best_known", "lower_bound"}
    document = {name: found.entries[name].model_dump(include=fields) for name in names or found.entries}
    answer(document, f"{len(document)} reference values in {found.folder / suites.RECIPE_FILE}")


def _is_settled(suite: mincache.Suite, name: str) -> bool:
    """Return whether the optimum of an instance is known, with its solution and who found it."""
    entry = suite.entries[name]
    proven = entry.reference is not None and entry.reference.proven and entry.cost_from and entry.bound_from
    return bool(proven) and suite_checks.SOLUTIONS.path(suite, name).is_file()


def _with_reference(
    suite: mincache.Suite, name: str, label: str, method: mincache.Solver, time_limit: float, source: str
) -> mincache.Suite:
    """Solve an instance, write what is better than what is known, and return the suite as it is then."""
    entry, instance, run = suite.entries[name], suite.read(name), mincache.Run.seeded(0, time_limit)
    solution = contract.answer(label, method, instance, run)
    evaluation = mincache.evaluate(instance, solution)
    if not evaluation.feasible:
        raise click.ClickException(f"{label} found no feasible solution of {name}")
    cost = min(evaluation.cost, math.inf if entry.best_known is None else entry.best_known)
    bound = max(run.bound, -math.inf if entry.lower_bound is None else entry.lower_bound)
    if judge.contradicts(bound, cost):
        raise click.ClickException(f"{label} puts {name} above {bound!r}, and a verified cost is {cost!r}")
    limit = f" --time-limit {time_limit:g}" if math.isfinite(time_limit) else ""
    command = f"mincache instances reference {suite.name} {name} --solver {label}{limit}"
    by, better = suite_writing.found_by(label, command), dict[str, Any]()
    reached = evaluation.cost == cost
    if reached and (cost != entry.best_known or entry.cost_from is None):
        better |= {"best_known": cost, "cost_from": by}
    if math.isfinite(bound) and run.bound == bound and (bound != entry.lower_bound or not entry.bound_from):
        better |= {"lower_bound": bound, "bound_from": by}
    if reached and ("best_known" in better or not suite_checks.SOLUTIONS.path(suite, name).is_file()):
        suite_checks.write_best(suite, name, solution)
    return suite_writing.set_entries(suite, {name: better}, references=source) if better else suite


@instances.command()
@click.argument("candidates", nargs=-1, required=True, type=SUITE)
@click.option("-n", "--count", type=options.COUNT, required=True, help="Instances to choose.")
@options.folder_output("Folder for the suite.")
@click.option("--clusters", type=options.COUNT,
              help="Clusters to divide the candidates into.  [default: 2 n, or all]")  # fmt: skip
@click.option("--at-most", multiple=True, metavar="LIMIT",
              help="How many of a kind there may be, such as density-greedy<0.01=5; repeatable.")  # fmt: skip
@click.option("--at-least", multiple=True, metavar="LIMIT",
              help="How many of a kind there must be, such as gini>0.5=4; repeatable.")  # fmt: skip
@click.option("--seed", type=options.SEED, required=True, help="Decides among candidates that are alike.")
@click.option("--measured", type=options.CSV_FILE, required=True,
              help="What is measured of the candidates; rows that it lacks are added.")  # fmt: skip
@options.solver_option("Quick solver whose gap characterises an instance", default=_QUICK)
@click.option("--time-limit", type=options.SECONDS, default=10.0, help="Time of each search.")
@click.option("--workers", type=options.COUNT, default=1, help="Processes that measure.")
@options.SUITE_NAME
@options.PURPOSE
@options.KEPT
@click.option("--picture", type=options.PICTURE, help="Draw the suite among its candidates.")
@options.machine_output("an object")
def select(
    candidates: tuple[str, ...], count: int, output: Path, clusters: int | None, at_most: tuple[str, ...],
    at_least: tuple[str, ...], seed: int, measured: Path, solvers: tuple[str, ...], time_limit: float,
    workers: int, name: str | None, purpose: str, kept: Any, picture: Path | None,
) -> None:  # fmt: skip
    """Choose n instances among those of the suites CANDIDATES, and make a suite of them.

    Features of all candidates are divided into clusters. Of each cluster, at most one instance is chosen, one
    near its middle. A LIMIT names a column of the measured file, < or >, a value, and a count.
    """
    title = options.suite_name(output, name)
    suite_writing.check_free(output)
    most, least = ([selection.Limit.parse(text) for text in texts] for texts in (at_most, at_least))
    found = [mincache.suite(one) for one in candidates]
    whose = {entry.sha256: (suite, entry.name) for suite in found for entry in suite.entries.values()}
    options.prepare(measured)
    measuring = selection.measure(found, measured, solvers, time_limit, workers)
    with resumable():
        list(tracked(measuring, "measuring", total=len(whose)))
    known = [row for row in selection.read_rows(measured) if row["sha256"] in whose]
    clusters = clusters or min(2 * count, len(known))
    choice = selection.select(known, count, clusters, seed, solvers, most, least)
    chosen = [(*whose[str(known[i]["sha256"])], int(choice.cluster[i])) for i in choice.chosen]
    decisions: dict[str, Any] = {"seed": seed, "candidates": len(known), "clusters": clusters}
    decisions |= {"at_most": at_most, "at_least": at_least}
    suite = suite_writing.write_selection(output, title, chosen, decisions, purpose, kept)
    taken = [known[i] for i in choice.chosen]
    limits = []
    for limit in (*most, *least):
        held, possible = (int(limit.holds(rows).sum()) for rows in (taken, known))
        limits.append({"limit": limit.text, "chosen": held, "candidates": possible})
    if picture is not None:
        groups = [title if i in choice.chosen else "candidates" for i in range(len(known))]
        names = [str(row["name"]) for row in known]
        chart = pictures.plane_chart(choice.plane, names, groups, {"candidates": "#bbbbbb"})
        options.write_picture(chart, picture)
    answer(
        {"suite": title, "folder": str(output), "instances": list(suite.entries), "limits": limits},
        *("{limit}: {chosen} chosen, {candidates} candidates".format(**one) for one in limits),
        f"{len(suite)} of {len(known)} candidates, listed in {output / suites.RECIPE_FILE}",
    )
