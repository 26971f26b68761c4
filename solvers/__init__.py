"""The reference solvers: one file is one solver, found through its entry point."""
