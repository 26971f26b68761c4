"""What can be learned of instances and answers: features, what tells solvers apart, why an answer loses."""
