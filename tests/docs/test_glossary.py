"""The glossary: every term is in use, stands once, and can be found from the pages."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GROUPS = {
    part.split("\n", 1)[0]: re.findall(r"^\| (?!term )([^|]+) \| ([^|]+) \|$", part, re.MULTILINE)
    for part in (DOCS / "glossary.md").read_text().split("\n## ")[1:]
}
TERMS = [term for rows in GROUPS.values() for term, _ in rows]


@cache
def words_in_use() -> str:
    """Return the text of all code and all other pages, in lower case, `PolicyCard` as `policy card`."""
    files = [*(ROOT / "mincache").rglob("*.py"), *(ROOT / "solvers").glob("*.py"), *DOCS.glob("*.md")]
    text = "\n".join(path.read_text() for path in files if path.name != "glossary.md")
    return re.sub(r"[\s_-]+|(?<=[a-z])(?=[A-Z])", " ", text).lower()


@pytest.mark.parametrize("term", TERMS)
def test_each_term_is_in_use(term):
    """A term occurs in the code or on another page, in the singular or the plural."""
    assert re.search(rf"\b{re.escape(term.lower().replace('-', ' '))}(s|es)?\b", words_in_use())


def test_terms_stand_once_and_in_order():
    """No term is doubled, and those of a group are sorted."""
    assert len(TERMS) == len(set(TERMS))
    assert all(rows for rows in GROUPS.values())
    for name, rows in GROUPS.items():
        terms = [term for term, _ in rows]
        assert terms == sorted(terms), name


def test_each_meaning_is_one_sentence():
    """A meaning begins with a capital or a symbol, ends with its only full stop, and has under 30 words."""
    for rows in GROUPS.values():
        for term, meaning in rows:
            assert meaning.endswith("."), term
            assert ". " not in meaning, term
            assert len(meaning.split()) < 30, term


@pytest.mark.parametrize(
    "page",
    ["index", "problem", "solver", "suites", "learner", "rules", "bench", "leaderboard", "decomposition"],
)
def test_pages_link_to_it(page):
    """Whoever meets a word on a page that uses many finds the glossary from there."""
    assert "(glossary.md" in (DOCS / f"{page}.md").read_text()
