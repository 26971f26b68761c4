"""The exact method: optimal bandwidth in closed form but for one number, branch and bound for the rest.

Where loading takes time, dynamic programming over caches on top of it.
"""

from mincache.exact.bandwidth import marginal_delay_s, optimal_bandwidth, optimal_shares
from mincache.exact.best_service import serve, serve_batch
from mincache.exact.optimum import MOST_SETS, RELATIVE_GAP, Optimum, improvements, load_compiled, optimum
from mincache.exact.regrets import Regrets, regrets

__all__ = [
    "MOST_SETS", "RELATIVE_GAP", "Optimum", "Regrets", "improvements", "load_compiled",
    "marginal_delay_s", "optimal_bandwidth", "optimal_shares", "optimum", "regrets", "serve",
    "serve_batch",
]  # fmt: skip
