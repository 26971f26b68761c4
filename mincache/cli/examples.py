"""Examples of each verb, shown at the end of its help: one place, so that one test can run them all."""

import click

EXAMPLES: dict[str, str] = {
    "run": """
        mincache run smoke-v1 --solver cloud-only --solver popular-first --time-limit 10 -o results/smoke
        mincache run smoke-v1 --solver 'genetic[generations=20]' --seeds 2 -o results/genetic
        mincache run smoke-v1 --solver cloud-only --shard 1/2 -o results/part-1
        mincache run smoke-v1 --solver cloud-only --shard 2/2 -o results/part-2
    """,
    "status": """
        mincache status results/smoke
        mincache status results/smoke --json
    """,
    "merge": "mincache merge results/part-1 results/part-2 -o results/both",
    "leaderboard": """
        mincache leaderboard results/smoke
        mincache leaderboard results/smoke results/genetic --format csv
    """,
    "leaderboard table": """
        mincache leaderboard table results/smoke --solver cloud-only
        mincache leaderboard table board --suite smoke-v1 --format markdown
        mincache leaderboard table results/genetic --against board
    """,
    "leaderboard publish": """
        mincache leaderboard publish results/smoke --author 'A. Name' -o board
        mincache leaderboard publish results/genetic --author 'A. Name' --link https://example.org -o board
    """,
    "leaderboard aslib": "mincache leaderboard aslib results/smoke -o results/aslib",
    "leaderboard rebuild": "mincache leaderboard rebuild board",
    "leaderboard verify": "mincache leaderboard verify board",
    "leaderboard build": "mincache leaderboard build board -o site",
    "leaderboard serve": "mincache leaderboard serve site --port 8000",
    "reproduce": """
        mincache reproduce fig5 --quick -o results/paper
        mincache reproduce leaderboard/paper-v1/genetic -o results/again
    """,
    "reproduce row": "mincache reproduce board/smoke-v1/cloud-only --instances 2 -o results/again",
    "compare": """
        mincache compare results/smoke:cloud-only results/smoke:popular-first
        mincache compare results/smoke results/both
        mincache compare board
        mincache compare results/mine --since HEAD~5 --solver mine.py:Mine
    """,
    "solve": "mincache solve smoke-v1.l0.n10.t0 --solver popular-first --time-limit 10 -o answer.json",
    "score": """
        mincache score smoke-v1.l0.n10.t0 answer.json
        mincache score smoke-v1.l0.n10.t0 answer.json --json
        mincache solve smoke-v1.l0.n10.t0 --solver lru -o - | mincache score smoke-v1.l0.n10.t0 -
    """,
    "explain": """
        mincache explain smoke-v1.l0.n10.t0 answer.json
        mincache explain smoke-v1.l0.n10.t0 answer.json --json
        mincache solve smoke-v1.l0.n10.t0 --solver lru -o - | mincache explain smoke-v1.l0.n10.t0 -
        mincache explain results/smoke --solver popular-first -o parts.svg
    """,
    "instances": "mincache instances",
    "instances list": "mincache instances list --json",
    "instances verify": "mincache instances verify smoke-v1",
    "instances features": """
        mincache instances features smoke-v1
        mincache instances features smoke-v1 --csv -o features.svg
    """,
    "instances show": """
        mincache instances show smoke-v1
        mincache instances show smoke-v1.l0.n10.t0
    """,
    "instances reference": "mincache instances reference my-suite",
    "generate": """
        mincache generate scenario.toml --preview
        mincache generate --users 5,10 --libraries 2 --traces 2 --seed 7 -o my-suite
        mincache run my-suite --solver decomposition -o results/my-suite
        mincache generate --separate cloud-only,popular-first --budget 20 --seed 7 -o apart
    """,
    "solvers": """
        mincache solvers
        mincache solvers new my-solver
        mincache solvers check 'genetic[population=20,generations=10]'
    """,
    "solvers list": "mincache solvers list --json",
    "solvers check": """
        mincache solvers check cloud-only
        mincache solvers check 'genetic[population=20,generations=10]'
        mincache solvers check my_solver.py:MySolver --json
    """,
    "solvers new": """
        mincache solvers new my-solver
        mincache solvers new my-solver --file
    """,
    "judge": """
        mincache judge popular-first
        mincache judge popular-first --instances '*.n10.*' --json
    """,
    "arena": """
        mincache arena init task --users 5 --libraries 2
        mincache judge task/entry.py:Entry --suite task/development --json
    """,
    "seal": """
        mincache seal new --libraries 2 --users 5 -o season
        mincache seal freeze season --solver popular-first --solver cloud-only
        mincache seal reveal season -o opened
        mincache seal verify season opened
        mincache generate --libraries 2 --users 5 --seed 4 -o public
        mincache run public --solver popular-first --solver cloud-only -o public-results
        mincache seal compare opened public-results --suite public
    """,
    "train": """
        mincache train ddpg --suite smoke-v1 --users 10 --library 0 --episodes 110 -o mine.safetensors
        mincache run smoke-v1 --solver 'ddpg[policy=mine.safetensors]' -o results/mine
    """,
    "tune": "mincache tune 'genetic[generations=5..20]' --on smoke-v1 --trials 4 --libraries 1 -o tuned",
    "certify": """
        mincache certify paper-v1.l0.n10.t0 -o proof.json
        mincache certify --check paper-v1.l0.n10.t0 proof.json answer.json
    """,
    "export": """
        mincache export paper-v1.l0.n10.t0 --slot 3 --format lp -o slot-3
        highs slot-3/paper-v1.l0.n10.t0.slot-3.lp --solution_file slot-3/highs.sol
        mincache import slot-3 slot-3/highs.sol -o slot-3/solution.json
        mincache score slot-3/instance.json slot-3/solution.json
    """,
    "import": "mincache import slot-3 slot-3/highs.sol -o slot-3/solution.json",
    "schema": """
        mincache schema instance
        mincache schema symbols
    """,
    "doctor": """
        mincache doctor
        mincache doctor --json
    """,
    "completion": """
        eval "$(mincache completion bash)"       # in ~/.bashrc
        eval "$(mincache completion zsh)"        # in ~/.zshrc
        mincache completion fish | source        # in ~/.config/fish/config.fish
    """,
}
"""Command lines by verb, in the order of `mincache --help`."""


def add(command: click.Command, verb: str) -> click.Command:
    """Put a verb's examples, and those of the verbs below it, at the end of their help."""
    lines = EXAMPLES.get(verb, "").split("\n")
    shown = [line.strip() for line in lines if line.strip()]
    if shown:
        command.epilog = "\n".join(["\b", "Examples:", *(f"  {line}" for line in shown)])
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            add(below, f"{verb} {name}")
    return command
