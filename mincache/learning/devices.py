"""Where torch can compute on this machine."""

from __future__ import annotations

import torch

from mincache.errors import InputError, excerpt


def check_device(name: str) -> None:
    """Check that torch can compute on the device of this name.

    Raises:
        InputError: if there is no such device here, or torch was built without it.
    """
    try:
        torch.ones(1, device=name).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        first_sentence = why.split(". ")[0].rstrip(".")[:160]
        hint = f"{first_sentence}; cpu works"
        raise InputError("device", "must be one that torch has here", excerpt(name), hint) from None
