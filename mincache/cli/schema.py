"""`mincache schema`."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("document", type=click.Choice(["instance", "solution"]))
def schema(document: str) -> None:
    """Print the JSON Schema of the instance or the solution document.

    It holds what a schema can say; that the shapes agree is checked when a document is read.
    """
    from mincache.documents import json_schema

    click.echo(json.dumps(json_schema(document), indent=2))
