"""What a run came to: messages, outcomes, judging them, and the records of every attempt."""
