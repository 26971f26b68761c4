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

        ranges = {name: given[f"{name}_range"] for name in given if f"{name}_range" in given}
        columns = {} if self.file is None else self._columns(self.file, shape.models, ranges)
        if self.quality_by_size and "tv_best" in columns:
            rule = "must be left out where the file has a column tv_best"
            raise InputError("models.quality_by_size", rule, f"{self.quality_by_size:g}")
        if self.quality_by_size:
            sizes = columns.get("size_gb", given["size_gb"])
            rank = (np.argsort(np.argsort(sizes, axis=-1), axis=-1) + 0.5) / shape.models
            own = normal(uniforms("library/quality", shape.models))
            rho = self.quality_by_size
            quality = rho * normal(rank) + np.sqrt(1.0 - rho**2) * own
            columns["tv_best"] = within(tuple(ranges["tv_best"]), ndtr(-quality))
        return columns

    def _columns(self, file: str, models: int, known: Mapping[str, Array]) -> dict[str, Array]:
        """Read the columns; one without its partner must fit all that the partner's range can bring."""
        names = [name for name in column_names(file) if name in known]
        columns = read_columns(file, names, self.sha256)
        with in_file(file):
            if not names:
                raise InputError("columns", f"must be some of {', '.join(sorted(known))}", "none of them")
            rows = len(columns[names[0]])
            if rows < models:
                raise InputError("models", f"must be at most {rows}, the rows of the file", str(models))
            found = {name: numbers(name, columns[name][:models])[None] for name in names}
            for lower, upper in (("steps_onset", "steps_saturation"), ("tv_best", "tv_worst")):
                most, least = found.get(lower, known[lower]).max(), found.get(upper, known[upper]).min()
                if (lower in found) != (upper in found) and most > least:
                    other = upper if lower in found else lower
                    advice = f"add a column {other}, or change the scenario's range"
                    raise InputError(
                        lower, f"must not be above {upper}", f"{most:g} against {least:g}", advice
                    )
            return found
