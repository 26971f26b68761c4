"""The documentation agrees with the code: what is generated is current, and what is listed is complete."""

import ast
import csv
import re
import runpy
import statistics
from collections import Counter
from functools import partial
from pathlib import Path
from typing import get_args

import click
import pytest
import yaml
from layout import CHANGES, ROOMS
from pydantic import BaseModel

from mincache.board import comparison, render
from mincache.board.columns import COLUMNS
from mincache.board.entries import COVERED, TIERS
from mincache.board.verify import read_board
from mincache.certificate import archive
from mincache.cli.exchange import symbols_markdown
from mincache.cli.main import VERBS, cli
from mincache.generation import sections, suites
from mincache.generation.recipes import RELATIVE_TOLERANCE
from mincache.generation.scenario import Scenario
from mincache.judging.records import StopReason, Verdict
from mincache.paper import findings
from mincache.paper.studies import STUDIES
from mincache.solving.conformance import check_solver

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def table(header, rows):
    """A Markdown table."""
    lines = [header, ("-",) * len(header), *rows]
    return (
        "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        .replace("| - ", "|---")
        .replace("--- |", "---|")
    )


def columns_markdown():
    """The columns of the ranking."""
    rows = ((c.heading, c.meaning, "wide" if c.wide else "") for c in COLUMNS)
    return table(("column", "meaning", ""), rows)


def json_markdown(command=cli, path="", context=None):
    """The verbs with machine output, a line a verb with its options."""
    context = context or click.Context(command)
    if isinstance(command, click.Group):
        below = (command.get_command(context, name) for name in command.list_commands(context))
        return "\n".join(filter(None, (json_markdown(one, f"{path} {one.name}") for one in below)))
    forms = [
        f"`{form}`" for form in ("--json", "--csv") if any(form in option.opts for option in command.params)
    ]
    return f"- `mincache{path}`: {', '.join(forms)}" if forms else ""


def speed_markdown():
    """What `make benchmark` has measured of the exact method."""
    return str(runpy.run_path(str(DOCS / "figures" / "speed.py"))["markdown"]())


def training_markdown():
    """What the learning curves end on, a row a method: medians over the seeds, and all their gaps."""
    with (DOCS / "figures" / "training.csv").open(newline="") as file:
        ends = {
            (row["method"], row["seed"]): row for row in csv.DictReader(file)
        }  # the last of a curve stays
    rows = []
    for method in dict.fromkeys(method for method, _ in ends):
        last = [row for (name, _), row in ends.items() if name == method]
        wall_s = statistics.median(float(row["wall_s"]) for row in last)
        rate = statistics.median(float(row["steps"]) / float(row["wall_s"]) for row in last)
        gaps = sorted(float(row["gap"]) for row in last)
        rows.append((method, f"{rate:,.0f}", f"{wall_s:.3g} s", ", ".join(f"{gap:.1%}" for gap in gaps)))
    return table(("method", "steps a second", "whole training", "gap at the end, a seed each"), rows)


def citation_markdown():
    """The entries of CITATION.cff, for BibTeX."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    year = re.search(r"^## [\d.]+ \((\d{4})", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    entries = [_bibtex("software", "mincache", cited | ({"year": year[1]} if year else {}))]
    entries += [_bibtex(one["type"], "paper", one) for one in cited["references"]]
    return "```bibtex\n" + "\n\n".join(entries) + "\n```"


def _bibtex(kind, key, cited):
    names = [one.get("name") or f"{one['family-names']}, {one['given-names']}" for one in cited["authors"]]
    wanted = ("title", "version", "year", "journal", "doi", "url", "license")
    fields = {"author": " and ".join(f"{{{name}}}" if "," not in name else name for name in names)}
    fields |= {name: f"{cited[name]}" for name in wanted if name in cited}
    return f"@{kind}{{{key},\n" + "".join(f"  {name} = {{{text}}},\n" for name, text in fields.items()) + "}"


WORTHS = {
    "caching_worth": "no caching",
    "bandwidth_worth": "equal bandwidth",
    "steps_worth": "no steps",
    "upload_share": "uplink's share",
}
"""What is told of each suite, by column of suites.csv: medians over its instances."""


def suites_markdown():
    """The standard suites: sizes, how many optima are proven, and what each decision is worth."""
    with (DOCS / "figures" / "suites.csv").open(newline="") as file:
        measured = {row["suite"]: row for row in csv.DictReader(file)}
    rows = []
    for name in sorted(suites.standard_names(), key=lambda name: (name != "paper-v1", name)):
        suite = suites.find(name)
        entries = suite.entries.values()
        proven = sum(e.lower_bound >= e.best_known * (1 - RELATIVE_TOLERANCE) for e in entries)
        places = [suite.place(one) for one in suite.entries]
        sizes = (
            span({getattr(place.scenario, field) for place in places})
            for field in ("slots", "users", "models")
        )
        worths = (f"{float(measured[name][f'{field}_median']):.2%}" for field in WORTHS)
        rows.append((f"`{name}`", suite.content.purpose, str(len(entries)), *sizes, str(proven), *worths))
    titles = ("suite", "what for", "instances", "T", "N", "M", "proven", *WORTHS.values())
    return table(titles, rows)


def span(values):
    """A few numbers, or from where to where they go."""
    shown = [f"{value:,}" for value in sorted(values)]
    return ", ".join(shown) if len(shown) < 4 else f"{shown[0]} to {shown[-1]}"


def certificates_markdown():
    """What is proven of each suite, and how long certificates take and how large they are."""
    with (DOCS / "figures" / "certificates.csv").open(newline="") as file:
        measured = {row["suite"]: row for row in csv.DictReader(file)}
    rows = []
    for name in sorted(suites.standard_names(), key=lambda name: (name != "paper-v1", name)):
        suite, row = suites.find(name), measured.get(name)
        status = Counter(entry.status or "open" for entry in suite.entries.values())
        kept = sum(archive.CERTIFICATES.path(suite, one).is_file() for one in suite.entries)
        cells = [f"`{name}`", *(str(status[one]) for one in ("proven", "bounded", "open")), str(kept)]
        for field, unit in (("make_s", "s"), ("check_s", "s"), ("packed_kb", "kB")):
            cells.append(f"{row[field]}, {row[f'{field}_most']} {unit}" if row else "")
        rows.append(cells)
    return table(
        ("suite", "proven", "bounded", "open", "certificates here", "made in", "checked in", "packed"), rows
    )


def heuristics_markdown():
    """How near two simple heuristics come, a row a suite: gaps in percent, and the seconds they took."""
    with (DOCS / "figures" / "heuristics.csv").open(newline="") as file:
        measured = {(row["suite"], row["solver"]): row for row in csv.DictReader(file)}
    solvers = list(dict.fromkeys(solver for _, solver in measured))
    rows = []
    for name in sorted({suite for suite, _ in measured}, key=lambda name: (name != "paper-v1", name)):
        cells = [f"`{name}`", str(len(suites.find(name).entries))]
        for solver in solvers:
            row = measured[name, solver]
            gaps = (f"{float(row[f'gap_{kind}']):.3%}" for kind in ("mean", "largest"))
            cells += [*gaps, row["within_1_percent"], f"{float(row['seconds_median']):.2g} s"]
        rows.append(cells)
    columns = ("mean gap", "largest", "within 1 %", "time")
    titles = [
        f"`{solver}`: {column}" if not n else column for solver in solvers for n, column in enumerate(columns)
    ]
    return table(("suite", "instances", *titles), rows)


def online_markdown():
    """How far each reference and policy is above the best causal policy, by suite and number of users."""
    with (DOCS / "figures" / "online.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = list(dict.fromkeys((row["suite"], row["users"]) for row in rows))
    cell = {
        (row["policy"], row["suite"], row["users"]): f"{float(row['above_causal']):+.2%} "
        f"± {float(row['half_interval']):.2%}"
        for row in rows
    }
    first = columns[0]
    order = {
        row["policy"]: float(row["above_causal"]) for row in rows if (row["suite"], row["users"]) == first
    }
    titles = ("reference or policy", *(f"`{suite}`, N = {users}" for suite, users in columns))
    return table(
        titles, ((f"`{one}`", *(cell[one, *at] for at in columns)) for one in sorted(order, key=order.get))
    )


def online_learners_markdown():
    """How far agents that learn from histories are above the best causal policy, by suite."""
    with (DOCS / "figures" / "online-learners.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    titles = ("suite", "learner", "above the best causal", "seeds", "training of a policy")
    cells = (
        (f"`{row['suite']}`", f"`{row['solver']}`",
         f"{float(row['above_causal']):+.2%} ± {float(row['half_interval']):.2%}",
         f"{float(row['best']):+.2%} to {float(row['worst']):+.2%}", f"{row['training_s']} s")
        for row in rows
    )  # fmt: skip
    return table(titles, cells)


def contrasts_markdown():
    """What each suite tells apart, from the published records."""
    tables = read_board(ROOT / "leaderboard", rescore=False).tables()
    found = comparison.contrasts(tables, "paper-v1")
    return render.contrasts_markdown(found, "paper-v1").rstrip("\n")


def rooms_markdown():
    """The rooms from the ground up, each with the first line of its own docstring."""
    homes = {"errors.py": "errors.py"} | {f"{room}/": f"{room}/__init__.py" for room in ROOMS[1:]}
    about = {
        n: ast.get_docstring(ast.parse((ROOT / "mincache" / home).read_text())) for n, home in homes.items()
    }
    return table(
        ("room", "what it holds"), ((f"`{name}`", doc.splitlines()[0]) for name, doc in about.items())
    )


def changes_markdown():
    """What to touch for each kind of change."""
    rows = ((change, ", ".join(f"`{f}`" for f in files), about) for change, (files, about) in CHANGES.items())
    return table(("to add", "touch", "how"), rows)


def processes_markdown():
    """The processes of a scenario's sections, each with its first line and its fields."""
    rows = []
    for section in ("requests", "positions", "channel", "user", "models"):
        for name, kind in sections.processes(section).items():
            fields = [
                f"`{field}`" + ("" if known.is_required() else f" = {_default(known.default)}")
                for field, known in kind.model_fields.items()
                if field not in ("process", "sha256")
            ]
            about = kind.__doc__.splitlines()[0].rstrip(".")
            rows.append((f"`[{section}]`", f"`{name}`", about, ", ".join(fields)))
    return table(("section", "process", "what it draws", "fields"), rows)


def _default(value):
    """A default as TOML has it, short."""
    if value is None:
        return "none"
    if isinstance(value, BaseModel):
        return f"{{ {', '.join(f'{k} = {_default(v)}' for k, v in value if v is not None)} }}".replace(
            "{  }", "{}"
        )
    if isinstance(value, tuple):
        return "the paper's" if isinstance(value[0], tuple) else str(list(value))
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def paper_markdown(name):
    """A table of the paper's experiments, from the committed numbers."""
    found = [findings.read(DOCS / "paper", study) for study in STUDIES]
    tables = {title: rows for one in found for title, rows in one.tables.items()}
    tables["record"] = [one.record for one in found]
    titles, *rows = findings.cells(name, tables[name])
    left = [not column.numeric for column in findings.COLUMNS[name]]
    return render.markdown_table(titles, [list(map(render.escaped, row)) for row in rows], left).rstrip("\n")


PAPER_TABLES = re.findall(r"<!-- ([a-z0-9-]+) -->", (DOCS / "paper.md").read_text())
GENERATED = {
    **{("paper.md", name): partial(paper_markdown, name) for name in PAPER_TABLES},
    ("architecture.md", "rooms"): rooms_markdown,
    ("architecture.md", "changes"): changes_markdown,
    ("cite.md", "citation"): citation_markdown,
    ("problem.md", "symbols"): symbols_markdown,
    ("learner.md", "training"): training_markdown,
    ("leaderboard.md", "columns"): columns_markdown,
    ("leaderboard.md", "tiers"): lambda: table(("tier", "meaning"), ((f"`{t}`", TIERS[t]) for t in TIERS)),
    ("leaderboard.md", "covered"): lambda: table(("what", "how"), COVERED.items()),
    ("online.md", "online"): online_markdown,
    ("online.md", "online-learners"): online_learners_markdown,
    ("suites.md", "standard"): suites_markdown,
    ("suites.md", "contrasts"): contrasts_markdown,
    ("scenarios.md", "processes"): processes_markdown,
    ("suites.md", "heuristics"): heuristics_markdown,
    ("commands.md", "json"): json_markdown,
    ("decomposition.md", "speed"): speed_markdown,
    ("decomposition.md", "certificates"): certificates_markdown,
    ("commands.md", "verbs"): lambda: table(
        ("verb", "what it does"), ((f"`{verb}`", about) for verb, (_, _, about) in VERBS.items())
    ),
}


@pytest.mark.parametrize(("page", "mark"), GENERATED)
def test_generated_parts_are_current(page, mark):
    """What stands between the marks is what the code says; `make pages` writes it anew."""
    found = re.search(rf"<!-- {mark} -->\n(.*?)<!-- /{mark} -->", (DOCS / page).read_text(), re.DOTALL)
    assert found is not None
    assert found[1] == GENERATED[page, mark]() + "\n"


def test_the_files_that_a_change_touches_are_there():
    """The page on the architecture names files that exist."""
    named = {file for files, _ in CHANGES.values() for file in files}
    assert not [file for file in named if not (ROOT / file).is_file()]


def test_the_changelog_tells_where_modules_went():
    """Each module that moved is gone from its old place, and stands where the changelog says."""
    rows = re.findall(
        r"^\| `(mincache[\w.]+)` \| (.+) \|$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert rows
    for was, homes in rows:
        assert not (ROOT / f"{was.replace('.', '/')}.py").exists()
        for home in re.findall(r"`(mincache[\w.]+)`", homes):
            assert (ROOT / f"{home.replace('.', '/')}.py").exists(), home


def first_column(page, header):
    """What stands in the first column of the table of a page whose header begins so."""
    lines = (DOCS / page).read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {header} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(line.split("|")[1].strip().strip("`"))
    return rows


def test_verdicts_and_stop_reasons_are_all_explained():
    """The rules have a line for each verdict and each reason for a run's end, and for no other."""
    assert sorted(first_column("rules.md", "verdict")) == sorted(get_args(Verdict))
    assert sorted(first_column("rules.md", "stop reason")) == sorted(get_args(StopReason))


def test_the_checks_are_all_explained():
    """The page on solvers has a line for each check that is made."""
    names = [
        re.sub(r"^feasible: .*", "feasible: *instance*", check.name) for check in check_solver("cloud-only")
    ]
    assert first_column("solver.md", "check") == list(dict.fromkeys(names))


def test_the_transition_matrix_is_the_default():
    """Equation (19) on the page on the problem has the numbers that scenarios walk by."""
    rows = re.search(r"begin\{pmatrix\}(.*?)\\end", (DOCS / "problem.md").read_text())
    assert rows is not None
    shown = tuple(tuple(map(float, row.split("&"))) for row in rows[1].split("\\\\"))
    assert shown == Scenario().skewness_transitions


def test_exit_codes_are_three():
    """The table of exit codes has the three that there are."""
    assert first_column("commands.md", "code") == ["0", "1", "2"]


def test_links_lead_to_files():
    """Every relative link in the Markdown files leads to something in the repository."""
    pages = [*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")]
    targets = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:<>]+)\)", page.read_text())]
    assert targets
    missing = [f"{page.name}: {link}" for page, link in targets if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.stem)
def test_a_name_stands_in_the_file_that_is_linked_with_it(page):
    """A page that says `name` in [file](...) names a function, class or method of that file."""
    places = re.findall(r"((?:`[\w.]+`(?:, | and )?)+) in \[[^\]]+\]\((\S+\.py)\)", page.read_text())
    for names, link in places:
        defined = re.findall(r"(?:def|class) (\w+)", (DOCS / link).read_text())
        for name in re.findall(r"`([\w.]+)`", names):
            assert set(name.split(".")) <= set(defined), f"{name} in {link}"


def test_links_lead_to_headings():
    """Every link to a place in a page leads to a heading that is there."""
    for page in DOCS.glob("*.md"):
        for link, anchor in re.findall(r"\]\(([\w-]+\.md)#([\w-]+)\)", page.read_text()):
            headings = re.findall(r"^#+ (.+)$", (DOCS / link).read_text(), re.MULTILINE)
            assert anchor in {
                re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings
            }


def regenerate():
    """Write the generated parts."""
    for (page, mark), part in GENERATED.items():
        text = (DOCS / page).read_text()
        before, _, rest = text.partition(f"<!-- {mark} -->\n")
        after = rest.partition(f"<!-- /{mark} -->")[2]
        (DOCS / page).write_text(f"{before}<!-- {mark} -->\n{part()}\n<!-- /{mark} -->{after}")


if __name__ == "__main__":
    regenerate()
