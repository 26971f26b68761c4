"""What a reader must know of the input, beside what was asked for."""

from __future__ import annotations

import click


def warn(sentence: str) -> None:
    """Say on standard error what a reader must know of the input."""
    click.echo(f"note: {sentence}", err=True)
