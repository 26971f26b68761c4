"""From records to tables: statistics and their presentation."""
