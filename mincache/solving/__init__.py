"""The solver contract, solvers by name, what keeps decisions feasible, and the public conformance checks."""
