"""What can be learned about instances: their features, and instances that tell two solvers apart."""
