"""What is optimised: quantities, equations, an instance, a solution, and the evaluator that prices it."""
