"""The problem in plain Python, one user at a time: a second method, written from its definition.

It shares nothing with `mincache.problem.equations` and `mincache.problem.evaluation`. Tests compare the two,
and the benchmark takes it for the way in which the problem is usually priced.
"""

from __future__ import annotations

import math
import sys
from typing import NamedTuple

from mincache import Instance, Solution


class UserScore(NamedTuple):
    """One request: seconds and total variation."""

    upload_s: float
    download_s: float
    backhaul_s: float
    generation_s: float
    tv: float
    hit: bool
    low: bool
    loading_s: float = 0.0

    @property
    def delay_s(self) -> float:
        """Seconds from request to image."""
        return self.upload_s + self.download_s + self.backhaul_s + self.generation_s + self.loading_s


def user_score(instance: Instance, solution: Solution, t: int, n: int) -> UserScore:
    """Return what the request of user `n` in slot `t` costs."""
    radio, models, trace = instance.radio, instance.models, instance.trace
    m = int(trace.requested_model[t, n])
    hit = bool(solution.cache[t, m])
    gain, bits_in, bits_out = trace.channel_gain[t, n], trace.input_bits[t, n], models.output_bits[m]
    share, steps = solution.bandwidth_share[t, n], solution.step_share[t, n] * instance.server.steps

    upload = math.inf
    if share != 0:
        band = share * radio.uplink_hz
        whole = radio.user_power_w[n] * gain / (radio.noise_w_per_hz * radio.uplink_hz)
        snr = min(whole / share, sys.float_info.max)  # at a share near 1e-308 it overflows
        upload = bits_in / (band * math.log1p(snr) / math.log(2)) if snr > -1 else math.nan
    snr = radio.bs_power_w * gain / (radio.noise_w_per_hz * radio.downlink_hz)
    download = bits_out / (radio.downlink_hz * math.log1p(snr) / math.log(2))
    backhaul = 0.0 if hit else bits_in / radio.backhaul_up_bps + bits_out / radio.backhaul_down_bps

    A1, A2, A3, A4 = (
        float(values[m])
        for values in (models.steps_onset, models.tv_worst, models.steps_saturation, models.tv_best)
    )
    if not hit or steps >= A3:
        tv = A4
    elif steps <= A1:
        tv = A2
    else:
        tv = A2 + (A4 - A2) * (steps - A1) / (A3 - A1)
    generation = models.seconds_per_step[m] * (steps if hit else A3) + models.seconds_base[m]
    low = hit and bool(steps <= A1)
    held = t > 0 and bool(solution.cache[t - 1, m])
    loading = instance.rules.loading_s_per_gb * float(models.size_gb[m]) if hit and not held else 0.0
    return UserScore(
        float(upload), float(download), float(backhaul), float(generation), tv, hit, low, loading
    )


def score(instance: Instance, solution: Solution) -> dict[str, float]:
    """Return the same numbers as `mincache.evaluate`, summed one by one."""
    T, N = instance.slot_count, instance.user_count
    alpha = float(instance.preference_weight)
    users = [user_score(instance, solution, t, n) for t in range(T) for n in range(N)]
    hits = sum(user.hit for user in users)
    return {
        "cost": sum(alpha * user.delay_s + (1 - alpha) * user.tv for user in users) / (T * N),
        "hit_ratio": hits / (T * N),
        "mean_delay_s": sum(user.delay_s for user in users) / (T * N),
        "mean_upload_s": sum(user.upload_s for user in users) / (T * N),
        "mean_download_s": sum(user.download_s for user in users) / (T * N),
        "mean_backhaul_s": sum(user.backhaul_s for user in users) / (T * N),
        "mean_generation_s": sum(user.generation_s for user in users) / (T * N),
        "mean_loading_s": sum(user.loading_s for user in users) / (T * N),
        "mean_tv": sum(user.tv for user in users) / (T * N),
        "low_step_hit_share": sum(user.low for user in users) / hits if hits else math.nan,
    }


def excesses(instance: Instance, solution: Solution) -> dict[tuple[str, int], float]:
    """Return each broken constraint and slot with its excess, the limits taken word for word."""
    broken: dict[tuple[str, int], float] = {}
    for t in range(instance.slot_count):
        cached, bandwidth, steps = (
            [float(x) for x in array[t]]
            for array in (solution.cache, solution.bandwidth_share, solution.step_share)
        )
        stored = sum(c * size for c, size in zip(cached, instance.models.size_gb.tolist(), strict=True))
        found = {
            "storage": stored / instance.server.storage_gb - 1,
            "bandwidth": sum(bandwidth) - 1,
            "steps": sum(steps) - 1,
            "range": max(max(-share, share - 1) for share in bandwidth + steps),
            "unserved": float(sum(share <= 0 for share in bandwidth)),
            "frame": float(sum(solution.cache[t] != solution.cache[t - t % instance.rules.frame_slots])),
            "quality": _lacking(instance, solution, t),
        }
        for name, excess in found.items():
            if excess > (1e-9 if name in ("storage", "bandwidth", "steps", "quality") else 0):
                broken[name, t] = excess
    return broken


def _lacking(instance: Instance, solution: Solution, t: int) -> float:
    """Return the largest part of the steps it must have that a hit of slot `t` lacks."""
    worst = 0.0
    for n, m in enumerate(instance.trace.requested_model[t].tolist()):
        if solution.cache[t, m] and instance.rules.steps_floor > 0:
            A1, A3 = float(instance.models.steps_onset[m]), float(instance.models.steps_saturation[m])
            least = A1 + instance.rules.steps_floor * (A3 - A1)
            worst = max(worst, 1 - float(solution.step_share[t, n]) * instance.server.steps / least)
    return worst
