"""What solvers that learn have in common: courses of traces, networks, replay memory, policy files."""
