"""`mincache schema`."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("document", type=click.Choice(["instance", "solution", "symbols"]))
def schema(document: str) -> None:
    """Print the JSON Schema of the instance or the solution document, or the table of symbols.

    No schema can say that the shapes of arrays agree; reading a document checks that.
    """
    from mincache.files.documents import json_schema

    click.echo(symbols_markdown() if document == "symbols" else json.dumps(json_schema(document), indent=2))


def symbols_markdown() -> str:
    """Return the table of symbols: every quantity of both documents with symbol, unit, shape and range."""
    from mincache.problem.instance import PARTS, Instance
    from mincache.problem.quantity import quantities
    from mincache.problem.solution import Solution

    sections: dict[str, type] = {
        "": Instance,
        **{f"{name}.": kind for name, kind in PARTS.items()},
        "solution: ": Solution,
    }
    lines = ["| field | symbol | unit | range | meaning |", "|---|---|---|---|---|"]
    for prefix, kind in sections.items():
        for name, meaning in quantities(kind).items():
            field = f"{prefix}`{name}{meaning.brackets() if prefix else ''}`"
            cells = (field, meaning.symbol, meaning.unit, meaning.range_text(), meaning.about)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
