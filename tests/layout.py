"""The rooms of the package, for the tests of the architecture and of the page that describes it."""

ROOMS = [
    "errors",
    "problem",
    "files",
    "generation",
    "exact",
    "solving",
    "algebra",
    "views",
    "certificate",
    "learning",
    "analysis",
    "bench",
    "board",
    "site",
    "paper",
    "cli",
]
"""The rooms of mincache, from the ground up: each may import itself and those before it."""
