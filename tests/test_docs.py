"""The documentation's generated parts are current."""

import re
from pathlib import Path

from mincache.cli.schema import symbols_markdown

DOCS = Path(__file__).parent.parent / "docs"


def test_the_table_of_symbols_is_current():
    """docs/problem.md holds what `mincache schema symbols` prints."""
    found = re.search(
        r"<!-- symbols -->\n(.*?)\n<!-- /symbols -->", (DOCS / "problem.md").read_text(), re.DOTALL
    )
    assert found is not None
    assert found[1] == symbols_markdown()


def test_links_lead_to_files():
    """Every relative link in the Markdown files leads to something in the repository."""
    pages = [*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")]
    targets = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text())]
    assert targets
    missing = [f"{page.name}: {link}" for page, link in targets if not (page.parent / link).exists()]
    assert missing == []
