"""The `mincache` command: one verb a module, imported when it is called."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys

import click

from mincache import __version__
from mincache.cli import examples
from mincache.errors import MincacheError, did_you_mean

# verb -> (module of mincache.cli, its attribute, one line for --help, which so imports nothing else)
VERBS = {
    "run": ("run", "run", "Run solvers on a suite; every attempt is recorded."),
    "status": ("run", "status", "Tell how far a campaign is."),
    "merge": ("run", "merge", "Join the journals of a campaign's parts."),
    "leaderboard": ("leaderboard", "leaderboard", "Show, publish or verify the leaderboard."),
    "compare": ("compare", "compare", "Set solvers or campaigns side by side."),
    "reproduce": ("reproduce", "reproduce", "Run the paper's experiments or a published row again."),
    "solve": ("solve", "solve", "Answer one instance with one solver."),
    "score": ("score", "score", "Score a solution with the evaluator."),
    "instances": ("instances", "instances", "List, verify or show suites and instances."),
    "generate": ("generate", "generate", "Draw a suite of instances of one's own."),
    "solvers": ("solvers", "solvers", "List solvers, check one, or begin a new one."),
    "train": ("train", "train", "Train a solver that learns."),
    "certify": ("certify", "certify", "Prove that no solution costs less, or check such a proof."),
    "export": ("exchange", "export", "Write an instance for outside solvers (nl, lp, mps, gms)."),
    "import": ("exchange", "import_", "Read an outside solver's answer as a solution."),
    "schema": ("schema", "schema", "Print the JSON Schema of a document, or the symbols."),
    "doctor": ("doctor", "doctor", "Tell what is installed and what this machine can enforce."),
    "completion": ("completion", "completion", "Print shell completion for bash, zsh or fish."),
}


RENAMED = {"submit": "leaderboard publish"}
"""Verbs of earlier versions, and what does their work now."""


class Verbs(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order in which people need them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a verb's command."""
        if cmd_name not in VERBS:
            return None
        module, attribute, _ = VERBS[cmd_name]
        command: click.Command = getattr(importlib.import_module(f"mincache.cli.{module}"), attribute)
        return examples.add(command, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a verb, suggesting the nearest one when there is none of that name."""
        if args[0] in RENAMED:
            raise MincacheError(f"no command {args[0]!r}; `mincache {RENAMED[args[0]]}` does its work")
        if args[0] not in VERBS and not args[0].startswith("-"):
            raise click.UsageError(f"no command {args[0]!r}; {did_you_mean(args[0], VERBS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(verb, about) for verb, (_, _, about) in VERBS.items()])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mincache")
def cli() -> None:
    """Benchmark solvers for joint model caching and resource allocation at a wireless edge server.

    \b
    mincache run smoke-v1 --solver all -o results/smoke
    mincache leaderboard results/smoke

    Exit codes: 0 all well, 1 a negative answer (infeasible, failed, differs), 2 unusable input.
    """  # noqa: D301  # \b is click's mark for a block to be left as it is


def main() -> None:
    """Run the command line; a refusal of input is one line on standard error and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what an encoding lacks is shown by its code
    for word in sys.argv[1:]:
        if not word.isprintable() and any("\ud800" <= c <= "\udfff" for c in word):
            click.echo(f"error: argument: must be UTF-8; received {word!a}", err=True)
            sys.exit(2)
    try:
        sys.exit(cli(standalone_mode=True))
    except MincacheError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        # The reader (head, less) has left; say nothing more, not even when Python flushes at exit.
        _close_output()
        sys.exit(1)
    except (OSError, OverflowError) as error:  # a full disk, a folder that is gone, a limit beyond all bounds
        _close_output()
        with contextlib.suppress(OSError):
            click.echo(f"error: {error}", err=True)
        sys.exit(2)


def _close_output() -> None:
    """Let what Python has still to print at its exit go nowhere."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
