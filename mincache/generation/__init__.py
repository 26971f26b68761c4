"""From a scenario to named suites: streams of random numbers, sweeps, recipes, suites, references."""
