"""Running solvers: cells, a child process a run, limits, and the journal of every attempt."""
