"""The same instance in other terms.

Each view has an `apply` (instance to native terms) and an `invert` (native answer to decisions).
"""
