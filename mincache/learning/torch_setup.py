"""What a training needs of torch here: that it is installed, one thread, and a device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mincache.errors import InputError, excerpt, optional_library


def check_libraries() -> None:
    """Check that the libraries for training are installed; answering needs none of them.

    Raises:
        MissingExtraError: with what to install.
    """
    for name in ("torch", "gymnasium"):
        optional_library(name, "ddpg", "training needs")


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread inside: networks this small lose by more, and answers would differ."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def check_device(name: str) -> None:
    """Check that torch can compute on the device of this name.

    Raises:
        InputError: if there is no such device here, or torch was built without it.
    """
    import torch

    try:
        torch.ones(1, device=name).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        hint = f"{why.split('. ')[0].rstrip('.')[:160]}; cpu works"
        raise InputError("device", "must be one that torch has here", excerpt(name), hint) from None
