"""What the shell's completion offers, and `mincache completion`, which prints the script for it.

Where nothing of mincache's begins as what was typed, files are offered: each of them may be one's own.
"""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

Offers = list[CompletionItem]
_VARIABLE = "_MINCACHE_COMPLETE"  # the name that click looks for


def solver_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> Offers:
    """Return the installed solvers that begin so, and `all` where several may be given."""
    from mincache.solving import registry

    return _offers(incomplete, [*registry.names(), *(["all"] if param.multiple else [])])


def suite_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> Offers:
    """Return the standard suites that begin so."""
    from mincache.generation import suites

    return _offers(incomplete, suites.standard_names())


def instance_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> Offers:
    """Return the instances of the standard suites that begin so; the suites until one of them is typed."""
    from mincache.generation import suites

    found = _beginning(incomplete.partition(".")[0], suites.standard_names())
    if "." not in incomplete and len(found) > 1:
        return _offers(incomplete, found)
    return _offers(incomplete, [name for suite in found for name in suites.find(suite).entries])


def _offers(text: str, names: list[str]) -> Offers:
    found = _beginning(text, names)
    return [CompletionItem(name) for name in found] or [CompletionItem(text, type="file")]


def _beginning(text: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(text)]


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
