"""Processes of the model library: what beyond independent ranges decides the models' parameters."""

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from mincache.errors import InputError, in_file
from mincache.generation.data_files import column_names, numbers, read_columns
from mincache.generation.process import DataFile, Digest, Draw, Process, Shape, normal, within
from mincache.problem.quantity import Array


class LibraryRanges(Process):
    """Models from the scenario's ranges, from a table, or from both.

    Attributes:
        file: a CSV or Parquet file with a row a model, its columns named as the scenario's ranges.
        quality_by_size: correlation (of a Gaussian copula) between a model's size and its quality: larger
            models have a lower `tv_best`.
    """

    process: Literal["ranges"] = "ranges"
    file: DataFile | None = None
    sha256: Digest = None
    quality_by_size: Annotated[float, Field(ge=-1, le=1)] = 0.0

    def draw(self, shape: Shape, uniforms: Draw, given: Mapping[str, Array]) -> dict[str, Array]:
        """Return what differs from `given`, [1, M] by field; it also holds limits, as `<field>_range`."""
        from scipy.special import ndtr

        columns = {} if self.file is None else self._columns(self.file, shape.models, set(given))
        if self.quality_by_size and "tv_best" not in columns:
            sizes = columns.get("size_gb", given["size_gb"])
            rank = (np.argsort(np.argsort(sizes, axis=-1), axis=-1) + 0.5) / shape.models
            own = normal(uniforms("library/quality", shape.models))
            rho = self.quality_by_size
            quality = rho * normal(rank) + np.sqrt(1.0 - rho**2) * own
            columns["tv_best"] = within(tuple(given["tv_best_range"]), ndtr(-quality))
        return columns

    def _columns(self, file: str, models: int, known: set[str]) -> dict[str, Array]:
        names = [name for name in column_names(file) if name in known]
        columns = read_columns(file, names, self.sha256)
        with in_file(file):
            if not names:
                raise InputError("columns", f"must be some of {', '.join(sorted(known))}", "none of them")
            rows = len(columns[names[0]])
            if rows < models:
                raise InputError("models", f"must be at most {rows}, the rows of the file", str(models))
            return {name: numbers(name, columns[name][:models])[None] for name in names}
