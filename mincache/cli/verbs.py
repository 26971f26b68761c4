"""A group of verbs, one of which may be left out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from mincache.errors import InputError, MincacheError, closest


class VerbGroup(click.Group):
    """A group that knows which verb is meant where none is typed.

    Args:
        bare: the verb where nothing or options alone are typed; "" for none.
        default: the verb where another word comes first: `leaderboard FOLDER` is `leaderboard table FOLDER`.
            It is also the verb where options come first, unless `bare` is.
        renamed: verbs of earlier versions, and the commands that replace them.
    """

    def __init__(
        self, *arguments: Any, bare: str = "", default: str = "", renamed: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(*arguments, **more)
        self._bare, self._default, self._renamed = bare, default, renamed or {}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words, with the verb put in where it was left out."""
        word = args[0] if args else "-"
        if word in self._renamed and not Path(word).exists():
            raise MincacheError(f"no command {word!r}; use `{self._renamed[word]}`")
        if word.startswith("-") and word not in ("-h", "--help"):
            verb = self._bare or (self._default if args else "")
            args = [verb, *args] if verb else args
        elif self._default and word not in {*self.commands, "-h", "--help"}:
            near = "" if Path(word).exists() else closest(word, self.commands)
            if near:
                rule = f"must be one of {', '.join(self.commands)}, or what `{self._default}` takes"
                raise InputError(ctx.command_path, rule, repr(word), f"did you mean {near!r}?")
            args = [self._default, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the verbs that begin as typed, and what may follow the one that may be left out."""
        found = super().shell_complete(ctx, incomplete)
        if self._default:
            params = self.commands[self._default].params
            argument = next(param for param in params if isinstance(param, click.Argument))
            found += argument.shell_complete(ctx, incomplete)
        return found
