"""The paper's experiments, run again: its claims, the campaigns that test them, verdicts, figures, tables."""
