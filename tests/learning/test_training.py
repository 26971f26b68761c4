"""Trainings as the command line sees them: on a device that there is."""

import pytest
import torch
from click.testing import CliRunner

from mincache.cli.train import train
from mincache.errors import InputError
from mincache.learning.torch_setup import check_device

WORDS = ["ddpg", "--suite", "smoke-v1", "--users", "10", "--library", "0", "--episodes", "20"]
needs_no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")


def test_the_processor_is_always_there():
    """Its name is taken without a word."""
    assert check_device("cpu") is None


@pytest.mark.parametrize(
    "name", [pytest.param("cuda", marks=needs_no_cuda), "cuda:x", "banana", "meta", "a\nb"]
)
def test_what_is_not_here_is_refused(name):
    """A device that is absent, unknown or holds no numbers is one line with a way out."""
    with pytest.raises(InputError, match="device: must be one that torch has here") as refusal:
        check_device(name)
    assert "cpu works" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", [pytest.param("cuda", marks=needs_no_cuda), "banana"])
def test_training_there_is_refused_before_it_begins(name, tmp_path, monkeypatch):
    """The command refuses it, and leaves no file."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="device: must be"):
        CliRunner().invoke(train, [*WORDS, "--device", name], catch_exceptions=False)
    assert not list(tmp_path.iterdir())
