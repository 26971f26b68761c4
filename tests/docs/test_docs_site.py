"""The documentation's site builds without a warning, the tutorial runs, the API pages are complete."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import mincache

pytest.importorskip("sphinx", reason="the extra `docs` is not installed")
ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
OPTIONS = ["-q", "-W", "--keep-going", "-b", "html"]
ADDRESS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Homepage"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", *OPTIONS, "-d", str(folder / "doctrees")]
    done = subprocess.run(
        [*command, str(DOCS), str(folder / "html")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr  # standard error also has what Jupyter says of itself
    return folder / "html"


def test_make_builds_the_site_as_this_does():
    """`make docs` gives Sphinx the same options."""
    assert f"/sphinx-build {' '.join(OPTIONS)} docs " in (ROOT / "Makefile").read_text()


def test_every_page_is_in_the_site(site):
    """Each Markdown file is a page, and the front page leads to all of them."""
    pages = {path.relative_to(DOCS).with_suffix(".html") for path in DOCS.rglob("*.md")}
    assert all((site / page).is_file() for page in pages)
    front = (site / "index.html").read_text()
    assert all(f'href="{page}"' in front for page in pages - {Path("index.html")})


def test_every_page_tells_its_version_and_source(site):
    """The foot of a page has version and address, and who holds the copyright; no placeholder is left."""
    for page in (path for path in site.rglob("*.html") if "_modules" not in path.parts):
        text = page.read_text()
        assert f"mincache {mincache.__version__}</a>" in text, page
        assert f'<a href="{ADDRESS}">source code</a>' in text, page
        assert re.search(r"Copyright &#169; 20\d\d, the mincache contributors", text), page
        assert "&lt;ADDRESS&gt;" not in text, page


def test_no_page_asks_another_address(site):
    """Formulas, pictures and scripts come with the site, so that it reads the same without a network."""
    for page in site.rglob("*.html"):
        assert not re.search(r"<(script|img|link)[^>]*(src|href)=\"(https?:)?//", page.read_text()), page


def test_the_tutorial_shows_what_it_made(site):
    """The tutorial has four pictures, inside the page, and the table with the solver that it wrote."""
    text = (site / "tutorial.html").read_text()
    assert len(re.findall(r'<img[^>]*src="_images/\w+\.png"', text)) == 4
    assert "Toggle" in text[text.index('id="put-it-on-a-table"') :]


def test_every_public_name_is_documented(site):
    """What `import mincache` offers has an entry in the API pages."""
    from sphinx.util.inventory import InventoryFile

    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    documented = {name.rpartition(".")[2] for kind in inventory.data.values() for name in kind}
    assert set(mincache.__all__) <= documented


def test_a_quantity_says_its_unit(site):
    """The API pages tell shape, unit and range of a field, from its annotation."""
    text = (site / "api" / "instances.html").read_text()
    assert "[T][N], size of the data each user uploads (4) in bit; &gt; 0" in text
