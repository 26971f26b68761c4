"""docs/paper.md says what the committed numbers say."""

from pathlib import Path

from mincache.paper.findings import refreshed
from mincache.paper.studies import STUDIES

DOCS = Path(__file__).parents[2] / "docs"


def test_the_tables_are_current():
    """Each table in docs/paper.md is what docs/paper holds."""
    page = (DOCS / "paper.md").read_text()
    assert page.count("<!-- table ") >= 10
    assert refreshed(page, DOCS / "paper", STUDIES) == page
