"""The site in a real browser: sorted, filtered, drawn, read aloud, attacked, and cut off from the network."""

import io
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from board_fixture import record, write_entry
from browser_fixture import Visitor, chromium, draw, needs_browser, violations

from mincache.bench.records import TracePoint
from mincache.board.columns import visible_columns
from mincache.board.entries import read_entries, write_manifest
from mincache.board.publish import publish, solutions_in
from mincache.board.results import read_campaigns
from mincache.board.standing import standings
from mincache.board.table import Table
from mincache.site.build import build

Image = pytest.importorskip("PIL.Image", reason="screenshots are looked at with pillow")
expect = pytest.importorskip("playwright.sync_api", reason="the browser is driven by playwright").expect

pytestmark = needs_browser

SOLVERS = (
    "cloud-only",
    "random-allocation",
    "popular-first",
    "decomposition",
    "genetic[population=8,generations=4]",
)
SCRIPT, IMAGE = "<script>alert(1)</script>", "<img src=x onerror=alert(2)>"
"""Names of a solver and of a suite: anybody's text."""


def run(folder):
    """Run the bench on smoke-v1."""
    solvers = [word for name in SOLVERS for word in ("--solver", name)]
    command = ["run", "smoke-v1", *solvers, "--seeds", "2", "--time-limit", "60", "-o", str(folder)]
    subprocess.run([sys.executable, "-m", "mincache.cli.main", *command], check=True, capture_output=True)
    return folder


def attack(board):
    """Add a suite that nobody has at hand, with names that are markup, and a solver that failed."""
    trace = (TracePoint(0.1, 15.0, None), TracePoint(0.5, 10.0, None))
    costs = {SCRIPT: 10.0, "tame": 11.0, "cheap": 8.0, "lost": None}
    kinds = {SCRIPT: "learned", "tame": "relaxation", "cheap": "exact", "lost": ""}
    for n, (solver, cost) in enumerate(costs.items()):
        ending = "crash" if cost is None else "finished"
        runs = [
            record(solver, f"{IMAGE}-{i}", cost and cost + i, suite=IMAGE, stop_reason=ending)
            for i in range(3)
        ]
        traced = [run.model_copy(update={"trace": trace}) for run in runs]
        about = {"note": IMAGE, "training_s": 100.0} if solver == SCRIPT else {}
        write_entry(board, "attack", f"entry-{n}", traced, kind=kinds[solver], **about)


def say(board, solver, **about):
    """Change what the manifest of a solver's entry says."""
    (entry,) = [entry for entry in read_entries(board) if entry.manifest.solver == solver]
    write_manifest(entry.folder, entry.manifest.model_copy(update=about))


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """A board of a real campaign, one entry flagged and one reproduced, and of the attack."""
    campaign, board = run(tmp_path_factory.mktemp("campaign")), tmp_path_factory.mktemp("board")
    publish(read_campaigns([campaign]), solutions_in([campaign]), board, about={"authors": ["A. Author"]})
    say(board, "cloud-only", flag="for the test")
    say(board, "popular-first", reproduced="by B. Other")
    attack(board)
    return board


@pytest.fixture(scope="module")
def site(board, tmp_path_factory):
    """Its site."""
    return build(board, tmp_path_factory.mktemp("site")).parent


@pytest.fixture(scope="module")
def browser():
    """The browser."""
    with chromium() as started:
        yield started


@pytest.fixture
def visitor(browser, site):
    """Opens the site from disk; whatever the test does, no page may do what none may."""
    visitor = Visitor(browser, f"{site.as_uri()}/")
    yield visitor
    visitor.close()
    assert visitor.wrongs == []


def rows(page):
    """Return the cells of every row of the rankings that can be seen."""
    visible = page.locator("table.main tbody tr:visible")
    return [[cell.strip() for cell in row.locator("th, td").all_inner_texts()] for row in visible.all()]


def solvers(page):
    """Return the solvers that can be seen, in order."""
    return [cells[1] for cells in rows(page)]


def choose(page, **choices):
    """Set filters."""
    for name, value in choices.items():
        page.select_option(f"select[name={name}]", value)


def header(page, title):
    """Return the button in the header of a column of the one ranking that can be seen."""
    return page.locator("table.main:visible").get_by_role("button", name=title, exact=True)


def expected(board, keep):
    """Return the solvers of the entries that `keep` holds of, as a multiset."""
    return Counter(entry.manifest.solver for entry in read_entries(board) if keep(entry))


# Every page


def test_every_page_is_quiet_and_fits(visitor, site):
    """No page, on a wide or a narrow screen, complains, asks the network, or is wider than the screen."""
    page = visitor.open()
    for path in sorted(site.rglob("*.html")):
        page.goto(path.as_uri())
        assert page.locator("h1").count() == 1
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            wide = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert wide <= 0, (path, width)


def test_the_page_shows_the_tables(visitor, board):
    """The rows are those of the tables computed from the entries, cell by cell."""
    found = rows(visitor.open())
    tables = [Table(one) for one in standings(r for entry in read_entries(board) for r in entry.records)]
    wanted = [[column.cell(row) for column in visible_columns(one)] for one in tables for row in one.rows]
    assert [cells[: len(cell)] for cells, cell in zip(found, wanted, strict=True)] == wanted


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(visitor, site, scheme):
    """axe-core finds no violation of WCAG A or AA on any kind of page, all charts drawn, all unfolded."""
    page = visitor.open(scheme=scheme)
    for kind in ("index", "instances", "instances/*/*", "solvers/*/*", "pairs/*"):
        page.goto(sorted(site.glob(f"{kind}.html"))[-1].as_uri())
        page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
        draw(page)
        assert violations(page) == []


# Sorting


def values(page, column):
    """Return the numbers in a column that can be seen, read off their text."""
    units = {"%": 1.0, "ms": 1e-3, "s": 1.0, "": 1.0}
    texts = [cells[column] for cells in rows(page) if cells[column] != "-"]
    parts = [(text.rstrip("%ms "), text.lstrip("-0123456789.e ")) for text in texts]
    return [float(number) * units[unit] for number, unit in parts]


def test_numbers_are_sorted_as_numbers(visitor):
    """One choice of a header sorts upwards, a second downwards."""
    page = visitor.open("index.html#suite=smoke-v1")
    for column, title in ((2, "mean cost"), (3, "gap"), (5, "hit ratio"), (9, "median solve")):
        header(page, title).click()
        assert values(page, column) == sorted(values(page, column))
        assert page.locator("th[aria-sort=ascending]:visible").inner_text() == title
        header(page, title).click()
        assert values(page, column) == sorted(values(page, column), reverse=True)
        assert page.locator("th[aria-sort=descending]:visible").inner_text() == title
    choose(page, suite=IMAGE)
    header(page, "mean cost").click()
    assert values(page, 2) == [9.0, 11.0, 12.0]


def test_rows_without_a_number_stay_last(visitor):
    """A solver without a verified solution has no mean cost, and is no winner in either direction."""
    page = visitor.open()
    choose(page, suite=IMAGE)
    header(page, "solver").click()  # so that it does not stand last by chance
    for _ in range(2):
        header(page, "mean cost").click()
        assert solvers(page)[-1] == "lost"
    assert solvers(page)[0] == "tame"


def test_text_is_sorted_as_text(visitor):
    """The solvers stand in alphabetical order, and in the opposite one."""
    page = visitor.open()
    choose(page, suite="smoke-v1")
    header(page, "solver").click()
    assert solvers(page) == sorted(SOLVERS)
    header(page, "solver").click()
    assert solvers(page) == sorted(SOLVERS, reverse=True)


# Filtering


def test_each_filter_keeps_what_it_says(visitor, board):
    """For every choice of suite, kind and tier the rows are those of the entries that it names."""
    page = visitor.open()
    offered = {
        "suite": lambda entry: entry.manifest.suite,
        "kind": lambda entry: entry.manifest.kind or "unknown",
        "tier": lambda entry: entry.tier,
    }
    for name, said in offered.items():
        options = page.locator(f"select[name={name}] option").evaluate_all("all => all.map(one => one.value)")
        assert set(options) == {"", *map(said, read_entries(board))}
        for value in filter(None, options):
            choose(page, **{name: value})
            wanted = expected(board, lambda entry, value=value, said=said: said(entry) == value)
            assert Counter(solvers(page)) == wanted
            assert (
                page.locator("#shown").inner_text()
                == f"{wanted.total()} row{'s' * (wanted.total() > 1)} shown"
            )
        choose(page, **{name: ""})
    assert Counter(solvers(page)) == expected(board, lambda entry: True)


def test_a_number_of_users_shows_its_own_means(visitor, board):
    """N = 18 shows the table over the instances with 18 users, computed anew."""
    page = visitor.open()
    choose(page, users="18")
    (whole,) = standings(r for e in read_entries(board) for r in e.records if r.cell.suite == "smoke-v1")
    part = Table(whole.among(name for name in whole.instances if ".n18." in name))
    assert [cells[: len(visible_columns(part))] for cells in rows(page)] == [
        [column.cell(row) for column in visible_columns(part)] for row in part.rows
    ]


def test_a_suite_of_one_number_of_users_is_its_own_slice(visitor):
    """A suite whose instances all have 18 users stays when N = 18 is chosen, and goes when N = 10 is."""
    page = visitor.open("index.html#suite=smoke-v1")
    section = page.locator("section.suite:visible")
    section.locator(".slice[hidden]").evaluate_all("all => all.forEach(one => one.remove())")
    section.evaluate("one => { one.dataset.users = '18' }")
    choose(page, users="18")
    assert len(rows(page)) == len(SOLVERS)
    choose(page, users="10")
    assert rows(page) == []


def test_a_family_shows_its_suites(visitor):
    """Only the suites drawn from that scenario stay."""
    page = visitor.open()
    choose(page, family="paper")
    assert page.locator("section.suite:visible h2").all_inner_texts() == ["smoke-v1"]
    choose(page, family="unknown")
    assert page.locator("section.suite:visible h2").all_inner_texts() == [IMAGE]


def test_filters_add_up_and_are_taken_back(visitor, board):
    """Two filters keep what both keep; nothing left says so, and one button shows all again."""
    page = visitor.open()
    choose(page, kind="baseline", tier="flagged")
    assert solvers(page) == ["cloud-only"]
    choose(page, suite=IMAGE)
    assert solvers(page) == []
    assert page.locator("#shown").inner_text() == "0 rows shown"
    page.get_by_role("button", name="Show all").click()
    assert Counter(solvers(page)) == expected(board, lambda entry: True)
    assert "#" not in page.url


# The address


def test_the_address_keeps_sort_and_filter(visitor):
    """What was chosen stands in the address, and whoever opens it sees the same."""
    page = visitor.open()
    choose(page, suite="smoke-v1", kind="baseline", users="10")
    header(page, "hit ratio").click(click_count=2)
    path = page.url.removeprefix(visitor.home)
    assert path.startswith("index.html#")
    again = visitor.open(path)
    assert rows(again) == rows(page) != []
    assert again.locator("select[name=kind]").input_value() == "baseline"
    assert again.locator("th[aria-sort=descending]:visible").inner_text() == "hit ratio"


def test_another_address_is_followed(visitor):
    """Editing the address, or going back, changes what is shown without loading the page again."""
    page = visitor.open("index.html#kind=exact")
    assert solvers(page) == ["cheap", "decomposition"]
    page.evaluate("location.hash = 'tier=flagged'")
    expect(page.locator("select[name=tier]")).to_have_value("flagged")
    assert solvers(page) == ["cloud-only"]


def test_an_address_that_means_nothing_shows_everything(visitor, board):
    """Unknown filters, values and columns are passed over."""
    page = visitor.open("index.html#kind=splendid&colour=red&sort=-nothing")
    assert Counter(solvers(page)) == expected(board, lambda entry: True)


# Charts


def coloured(chart):
    """Return how many pixels of a chart are neither gray, black nor white."""
    image = Image.open(io.BytesIO(chart.screenshot())).convert("HSV")
    _, saturation, value = np.moveaxis(np.asarray(image), -1, 0)
    return int(((saturation > 90) & (value > 60)).sum())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_are_drawn(visitor, scheme):
    """Every chart has coloured marks, the solvers' names, and is as wide as its place."""
    page = visitor.open(scheme=scheme)
    draw(page)
    charts = page.locator("section.suite").nth(1).locator(".chart").all()
    assert len(charts) >= 6
    for chart in charts:
        assert coloured(chart) > 100
        assert "decomposition" in chart.locator("svg").text_content()
        drawn, place = chart.locator("svg").bounding_box(), chart.bounding_box()
        assert place["width"] - 20 <= drawn["width"] <= place["width"] + 1


def test_charts_follow_the_colour_scheme(visitor):
    """Switching to dark draws the labels light."""
    page = visitor.open()
    draw(page)
    label = page.locator(".chart svg .role-axis-label text").first
    light = label.get_attribute("fill")
    page.emulate_media(color_scheme="dark")
    expect(label).not_to_have_attribute("fill", light)
    assert min(rgb(label.get_attribute("fill"))) > 128 > max(rgb(light))


def rgb(colour):
    """Return the three bytes of a colour such as #55626a."""
    return bytes.fromhex(colour.removeprefix("#"))


# Attacks


def test_names_are_text(visitor, site):
    """Markup in the name of a solver, a suite or an instance is shown letter by letter, and nothing runs."""
    page = visitor.open()
    draw(page)
    assert SCRIPT in solvers(page)
    assert IMAGE in page.locator("h2").all_inner_texts()
    assert any(SCRIPT in text for text in page.locator(".chart svg").all_text_contents())
    page.get_by_role("link", name=SCRIPT).first.click()
    assert page.locator("h1").inner_text() == SCRIPT
    page.get_by_role("link", name=f"{IMAGE}-0").click()
    assert page.locator("h1").inner_text() == f"{IMAGE}-0"


def test_tooltips_are_text(visitor):
    """The label that follows the pointer over a chart shows the name too, where the pointer is."""
    page = visitor.open()
    bar = page.locator("figure", has_text="How runs ended").first.locator("svg .mark-rect path").nth(1)
    page.locator("figure", has_text="How runs ended").first.scroll_into_view_if_needed()
    bar.hover()
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    assert "tame" in tooltip.inner_text() or SCRIPT in tooltip.inner_text()
    assert tooltip.locator("script, img").count() == 0
    assert tooltip.bounding_box()["y"] > 0


# Without scripts, and without a mouse


def test_it_is_usable_without_scripts(visitor, board):
    """Without JavaScript the whole ranking is there, its controls are not, and links lead on."""
    page = visitor.open(scripts=False)
    assert Counter(solvers(page)) == expected(board, lambda entry: True)
    assert not page.locator("#filter").is_visible()
    assert page.locator("table button").count() == 0
    page.get_by_role("link", name="decomposition").click()
    assert page.locator("h1").inner_text() == "decomposition"
    assert page.get_by_role("link", name="smoke-v1.l0.n10.t0").is_visible()


def focused(page):
    """Return the text of what has the focus."""
    return page.evaluate("document.activeElement.name || document.activeElement.innerText")


def test_it_is_usable_without_a_mouse(visitor):
    """Tab reaches the way past the header, the filters and the headers; Enter sorts; focus can be seen."""
    page = visitor.open("index.html#kind=baseline")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.url.endswith("#kind=baseline")
    page.keyboard.press("Tab")
    assert focused(page) == "suite"
    while focused(page) != "mean cost":
        page.keyboard.press("Tab")
        assert focused(page) != "JSON", "the headers cannot be reached"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    assert page.locator("th[aria-sort=descending]:visible").first.inner_text() == "mean cost"
    assert "sort=-mean+cost" in page.url


# Served


def test_it_is_served(browser, site):
    """From `mincache leaderboard serve` it works as from disk, and asks that server alone."""
    command = [sys.executable, "-u", "-m", "mincache.cli.main", "leaderboard", "serve", str(site)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            visitor = Visitor(browser, server.stdout.readline().split()[0])
            page = visitor.open("#kind=exact")
            draw(page)
            assert solvers(page) == ["cheap", "decomposition"]
            page.get_by_role("link", name="decomposition").click()
            assert page.locator("h1").inner_text() == "decomposition"
            assert visitor.home.startswith("http://127.0.0.1:")
            visitor.close()
            assert visitor.wrongs == []
        finally:
            server.terminate()
