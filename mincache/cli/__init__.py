"""The command line: a module a verb group; the only code that prints."""
