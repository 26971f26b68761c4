"""`mincache completion`."""

from __future__ import annotations

import click

_VARIABLE = "_MINCACHE_COMPLETE"  # the name that click looks for


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that has SHELL complete verbs and options.

    \b
    eval "$(mincache completion bash)"       # in ~/.bashrc
    eval "$(mincache completion zsh)"        # in ~/.zshrc
    mincache completion fish | source        # in ~/.config/fish/config.fish
    """  # noqa: D301  # \b is click's mark for a block to be left as it is
    from click.shell_completion import get_completion_class

    from mincache.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None  # click knows all three
    complete = kind(cli, {}, "mincache", _VARIABLE)
    click.echo(complete.source_template % complete.source_vars())
