"""The documentation's site builds without a warning, and its API pages hold what is public."""

import subprocess
import sys
from pathlib import Path

import pytest

import mincache

pytest.importorskip("sphinx", reason="the extra `docs` is not installed")
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    options = ["-d", str(folder / "doctrees"), str(DOCS), str(folder / "html")]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "html"


def test_every_page_is_in_the_site(site):
    """Each Markdown file is a page, and the front page leads to all of them."""
    pages = {path.stem for path in DOCS.glob("*.md")}
    assert {path.stem for path in site.glob("*.html")} >= pages
    front = (site / "index.html").read_text()
    assert all(f'href="{page}.html"' in front for page in pages - {"index"})


def test_every_public_name_is_documented(site):
    """What `import mincache` offers has an entry in the API pages."""
    from sphinx.util.inventory import InventoryFile

    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    documented = {name.rpartition(".")[2] for kind in inventory.data.values() for name in kind}
    assert set(mincache.__all__) <= documented


def test_a_quantity_says_its_unit(site):
    """The API pages tell shape, unit and range of a field, from its annotation."""
    text = (site / "api.html").read_text()
    assert "[T][N], size of the data each user uploads (4) in bit; &gt; 0" in text
