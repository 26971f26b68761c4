"""The same instance in other terms: each view has an `apply` (instance to native) and an `invert` (native to decisions)."""
