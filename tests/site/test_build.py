"""The site is read as a browser without scripts would read it: its elements, links and numbers."""

import csv
import gzip
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from board_fixture import entry_name, judged, large_board, smoke_campaign

from mincache import Solution
from mincache.board import columns, render
from mincache.board.entries import read_campaigns
from mincache.board.publish import publish, solutions_in
from mincache.board.render import notes
from mincache.board.table import Table
from mincache.board.verify import read_board
from mincache.errors import InputError
from mincache.files.documents import digest, parse_solution, read_bytes, solution_bytes
from mincache.generation import suites
from mincache.judging.journal import Journal
from mincache.site.build import _MARK, _WRITTEN, build, site_files, write_pictures
from mincache.site.pages import SuitePages

HOSTILE = '</script><script>alert("1")</script><img src=x onerror=alert(2)>'
VOID = {"meta", "link", "img", "br", "input"}
SUITE_PAGE = Path("suites/smoke-v1.html")


def tables_of(board):
    """Return the rankings of a board."""
    return read_board(board, rescore=False).tables()


class Page(HTMLParser):
    """The elements of a page, checked for closing in order."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.open, self.texts, self.broken = [], [], {}, False
        self.feed(path.read_text())
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        """Note an element; a place where a line may break is not one."""
        self.broken = tag == "wbr"
        if self.broken:
            return
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        """Check that the innermost element ends."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Note text by the element around it."""
        texts = self.texts.setdefault(self.open[-1] if self.open else "", [])
        if self.broken:
            texts[-1] += data
        elif data.strip():
            texts.append(data)
        self.broken = False

    def all(self, tag):
        """Return the attributes of all elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


def make_board(folder, hostile=False):
    """Write a board on smoke-v1, if asked with an entry whose names are an attack."""
    smoke_campaign(folder / "campaign")
    if hostile:
        suite = suites.find("smoke-v1")
        with Journal(folder / "campaign") as journal:
            for instance in suite:
                answer = judged(suite, instance.name, HOSTILE, Solution.nothing_cached(instance))
                journal.append(answer.record, answer.documents)
    campaigns = [folder / "campaign"]
    attack = {"authors": [HOSTILE], "links": ["https://example.org/a?b=1&c=2"], "note": HOSTILE}
    about = attack if hostile else {}
    publish(read_campaigns(campaigns), solutions_in(campaigns), folder / "board", about=about)
    return folder / "board"


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """A board whose entries carry an attack in every free text."""
    return make_board(tmp_path_factory.mktemp("board"), hostile=True)


@pytest.fixture(scope="module")
def site(board, tmp_path_factory):
    """Its site."""
    return build(board, tmp_path_factory.mktemp("site")).parent


@pytest.fixture(scope="module")
def pages(site):
    """Every page of the site by its path."""
    return {path.relative_to(site): Page(path) for path in sorted(site.rglob("*.html"))}


def test_every_page_is_there(pages):
    """The overview, and of a suite its page, its pairs, charts, instances and solvers."""
    folders = [path.parts[0] for path in pages]
    assert folders.count("suites") == folders.count("pairs") == folders.count("index.html") == 1
    assert folders.count("instances") == 5
    assert folders.count("solvers") == 3
    assert folders.count("charts") >= 4


def test_every_link_leads_somewhere(site, pages):
    """Each link inside the site names a file that exists, and each part of a page that is named exists."""
    for path, page in pages.items():
        ids = {attributes.get("id") for _, attributes in page.elements}
        for attributes in page.all("a") + page.all("link") + page.all("script") + page.all("img"):
            target = attributes.get("href") or attributes.get("src")
            if target is None or target.startswith(("https://example.org/", "data:")):
                continue
            if target.startswith("#"):
                assert target[1:] in ids
            else:
                assert (site / path.parent / target.partition("#")[0]).resolve().is_file(), target


def test_every_page_names_its_protocol(pages):
    """The protocol of its suite stands at the end of each page; smoke-v1 has none of its own."""
    for page in pages.values():
        assert page.texts["code"][-1] == "the defaults"


def test_nothing_is_loaded_from_elsewhere(pages):
    """No script, style, image or frame has an address outside the site."""
    for page in pages.values():
        sources = [a.get("src") or "" for tag, a in page.elements if tag in ("script", "img", "iframe")]
        sources += [a["href"] for a in page.all("link")]
        assert not [source for source in sources if re.match(r"(\w+:)?//", source)]


def test_no_name_becomes_markup(pages):
    """An attack in a solver's name, an author or a note is text: no script, handler or image comes of it."""
    for page in pages.values():
        own = [a for a in page.all("script") if "src" not in a and a.get("type") != "application/json"]
        assert own == []
        assert page.all("img") == []
        assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert any(HOSTILE in text for page in pages.values() for text in page.texts.get("dd", []))


def test_charts_stand_in_the_page_with_their_data(site, pages):
    """Each is an SVG with a label and links to its data, and names the hostile solver as text."""
    text = (site / SUITE_PAGE).read_text()
    drawn = re.findall(r"<svg .*?</svg>", text, re.DOTALL)
    assert len(drawn) >= 4
    assert all(one.startswith('<svg role="img" aria-label="') for one in drawn)
    assert any("&lt;/script&gt;" in one for one in drawn)
    links = {a.get("href") for a in pages[SUITE_PAGE].all("a")}
    for kind in ("gap", "profile", "anytime", "time"):
        assert {
            f"../charts/smoke-v1-{kind}.html",
            f"../data/smoke-v1-{kind}.csv".replace("v1-", "v1."),
        } <= links


def test_the_page_shows_the_tables_numbers(board, pages):
    """Every cell of the ranking stands in the page as the table has it."""
    (shown,) = tables_of(board)
    texts = pages[SUITE_PAGE].texts
    cells = set(texts["td"]) | set(texts["a"]) | set(texts["th"])
    for row in shown.rows:
        assert {column.text(row) for column in columns.visible_columns(shown)} <= cells
    assert set(notes(shown)[1:]) <= set(texts["li"])
    assert any(notes(shown)[0] in caption for caption in texts["span"])


def test_every_run_can_be_downloaded(site, board):
    """The CSV beside the ranking has a row a run, with cost and outcome."""
    with (site / "data/smoke-v1.runs.csv").open(newline="") as file:
        listed = list(csv.DictReader(file))
    (table,) = tables_of(board)
    assert len(listed) == len(table.runs.frame)
    assert {float(row["cost"]) for row in listed} == set(table.runs.frame["cost"])


def test_a_site_leaves_nothing_of_an_earlier_one(board, tmp_path):
    """Building into an old site, or a link to it, replaces its pages alone; other folders are refused."""
    site = build(board, tmp_path / "site").parent
    assert {path.name for path in site.iterdir()} <= {*_WRITTEN, _MARK, "index.html"}
    (site / "solvers" / "evil.html").write_text("")
    (site / "figures").mkdir()
    (site / "figures" / "figure-4.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (site / ".git").mkdir()
    (tmp_path / "link").symlink_to(site)
    build(board, tmp_path / "link", site / "figures")
    assert not (site / "solvers" / "evil.html").exists()
    assert (site / "figures" / "figure-4.svg").is_file()
    assert (site / ".git").is_dir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("")
    with pytest.raises(InputError, match="must be a new folder or hold a site"):
        build(board, tmp_path / "other")


def test_a_solvers_page_tells_what_its_answers_were_before_their_repair(pages):
    """Twice all of the bandwidth breaks that limit by 1 in every slot; who reports nothing has none."""
    page = pages[Path(f"solvers/{entry_name('random-allocation', [HOSTILE])}.html")]
    assert {"bandwidth", "100.00%", "1"} <= set(page.texts["td"]) | set(page.texts["th"])
    assert "Before the repair" in page.texts["h2"]
    assert (
        "Before the repair"
        not in pages[Path(f"solvers/{entry_name('cloud-only', [HOSTILE])}.html")].texts["h2"]
    )


def test_the_numbers_can_be_downloaded(site, board, pages):
    """The files beside the ranking are linked, and are what the other renderings of the same table are."""
    shown = tables_of(board)
    for suffix, rendered in (("json", render.as_json), ("csv", render.as_csv), ("tex", render.latex)):
        path = f"data/smoke-v1.{suffix}"
        assert (site / path).read_text() == rendered(shown)
        assert f"../{path}" in {a.get("href") for a in pages[SUITE_PAGE].all("a")}


def test_every_pair_has_a_row(pages):
    """Three solvers are three pairs, and each adds its part to the virtual best."""
    page = pages[Path("pairs/smoke-v1.html")]
    assert len(page.all("tr")) == (1 + 3) + (1 + 3)


def test_an_instance_shows_its_models(pages):
    """The models are those of the instance: their sizes, and shares of the requests that sum to all."""
    instance = suites.find("smoke-v1").read("smoke-v1.l0.n10.t0")
    text = (pages[Path("instances/smoke-v1/smoke-v1.l0.n10.t0.html")]).texts
    asked = np.bincount(instance.trace.requested_model.ravel(), minlength=10) / 100
    assert {f"{size:.4g}" for size in instance.models.size_gb} <= set(text["td"])
    assert {f"{share:.1%}" for share in asked} <= set(text["td"])


def test_a_policy_forbids_what_the_site_does_not_need(pages):
    """Every page states a policy: nothing from elsewhere, no script in the page, nothing evaluated."""
    for page in pages.values():
        (policy,) = [
            a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy"
        ]
        assert policy.startswith("default-src 'none'; script-src 'self' file:;")
        assert "unsafe" not in policy
        assert "http" not in policy


def test_pages_are_small(tmp_path):
    """With 5,040 runs in as many rows as can be, both pages stay under 200 kB compressed."""
    (table,) = tables_of(large_board(tmp_path, solvers=84, seeds=1))
    files = site_files([SuitePages(table)], None)
    for wanted in ("index.html", "suites/paper-v1.html"):
        path, page = next(files)
        assert path == wanted
        assert len(gzip.compress(page)) < 200_000
    assert page.count(b"<tr") > 500
    assert f"Protocol of paper-v1: <code>{table.runs.protocol_sha256}".encode() in page


def test_solutions_can_be_taken_from_the_site(site, pages):
    """A link on an instance's page leads to a solution document of that instance."""
    for path, page in pages.items():
        if path.parts[0] == "instances" and path.stem != "index":
            links = [a["href"] for a in page.all("a") if a.get("href", "").endswith(".json.gz")]
            assert links
            for link in links:
                solution = parse_solution(read_bytes((site / path.parent / link).resolve()))
                assert solution.instance == path.stem
                assert digest(solution_bytes(solution)) in link


def test_the_same_board_is_the_same_site(board, site, tmp_path):
    """Building again changes no byte."""
    again = build(board, tmp_path / "again").parent
    files = sorted(path.relative_to(site) for path in site.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert [path for path in files if (site / path).read_bytes() != (again / path).read_bytes()] == []


def test_tables_are_usable_without_scripts(pages):
    """The ranking of all instances is not hidden, the slices and the filter are, and headers name cells."""
    page = pages[SUITE_PAGE]
    slices = [a for a in page.all("div") if a.get("class") == "slice"]
    assert [a["data-users"] for a in slices if "hidden" not in a] == [""]
    assert [a["data-users"] for a in slices if "hidden" in a] == ["10", "18"]
    assert "hidden" in page.all("form")[0]
    assert {a.get("scope") for a in page.all("th")} == {"col", "row"}


def test_every_page_can_be_read_aloud(pages):
    """A language, one main heading, a way past the header, labelled controls and captioned tables."""
    for page in pages.values():
        assert page.all("html")[0]["lang"] == "en"
        assert len(page.all("h1")) == len(page.all("main")) == 1
        assert page.all("a")[0]["href"] == "#main"
        assert len(page.all("table")) == len(page.all("caption"))
        assert len(page.all("label")) == len(page.all("select")) + len(page.all("input"))
        ids = [a["id"] for _, a in page.elements if "id" in a]
        assert len(ids) == len(set(ids))
        headings = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
        assert all(after - before <= 1 for before, after in pairwise(headings))


def test_figures_are_shown_if_there_are_any(board, tmp_path):
    """A folder of figures is copied and each is shown with a description."""
    figures = tmp_path / "figures"
    figures.mkdir()
    (figures / "figure-4.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    index = build(board, tmp_path / "site", figures)
    (image,) = Page(index).all("img")
    assert image == {"src": "figures/figure-4.svg", "alt": "Figure 4"}
    assert (index.parent / image["src"]).is_file()


def test_a_picture_goes_with_what_it_shows(board, tmp_path):
    """Of rows without any gap there is no picture, not that of others before them."""
    (table,) = read_board(board, rescore=False).tables()
    (path,) = write_pictures(tmp_path, [table])
    assert path.exists()
    assert write_pictures(tmp_path, [Table(table.runs.among([]))]) == []
    assert not path.exists()


def test_an_empty_board_has_no_site(tmp_path):
    """There is nothing to show of a board without entries, nor of one whose entries do not verify."""
    with pytest.raises(InputError, match="must be a board with at least one entry"):
        build(tmp_path, tmp_path / "site")
    (tmp_path / "smoke-v1" / "mine").mkdir(parents=True)
    with pytest.raises(InputError, match="must have an entry that verifies"):
        build(tmp_path, tmp_path / "site")
