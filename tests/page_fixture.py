"""The fenced blocks of the documentation's pages, and the commands in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").rglob("*.md"))
_BLOCK = re.compile(
    r"(?:^<!-- (file|copy): (\S+) -->\n)?^```([\w{}-]*)[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE
)


class Block(NamedTuple):
    """A fenced block: its language, its text, and what a comment above it says of files."""

    directive: str
    file: str
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page in order."""
    return [Block(*map(str, found.groups(""))) for found in _BLOCK.finditer(page.read_text())]


def commands(text: str) -> list[str]:
    """Return the commands of a block, a line that ends in a backslash joined with the next."""
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def with_blocks(*languages: str) -> list[Path]:
    """Return the pages that have a block of one of these languages."""
    return [page for page in PAGES if any(block.language in languages for block in blocks(page))]
