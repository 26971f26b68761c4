"""The experiments' settings."""

import numpy as np
import pytest

from mincache.generation.scenario import Scenario
from mincache.paper.experiments import FITTED


def test_fitted_parameters_are_constants():
    """Under the single fitted parameters every model of a library has the values under (7) and (8)."""
    library = Scenario(**FITTED).library(3)
    fitted = {
        "steps_onset": 60, "tv_worst": 110, "steps_saturation": 170, "tv_best": 28,
        "seconds_per_step": 0.18, "seconds_base": 5.74,
    }  # fmt: skip
    for name, value in fitted.items():
        assert np.unique(getattr(library, name)) == pytest.approx([value])
    assert len(np.unique(library.size_gb)) == 10
