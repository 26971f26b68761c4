"""Strict reading and writing of JSON and TOML: size caps, paths, digests, and one base for all tables."""
