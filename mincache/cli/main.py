"""The `mincache` command: one verb a module, imported when it is called."""

import contextlib
import gc
import importlib
import io
import os
import re
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType
from typing import Any, NoReturn

import click

from mincache import __version__
from mincache.cli import examples
from mincache.cli.verbs import VerbGroup
from mincache.errors import InputError, MincacheError, one_line

VERBS = {
    "run": ("run", "run", "Run solvers on a suite and record every attempt."),
    "status": ("run", "status", "Show how far a campaign is."),
    "merge": ("run", "merge", "Join the records of a campaign that ran in parts."),
    "leaderboard": ("leaderboard", "leaderboard", "Rank solvers; publish or verify a leaderboard."),
    "compare": ("compare", "compare", "Compare solvers or campaigns."),
    "reproduce": ("reproduce", "reproduce", "Repeat the paper's experiments or a published row."),
    "solve": ("solve", "solve", "Solve one instance with one solver."),
    "score": ("solve", "score", "Score a solution."),
    "explain": ("explain", "explain", "Show why an answer costs more than the optimum."),
    "instances": ("instances", "instances", "List, show or verify suites and instances."),
    "generate": ("generate", "generate", "Draw a suite of your own."),
    "solvers": ("solvers", "solvers", "List solvers, check one, or start a new one."),
    "train": ("train", "train", "Train a solver that learns."),
    "tune": ("tune", "tune", "Search for good parameters of a solver."),
    "certify": ("solve", "certify", "Prove a lower bound on the cost, or check such a proof."),
    "export": ("exchange", "export", "Write an instance as a model for other solvers (nl, lp, mps, gms)."),
    "import": ("exchange", "import_", "Read another solver's answer as a solution."),
    "judge": ("judging", "judge", "Tell how good a solver is, and why it is not better."),
    "arena": ("judging", "arena", "Let programs that write heuristics work on this problem."),
    "seal": ("seal", "seal", "Rank solvers on instances that nobody has seen."),
    "schema": ("exchange", "schema", "Print the JSON Schema of a document, or the table of symbols."),
    "doctor": ("doctor", "doctor", "Show what is installed, and which limits this machine can enforce."),
    "completion": ("completion", "completion", "Print the completion script for bash, zsh or fish."),
}
"""Each verb's module in `mincache.cli`, its name there, and its line in `--help`, which imports no module."""
_COMPLETING = "_MINCACHE_COMPLETE"  # the variable that click looks for


class _LateLoader(MetaPathFinder):
    """Has each module of mincache load when something in it is first used; no help uses any."""

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name.startswith("mincache.") else None
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


def _found(module: str, name: str) -> Any:
    """Import what a module of this room holds; for help and completions, what the module imports waits."""
    late = _LateLoader()
    if _COMPLETING in os.environ or not {"-h", "--help"}.isdisjoint(sys.argv):
        sys.meta_path.insert(0, late)
    gc.disable()  # modules stay; collecting among them takes a twentieth of the time
    try:
        return getattr(importlib.import_module(f"mincache.cli.{module}"), name)
    finally:
        gc.enable()
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(late)


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
        command: click.Command = _found(module, attribute)
        return examples.add(command, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(verb, about) for verb, (_, _, about) in VERBS.items()])


@click.group(
    cls=Verbs,
    commands={verb: click.Command(verb) for verb in VERBS},  # for click to know their names
    renamed={"submit": "mincache leaderboard publish"},
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
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
        if _COMPLETING in os.environ:
            _found("completion", "completion")  # tells click of our shells
        sys.exit(cli.main(prog_name="mincache", standalone_mode=False))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _end(f"error: {one_line(_sentence(error))}", error.exit_code)
    except MincacheError as error:
        _end(f"error: {error}", 2)
    except click.Abort:
        _end("interrupted", 1)
    except BrokenPipeError:  # the reader (head, less) has left
        _close_output()
        sys.exit(1)
    except (OSError, OverflowError) as error:  # a full disk, a folder that is gone, a limit beyond all bounds
        _close_output()
        with contextlib.suppress(OSError):
            _end(f"error: {error}", 2)
        sys.exit(2)


def _end(line: str, code: int) -> NoReturn:
    click.echo(line, err=True)
    sys.exit(code)


def _close_output() -> None:
    """Let what Python has still to print at its exit go nowhere."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_OURS = {  # click's sentences, in the order of ours: the rule, then what was received
    r"('.*') is not a valid integer(?: range)?": r"must be a whole number; received \1",
    r"('.*') is not a valid (?:float|float range|seconds)": r"must be a number; received \1",
    r"(\S+) is not in the range (.*)": r"must be in the range \2; received \1",
    r"('.*') is not one of (.*)": r"must be one of \2; received \1",
    r"\w+ ('.*') is a file": r"must be a folder; received the file \1",
    r"\w+ ('.*') is a directory": r"must be a file; received the folder \1",
}


def _in_our_words(rule: str) -> str:
    for theirs, ours in _OURS.items():
        if match := re.fullmatch(theirs, rule.rstrip("."), re.DOTALL):
            return match.expand(ours)
    return rule


def _sentence(error: click.ClickException) -> str:
    """Return what click refuses, as the field, the rule, what was received and what to do."""
    message = error.format_message()
    if not isinstance(error, click.UsageError):
        return message
    if isinstance(error, click.BadParameter) and error.param is not None and error.ctx is not None:
        param, rule = error.param, _in_our_words(error.message)
        metavar = re.sub(r"^\[(.*)\]$", r"\1", param.make_metavar(error.ctx).removesuffix("..."))
        if isinstance(error, click.MissingParameter):
            known = param.type.get_missing_message(param=param, ctx=error.ctx)
            known = " ".join((known or "").split())  # click writes a list with a line for each
            rule = f"must be given; {known[:1].lower()}{known[1:]}" if known else "must be given"
        message = f"{metavar if param.param_type_name == 'argument' else param.opts[-1]}: {rule}"
    elif not message[:2].isupper():  # FILE stays FILE
        message = message[:1].lower() + re.sub(r"\. \(?Did (.*\?)\)?", r"; did \1", message[1:])
    return message.rstrip(".") + (f"; see: {error.ctx.command_path} --help" if error.ctx else "")


if __name__ == "__main__":
    main()
