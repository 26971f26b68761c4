"""Names on the command line, how a shell completes them, and `mincache completion`, which prints a script.

Where no name of mincache begins as typed, the shell offers files or folders: each may be one's own.
"""

import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress

import click
from click import shell_completion
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ZshComplete

from mincache.errors import MincacheError
from mincache.generation import suites
from mincache.solving import spec

_VARIABLE = "_MINCACHE_COMPLETE"  # the name that click looks for
_SOLVER = r"""[^\[\],]+(?:\[(?:[^\]"']|"[^"]*"|'[^']*')*\])?"""
SOLVER_PAIR = re.compile(f"({_SOLVER}),({_SOLVER})")
"""Two solvers; the comma between them is none of those between parameters."""


class Name(click.ParamType[str]):
    """A name that a shell completes with those of `names` that begin as typed, or else a "file" or "dir"."""

    def __init__(
        self, name: str, names: Callable[[str], Iterable[str]], otherwise: str = "file", listed: bool = False
    ) -> None:
        self.name, self._names, self._otherwise, self._listed = name, names, otherwise, listed

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str | None:
        """Return which names there are."""
        return f"known: {', '.join(self._names(''))}" if self._listed else None

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that begin as typed; a path, if there are none."""
        found = [name for name in self._names(incomplete) if name.startswith(incomplete)]
        return [CompletionItem(name) for name in found] or [CompletionItem(incomplete, type=self._otherwise)]


def _instances(text: str) -> list[str]:
    """Return the standard suites until one of them is typed, then its instances."""
    found = [name for name in suites.standard_names() if name.startswith(text.partition(".")[0])]
    if "." not in text and len(found) > 1:
        return found
    return [name for suite in found for name in suites.find(suite).entries]


def _solvers(text: str) -> list[str]:
    """Return the installed solvers; after a bracket, what may be typed between the brackets."""
    from mincache.solving import registry  # here and below: it takes a tenth of a second

    return _parameters(text) if "[" in text else registry.names()


def _two_solvers(text: str) -> list[str]:
    first = re.match(f"{_SOLVER},", text)
    before = first[0] if first else ""
    return [f"{before}{name}" for name in _solvers(text.removeprefix(before))]


def _trained_solvers(text: str) -> list[str]:
    return [name for name in _solvers(text) if name.startswith(text) and ("[" in text or _is_learned(name))]


def _is_learned(name: str) -> bool:
    from mincache.solving import registry

    with suppress(MincacheError):
        return registry.load(name).kind == "learned"
    return False


def _parameters(text: str) -> list[str]:
    """Return how a solver's brackets may go on: a parameter not given yet, or one of its values."""
    from mincache.solving import registry

    target, _, inner = text.partition("[")
    before, comma, last = inner.rpartition(",")
    try:
        hints = registry.hints(registry.load(target))
    except MincacheError:
        return []
    head, parameter = f"{target}[{before}{comma}", last.partition("=")[0]
    if "=" in last:
        return [f"{head}{parameter}={value}" for value in spec.choices(hints.get(parameter))]
    given = {item.partition("=")[0] for item in before.split(",")}
    return [f"{head}{name}=" for name in hints if name not in given]


SUITE = Name("suite", lambda text: suites.standard_names(), "dir", listed=True)
SCENARIO = Name("scenario", lambda text: suites.standard_names(), listed=True)
INSTANCE = Name("instance", _instances)
SOLVER = Name("solver", _solvers, listed=True)
SOLVERS = Name("solver", lambda text: [*_solvers(text), "all"], listed=True)
TWO_SOLVERS = Name("solver,solver", _two_solvers)
TRAINED_SOLVER = Name("solver", _trained_solvers, listed=True)


@shell_completion.add_completion_class
class _Bash(BashComplete):
    """Completion in bash of words with `=` and `:` too, at which bash breaks them."""

    source_template = """\
%(complete_func)s() {
    local line value
    while IFS= read -r line; do
        value=${line#*,}
        case ${line%%%%,*} in
            dir) compopt -o plusdirs ;;
            file) compopt -o default ;;
            plain)
                COMPREPLY+=("$value")
                case $value in *[=,]) compopt -o nospace ;; esac ;;
        esac
    done < <(COMP_WORDS="${COMP_LINE:0:COMP_POINT}" %(complete_var)s=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one that is begun, and that word."""
        line = os.environ["COMP_WORDS"]
        words = shell_completion.split_arg_string(line)
        last = words.pop() if words and not line[-1:].isspace() else ""
        return words[1:], last

    def format_completion(self, item: CompletionItem) -> str:
        """Return a line for the script: the kind, and what replaces the last piece of the word."""
        line, typed = os.environ["COMP_WORDS"], self.get_completion_args()[1]
        quoted = line.count("'") % 2 or line.count('"') % 2
        pieces = "" if quoted else typed[: max(typed.rfind("="), typed.rfind(":")) + 1]
        return f"{item.type},{item.value.removeprefix(pieces)}"


@shell_completion.add_completion_class
class _Zsh(ZshComplete):
    """Completion in zsh, which loads zsh's own completion first, and puts no blank behind `=`."""

    source_template = ZshComplete.source_template.replace(
        "compadd -U -V unsorted -a completions",
        'compadd -U -S "" -V open -- ${(M)completions:#*[=,]}\n'
        "        compadd -U -V unsorted -- ${completions:#*[=,]}",
    ).replace(
        "    compdef %(complete_func)s",
        "    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }\n"
        "    compdef %(complete_func)s",
    )


@shell_completion.add_completion_class
class _Fish(FishComplete):
    """Completion in fish of values that hold commas."""

    source_template = FishComplete.source_template.replace('string split ","', 'string split -m 1 ","')


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script for your shell that completes verbs, options, names and folders."""
    kind = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}[shell]
    complete = kind(click.get_current_context().find_root().command, {}, "mincache", _VARIABLE)
    click.echo(complete.source_template % complete.source_vars())
