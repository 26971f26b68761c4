"""A real training is killed by the system in the middle, and the same command ends on the same policy."""

import json
import signal
import subprocess
import sys
import time

from click.testing import CliRunner
from safetensors import safe_open

from mincache.cli.train import train

EPISODES = 150
WORDS = ["ddpg[hidden=8,batch=8,warmup=10,updates=1]", "--suite", "smoke-v1", "--users", "10",
         "--library", "0", "--episodes", str(EPISODES), "-o"]  # fmt: skip


def test_a_killed_process_is_resumed_bit_for_bit(tmp_path):
    """After SIGKILL in the middle, the command begun again ends on the bytes of one that was left alone."""
    policy, whole = tmp_path / "p.safetensors", tmp_path / "whole.safetensors"
    checkpoint = policy.with_suffix(".checkpoint")
    command = [sys.executable, "-m", "mincache.cli.main", "train", *WORDS, str(policy)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while not checkpoint.exists():
        assert process.poll() is None, "it ended before its first checkpoint"
        time.sleep(0.001)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not policy.exists()
    with safe_open(checkpoint, "numpy") as file:
        done = json.loads(file.metadata()["mincache"])["episodes"]
    assert 0 < done < EPISODES
    for path in (policy, whole):
        CliRunner().invoke(train, [*WORDS, str(path)], catch_exceptions=False)
    assert policy.read_bytes() == whole.read_bytes()
    curves = [json.loads(path.with_suffix(".json").read_text())["curve"] for path in (policy, whole)]
    assert curves[0] == curves[1]
    assert not checkpoint.exists()
