"""Compute the costs of the best causal policy on the online suites: `make causal-references`."""

import tomli_w

from mincache.analysis.online_references import CAUSAL_FILE, causal_costs
from mincache.generation.suites import find

for name in ("online-v1", "online-scarce-v1", "online-loading-v1"):
    suite = find(name)
    document = causal_costs(suite).model_dump(mode="json")
    (suite.folder / CAUSAL_FILE).write_text(tomli_w.dumps(document))
