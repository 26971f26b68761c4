"""The standard suites: a folder each, with its recipe, hashes and instance files."""
