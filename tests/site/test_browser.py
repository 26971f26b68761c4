"""The site in a real browser: sorted, filtered, drawn, read aloud, attacked, and cut off from the network."""

import io
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
from board_fixture import record, write_entry
from browser_fixture import Visitor, chromium, needs_browser, violations
from command_fixture import here

from mincache.board.entries import REVIEW_FILE, Review, find_entry, read_campaigns, write_table
from mincache.board.publish import publish, solutions_in
from mincache.board.verify import read_board
from mincache.generation.recipes import Recipe
from mincache.generation.scenario import Scenario
from mincache.generation.suite_writing import generate
from mincache.judging.records import TracePoint
from mincache.site.build import build
from mincache.site.pages import NARROW, SuitePages

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
"""Names of a solver and of an author: anybody's text."""
SMOKE = "suites/smoke-v1.html"


def run(folder):
    """Run the bench on smoke-v1."""
    solvers = [word for name in SOLVERS for word in ("--solver", name)]
    done = here("run", "smoke-v1", *solvers, "--seeds", "2", "--time-limit", "60", "-o", folder)
    assert done.returncode == 0, done.stderr
    return folder


def attack(board):
    """Add a suite of one's own, with names that are markup, and a solver that failed."""
    recipe = Recipe(library_seed=1, trace_seed=2, libraries=1, users=(2,), traces=3)
    suite = generate(board / "attack" / "suite", "attack", recipe, Scenario(slots=2))
    trace = (TracePoint(0.1, 15.0, None), TracePoint(0.5, 10.0, None))
    costs = {SCRIPT: 10.0, "tame": 11.0, "cheap": 8.0, "lost": None}
    kinds = {SCRIPT: "learned", "tame": "relaxation", "cheap": "exact", "lost": ""}
    for n, (solver, cost) in enumerate(costs.items()):
        ending = "crash" if cost is None else "finished"
        runs = [
            record(solver, name, cost, suite="attack", stop_reason=ending, sha256=entry.sha256,
                   solution_sha256=None if cost is None else "b" * 64)
            for name, entry in suite.entries.items()
        ]  # fmt: skip
        traced = [run.model_copy(update={"trace": trace if cost == 10.0 else ()}) for run in runs]
        about = {"note": IMAGE, "training_s": 100.0, "authors": [IMAGE]} if solver == SCRIPT else {}
        write_entry(board, "attack", f"entry-{n}", traced, kind=kinds[solver], **about)


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """A board of a real campaign, one entry flagged, and of the attack."""
    campaign, board = run(tmp_path_factory.mktemp("campaign")), tmp_path_factory.mktemp("board")
    publish(read_campaigns([campaign]), solutions_in([campaign]), board, about={"authors": ["A. Author"]})
    review = find_entry(board / "smoke-v1" / "cloud-only") / "reviews" / "reader"
    review.mkdir(parents=True)
    write_table(
        review / REVIEW_FILE,
        Review(finding="flagged", by="B. Reader", date=f"{datetime.now(UTC):%Y-%m-%d}", note="for the test"),
    )
    attack(board)
    return board


@pytest.fixture(scope="module")
def tables(board):
    """Its rankings by suite; the solutions of the attack are not stored, so they are not scored again."""
    return {table.runs.name: table for table in read_board(board, rescore=False).tables()}


@pytest.fixture(scope="module")
def site(board, tmp_path_factory):
    """Its site."""
    return build(board, tmp_path_factory.mktemp("site"), checked=read_board(board, rescore=False)).parent


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


def expected(table):
    """Return the cells of a ranking as the page has them."""
    (_, shown, columns, _), *_ = SuitePages(table).slices
    return [[column.text(row) for column in columns] for row in shown.rows]


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


def test_the_page_shows_the_tables(visitor, tables):
    """The rows are those of the tables computed from the entries, cell by cell."""
    assert rows(visitor.open(SMOKE)) == expected(tables["smoke-v1"])
    assert rows(visitor.open("suites/attack.html")) == expected(tables["attack"])


@pytest.mark.parametrize("width", [390, 1280])
def test_what_matters_can_be_seen_at_once(visitor, width):
    """Rank, solver, kind, gap, time and tier stand within the screen, on a telephone too."""
    page = visitor.open(SMOKE, width=width)
    cells = page.locator("table.main:visible thead th:visible").all()
    places = {cell.inner_text().strip(): cell.bounding_box() for cell in cells}
    for title in NARROW:
        assert places[title]["x"] >= 0
        assert places[title]["x"] + places[title]["width"] <= width, title


def test_headings_stay_in_sight(visitor):
    """After scrolling through the table its headings stand above the rows that are seen."""
    page = visitor.open("suites/smoke-v1.html")
    page.set_viewport_size({"width": 1280, "height": 400})
    scroll = page.locator(".slice:visible .scroll")
    scroll.evaluate("one => { one.scrollIntoView(); one.scrollTop = 120 }")
    box = page.locator("table.main:visible thead th").first.bounding_box()
    assert -1 <= box["y"] <= 400


def test_it_prints_whole(visitor):
    """On paper no column is cut off at the side, and charts are drawn."""
    page = visitor.open(SMOKE)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 1040, "height": 720})
    scroll = page.locator(".slice:visible .scroll")
    assert scroll.evaluate("one => one.scrollWidth - one.clientWidth") <= 1
    assert not page.locator("#filter").is_visible()
    assert page.locator(".chart svg").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(visitor, site, scheme):
    """axe-core finds no violation of WCAG A or AA on any kind of page, all unfolded."""
    page = visitor.open(scheme=scheme)
    for kind in ("index", "suites/*", "instances/*/*", "solvers/*/*", "pairs/*", "charts/*"):
        page.goto(sorted(site.glob(f"{kind}.html"))[-1].as_uri())
        page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
        assert violations(page) == []


# Sorting


def values(page, column):
    """Return the numbers in a column that can be seen, read off their text."""
    units = {"%": 1.0, "ms": 1e-3, "s": 1.0, "": 1.0}
    texts = [cells[column] for cells in rows(page) if cells[column] != "-"]
    parts = [(text.rstrip("%ms "), text.lstrip("-0123456789.e ")) for text in texts]
    return [float(number) * units[unit] for number, unit in parts]


def column(page, title):
    """Return the place of a column."""
    titles = page.locator("table.main:visible thead th").all_inner_texts()
    return [text.strip() for text in titles].index(title)


def test_numbers_are_sorted_as_numbers(visitor):
    """One choice of a header sorts upwards, a second downwards."""
    page = visitor.open(SMOKE)
    for title in ("mean cost", "hit ratio", "time"):
        header(page, title).click()
        n = column(page, title)
        assert values(page, n) == sorted(values(page, n))
        assert page.locator("th[aria-sort=ascending]:visible").inner_text() == title
        header(page, title).click()
        assert values(page, n) == sorted(values(page, n), reverse=True)
        assert page.locator("th[aria-sort=descending]:visible").inner_text() == title


def test_rows_without_a_number_stay_last(visitor, tables):
    """A row that is not ranked has no rank, and is no winner in either direction."""
    page = visitor.open("suites/attack.html")
    for _ in range(2):
        header(page, "rank").click()
        assert solvers(page)[-1] == "lost"


def test_text_is_sorted_as_text(visitor):
    """The solvers stand in alphabetical order, and in the opposite one."""
    page = visitor.open(SMOKE)
    header(page, "solver").click()
    assert solvers(page) == sorted(SOLVERS)
    header(page, "solver").click()
    assert solvers(page) == sorted(SOLVERS, reverse=True)


# Filtering, searching, pinning


def test_each_filter_keeps_what_it_says(visitor, tables):
    """For every choice of kind and tier the rows are those of the entries that it names."""
    page = visitor.open(SMOKE)
    for name in ("kind", "tier"):
        options = page.locator(f"select[name={name}] option").evaluate_all("all => all.map(one => one.value)")
        for value in filter(None, options):
            choose(page, **{name: value})
            wanted = [row.solver for row in tables["smoke-v1"].rows if getattr(row, name) == value]
            assert solvers(page) == wanted != []
            said = f"{len(wanted)} row{'s' * (len(wanted) > 1)} shown"
            assert page.locator("#shown").inner_text() == said
        choose(page, **{name: ""})


def test_a_number_of_users_shows_its_own_means(visitor, tables):
    """N = 18 shows the means over the instances with 18 users, without ranges."""
    page = visitor.open(SMOKE)
    choose(page, users="18")
    runs = tables["smoke-v1"].runs
    part = runs.among(name for name in runs.instances if ".n18." in name)
    costs = {runs.labels[who]: part.means("charged_cost")[n].mean() for n, who in enumerate(part.contenders)}
    shown = dict(zip(solvers(page), values(page, column(page, "mean cost")), strict=True))
    assert shown == {solver: pytest.approx(cost, abs=5e-4) for solver, cost in costs.items()}
    assert {cells[0] for cells in rows(page)} == {"-"}


def test_rows_are_found_by_words(visitor):
    """A part of a name keeps the rows that have it."""
    page = visitor.open(SMOKE)
    page.fill("input[name=search]", "ONLY")
    assert solvers(page) == ["cloud-only"]


def test_pinned_rows_stand_first_and_alone(visitor):
    """Two rows pinned stand above all others, stay whatever is filtered, and can be shown alone."""
    page = visitor.open(SMOKE)
    for solver in ("random-allocation", "cloud-only"):
        page.locator(".slice:visible").get_by_label(f"pin {solver}").click()
    assert set(solvers(page)[:2]) == {"random-allocation", "cloud-only"}
    assert len(solvers(page)) == len(SOLVERS)
    choose(page, kind="exact")
    assert len(solvers(page)) == 3
    page.check("input[name=pinned]")
    assert len(solvers(page)) == 2
    again = visitor.open(page.url.removeprefix(visitor.home))
    assert solvers(again) == solvers(page)


def test_filters_add_up_and_are_taken_back(visitor):
    """Two filters keep what both keep; nothing left says so, and one button shows all again."""
    page = visitor.open(SMOKE)
    choose(page, kind="baseline", tier="flagged")
    assert solvers(page) == ["cloud-only"]
    choose(page, kind="exact")
    assert page.locator("#shown").inner_text() == "0 rows shown"
    page.get_by_role("button", name="Show all").click()
    assert len(solvers(page)) == len(SOLVERS)
    assert "#" not in page.url


# The address


def test_the_address_keeps_sort_and_filter(visitor):
    """What was chosen stands in the address, and whoever opens it sees the same; going back undoes it."""
    page = visitor.open(SMOKE)
    choose(page, kind="baseline", users="10")
    header(page, "hit ratio").click(click_count=2)
    again = visitor.open(page.url.removeprefix(visitor.home))
    assert rows(again) == rows(page) != []
    assert again.locator("select[name=kind]").input_value() == "baseline"
    assert again.locator("th[aria-sort=descending]:visible").inner_text() == "hit ratio"
    for _ in range(3):
        page.go_back()
    expect(page.locator("select[name=users]")).to_have_value("")
    assert page.locator("select[name=kind]").input_value() == "baseline"


def test_another_address_is_followed(visitor):
    """Editing the address changes what is shown without loading the page again."""
    page = visitor.open(f"{SMOKE}#kind=exact")
    assert solvers(page) == ["decomposition"]
    page.evaluate("location.hash = 'tier=flagged'")
    expect(page.locator("select[name=tier]")).to_have_value("flagged")
    assert solvers(page) == ["cloud-only"]


def test_an_address_that_means_nothing_shows_everything(visitor):
    """Unknown filters, values and columns are passed over."""
    page = visitor.open(f"{SMOKE}#kind=splendid&colour=red&sort=-nothing&pin=nobody")
    assert len(solvers(page)) == len(SOLVERS)


# Charts


def coloured(chart):
    """Return how many pixels of a chart are neither gray, black nor white."""
    image = Image.open(io.BytesIO(chart.screenshot())).convert("HSV")
    _, saturation, value = np.moveaxis(np.asarray(image), -1, 0)
    return int(((saturation > 90) & (value > 60)).sum())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_are_drawn_without_scripts(visitor, scheme):
    """Every chart has coloured marks, names, letters in the page's colour, and fits its place."""
    page = visitor.open(SMOKE, scheme=scheme, scripts=False)
    charts = page.locator(".chart").all()
    assert len(charts) >= 5
    for chart in charts:
        assert coloured(chart) > 100
        assert "decomposition" in chart.locator("svg").text_content()
        drawn, place = chart.locator("svg").bounding_box(), chart.bounding_box()
        assert drawn["width"] <= place["width"] + 1
    ink = page.locator("body").evaluate("one => getComputedStyle(one).color")
    assert page.locator(".chart svg text").first.evaluate("one => getComputedStyle(one).fill") == ink


# Attacks


def test_names_are_text(visitor):
    """Markup in the name of a solver or an author is shown letter by letter, and nothing runs."""
    page = visitor.open("suites/attack.html")
    assert SCRIPT in solvers(page)
    assert any(SCRIPT in text for text in page.locator(".chart svg").all_text_contents())
    page.get_by_role("link", name=SCRIPT).first.click()
    assert page.locator("h1").inner_text() == SCRIPT
    assert IMAGE in page.locator("dd").all_inner_texts()


# Without scripts, and without a mouse


def test_it_is_usable_without_scripts(visitor):
    """Without JavaScript the whole ranking is there, its controls are not, and links lead on."""
    page = visitor.open(SMOKE, scripts=False)
    assert sorted(solvers(page)) == sorted(SOLVERS)
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
    page = visitor.open(f"{SMOKE}#kind=baseline")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.url.endswith("#kind=baseline")
    while focused(page) != "search":
        page.keyboard.press("Tab")
        assert focused(page) != "rank", "the filters cannot be reached"
    while focused(page) != "mean cost":
        page.keyboard.press("Tab")
        assert focused(page) != "Every pair of solvers", "the headers cannot be reached"
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
            page = visitor.open(f"{SMOKE}#kind=exact")
            assert solvers(page) == ["decomposition"]
            page.get_by_role("link", name="decomposition").click()
            assert page.locator("h1").inner_text() == "decomposition"
            assert visitor.home.startswith("http://127.0.0.1:")
            visitor.close()
            assert visitor.wrongs == []
        finally:
            server.terminate()
