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
from mincache.cli.verbs import VerbGroup
from mincache.errors import InputError, MincacheError, did_you_mean, one_line

VERBS = {
    "run": ("run", "run", "Run solvers on a suite and record every attempt."),
    "status": ("run", "status", "Show how far a campaign is."),
    "merge": ("run", "merge", "Join the records of a campaign that ran in parts."),
    "leaderboard": ("leaderboard", "leaderboard", "Rank solvers; publish or verify a leaderboard."),
    "compare": ("compare", "compare", "Compare solvers or campaigns."),
    "reproduce": ("reproduce", "reproduce", "Repeat the paper's experiments or a published row."),
    "solve": ("solve", "solve", "Solve one instance with one solver."),
    "score": ("score", "score", "Score a solution."),
    "explain": ("explain", "explain", "Show why an answer costs more than the optimum."),
    "instances": ("instances", "instances", "List, show or verify suites and instances."),
    "generate": ("generate", "generate", "Draw a suite of your own."),
    "solvers": ("solvers", "solvers", "List solvers, check one, or start a new one."),
    "train": ("train", "train", "Train a solver that learns."),
    "certify": ("certify", "certify", "Prove a lower bound on the cost, or check such a proof."),
    "export": ("exchange", "export", "Write an instance as a model for other solvers (nl, lp, mps, gms)."),
    "import": ("exchange", "import_", "Read another solver's answer as a solution."),
    "judge": ("judging", "judge", "Tell how good a solver is, and why it is not better."),
    "arena": ("arena", "arena", "Let programs that write heuristics work on this problem."),
    "seal": ("seal", "seal", "Rank solvers on instances that nobody has seen."),
    "schema": ("schema", "schema", "Print the JSON Schema of a document, or the table of symbols."),
    "doctor": ("doctor", "doctor", "Show what is installed, and which limits this machine can enforce."),
    "completion": ("completion", "completion", "Print the completion script for bash, zsh or fish."),
}
"""Each verb's module in `mincache.cli`, its name there, and its line in `--help`, which imports no module."""


class Verbs(VerbGroup):
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
        if args[0] not in VERBS and not args[0].startswith("-"):
            raise click.UsageError(f"no command {args[0]!r}; {did_you_mean(args[0], VERBS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(verb, about) for verb, (_, _, about) in VERBS.items()])


@click.group(
    cls=Verbs,
    renamed={"submit": "mincache leaderboard publish"},
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, "-V", "--version", prog_name="mincache")
def cli() -> None:
    """Benchmark solvers for joint model caching and resource allocation at a wireless edge server.

    \b
    mincache run smoke-v1 --solver all -o results/smoke
    mincache leaderboard results/smoke

    Exit codes: 0 success, 1 a negative answer (infeasible, failed, differs), 2 unusable input.
    """  # noqa: D301  # \b is click's mark for a block to be left as it is


def main() -> None:
    """Run the command line; a refusal is one line on standard error that begins with `error:`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what an encoding lacks is shown by its code
    try:
        for word in sys.argv[1:]:
            if any("\ud800" <= c <= "\udfff" for c in word):
                raise InputError("argument", "must be UTF-8", f"{word!a}")
        if "_MINCACHE_COMPLETE" in os.environ:
            importlib.import_module("mincache.cli.completion")  # tells click of our shells
        sys.exit(cli.main(prog_name="mincache", standalone_mode=False))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"error: {one_line(_sentence(error))}", err=True)
        sys.exit(error.exit_code)
    except MincacheError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except click.Abort:
        click.echo("interrupted", err=True)
        sys.exit(1)
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


def _sentence(error: click.ClickException) -> str:
    """Return what click refuses, as the field, the rule, what was received and what to do."""
    message = error.format_message()
    if isinstance(error, click.BadParameter) and error.param is not None and error.ctx is not None:
        param = error.param
        name = (
            param.make_metavar(error.ctx).strip("[].")
            if param.param_type_name == "argument"
            else param.opts[-1]
        )
        rule = error.message
        if isinstance(error, click.MissingParameter):
            rule = "; ".join(
                filter(None, ("must be given", param.type.get_missing_message(param=param, ctx=error.ctx)))
            )
        message = f"{name}: {rule}"
    elif isinstance(error, click.UsageError):
        first = message[:1] if message[:2].isupper() else message[:1].lower()  # FILE stays FILE
        message = first + message[1:].replace(". Did you", "; did you")
    advice = (
        f"; see: {error.ctx.command_path} --help" if isinstance(error, click.UsageError) and error.ctx else ""
    )
    return message.rstrip(".") + advice


if __name__ == "__main__":
    main()
