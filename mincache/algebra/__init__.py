"""The instance as algebra: Pyomo models, a linear program, bounds, rounding, files for outside solvers."""
