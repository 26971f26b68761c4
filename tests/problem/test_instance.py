"""The typed problem: the rules across fields, and what being frozen means."""

import copy
import dataclasses
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from strategies import instances

from mincache import Instance
from mincache.errors import InputError
from mincache.problem.instance import PARTS, check_name
from mincache.problem.quantity import quantities


@pytest.mark.parametrize("name", ["a", "paper-v1.l0.n10.t0", "0", "-", "a..b", "x" * 120, ".a"])
def test_name_accepted(name):
    """Lower-case letters, digits, dots and hyphens make a name."""
    assert check_name(name, "name") == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "...",
        "A",
        "a b",
        "a/b",
        "../a",
        "a\n",
        "\n",
        "a\0",
        "ü",
        "a_b",
        "x" * 121,
        None,
        1,
        b"a",
        ["a"],
    ],
)
def test_name_refused(name):
    """Folders, paths, control characters, other scripts and other types are no names."""
    with pytest.raises(InputError, match="use lower-case letters") as caught:
        check_name(name, "name")
    assert str(caught.value).isprintable()


def changed(instance, part, **fields):
    """Return `instance` with fields of a part changed."""
    return replace(instance, **{part: replace(getattr(instance, part), **fields)})


def first(values, value):
    """Return `values` with the first entry changed."""
    twin = np.array(values, copy=True)
    twin[(0,) * twin.ndim] = value
    return twin


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -1.0])
def test_every_quantity_checks_its_range(instance, part, bad):
    """No field of the problem takes nan, infinity, or a negative number where that has no meaning."""
    for field in quantities(PARTS[part]):
        if field == "skewness" and bad == -1.0:
            continue  # a skewness may be negative
        received = getattr(getattr(instance, part), field)
        value = bad if isinstance(received, float | int) else first(received.astype(float), bad)
        with pytest.raises(InputError, match=rf"^{part}\.{field}"):
            changed(instance, part, **{field: value})


POSITIVE = [
    "server.storage_gb",
    "server.steps",
    "radio.uplink_hz",
    "radio.downlink_hz",
    "radio.noise_w_per_hz",
    "radio.bs_power_w",
    "radio.user_power_w",
    "radio.backhaul_up_bps",
    "radio.backhaul_down_bps",
    "models.size_gb",
    "models.output_bits",
    "models.steps_saturation",
    "trace.channel_gain",
    "trace.input_bits",
]


@pytest.mark.parametrize("place", POSITIVE)
def test_powers_bandwidths_rates_gains_and_sizes_are_positive(instance, place):
    """Zero is refused where the problem divides by it or would lose its meaning."""
    part, field = place.split(".")
    received = getattr(getattr(instance, part), field)
    value = 0.0 if isinstance(received, float) else first(received, 0.0)
    with pytest.raises(InputError, match=r"must be > 0; received 0\.0"):
        changed(instance, part, **{field: value})


@pytest.mark.parametrize("field", ["steps_onset", "tv_best", "seconds_per_step", "seconds_base"])
def test_what_may_be_zero(instance, field):
    """A1, A4, B1 and B2 may be zero."""
    models = changed(instance, "models", **{field: first(getattr(instance.models, field), 0.0)}).models
    assert getattr(models, field)[0] == 0.0


def test_order_of_the_quality_curve(instance):
    """A1 lies below A3, strictly, and A4 not above A2; the first model that breaks it is named."""
    models = instance.models
    with pytest.raises(InputError, match=r"^models\.steps_onset\[0\]: must be < steps_saturation"):
        changed(instance, "models", steps_onset=first(models.steps_onset, models.steps_saturation[0]))
    with pytest.raises(InputError, match=r"^models\.tv_best\[0\]: must be <= tv_worst"):
        changed(instance, "models", tv_best=first(models.tv_best, np.nextafter(models.tv_worst[0], np.inf)))
    flat = changed(instance, "models", tv_best=models.tv_worst)
    assert np.array_equal(flat.models.tv_best, flat.models.tv_worst)


@pytest.mark.parametrize(("weight", "ok"), [(0, True), (1, True), (-1e-9, False), (1 + 1e-9, False)])
def test_preference_weight_lies_in_the_unit_interval(instance, weight, ok):
    """Alpha is a share."""
    if ok:
        assert replace(instance, preference_weight=weight).preference_weight == weight
    else:
        with pytest.raises(InputError, match=r"^preference_weight: must be"):
            replace(instance, preference_weight=weight)


def test_requested_model_must_exist(instance):
    """A request for a model beyond the library is refused with its slot and user."""
    M = instance.model_count
    with pytest.raises(
        InputError, match=rf"^trace\.requested_model\[0\]\[0\]: must be < M = {M}; received {M}$"
    ):
        changed(instance, "trace", requested_model=first(instance.trace.requested_model, M))


@pytest.mark.parametrize(
    ("part", "field"),
    [("radio", "user_power_w"), ("trace", "skewness"), ("trace", "input_bits"), ("models", "tv_best")],
)
def test_axes_must_agree(instance, part, field):
    """An array with one entry too many along an axis is refused."""
    values = getattr(getattr(instance, part), field)
    with pytest.raises(InputError, match="must have shape"):
        changed(instance, part, **{field: np.concatenate([values, values[:1]])})


def test_parts_must_be_parts(instance):
    """A dictionary is no section of an instance."""
    with pytest.raises(InputError, match=r"^server: must be a Server"):
        replace(instance, server={"storage_gb": 1, "steps": 1})


@pytest.mark.parametrize("origin", ["text", 1, ["a"], [("a", 1)]])
def test_origin_must_be_an_object(instance, origin):
    """The origin is an object or nothing."""
    with pytest.raises(InputError, match=r"^origin: must be an object"):
        replace(instance, origin=origin)


def test_frozen(instance):
    """Neither a field, nor an array, nor the origin can be changed."""
    noted = replace(instance, origin={"seed": 7})
    with pytest.raises(dataclasses.FrozenInstanceError):
        noted.name = "other"
    with pytest.raises(ValueError, match="read-only"):
        noted.trace.channel_gain[0, 0] = 1.0
    with pytest.raises(TypeError):
        noted.origin["seed"] = 8


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda i: pickle.loads(pickle.dumps(i))])
def test_copies_are_equal_and_frozen_too(instance, duplicate):
    """A copy, also one from another process, is equal, and its arrays are read-only."""
    noted = replace(instance, origin={"seed": 7})
    twin = duplicate(noted)
    assert twin == noted
    assert hash(twin) == hash(noted)
    assert not twin.trace.channel_gain.flags.writeable


@given(instances())
def test_slots_together_are_the_instance(drawn: Instance):
    """The slots keep every part but the trace, and their traces in order are the trace."""
    slots = [drawn.slot(t) for t in range(drawn.slot_count)]
    assert all(slot.slot_count == 1 and slot.models == drawn.models for slot in slots)
    for field in quantities(type(drawn.trace)):
        together = np.concatenate([getattr(slot.trace, field) for slot in slots])
        assert np.array_equal(together, getattr(drawn.trace, field))


@pytest.mark.parametrize("length", [1, 2])
def test_pieces_are_the_slots_that_between_cuts(instance, length):
    """Pieces follow each other, and all but their name is what `between` returns."""
    whole = instance.between(1, 5)
    cut = [replace(whole.between(t, t + length), name=whole.name) for t in range(0, 4, length)]
    assert whole.pieces(length) == cut


def test_slot_of_a_long_name(instance):
    """A slot of an instance with the longest name has a name too."""
    assert replace(instance, name="x" * 120).slot(1).name.endswith(".slot-1")


def test_slot_must_exist(instance):
    """There is no slot T."""
    with pytest.raises(InputError):
        instance.slot(instance.slot_count)


def test_counts(instance):
    """T, N and M are the lengths of the axes."""
    assert instance.trace.channel_gain.shape == (instance.slot_count, instance.user_count)
    assert instance.models.size_gb.shape == (instance.model_count,)


def test_every_field_has_symbol_unit_and_meaning():
    """Each number of the problem carries its paper symbol, its unit and a line for readers."""
    for kind in (Instance, *PARTS.values()):
        for name, meaning in quantities(kind).items():
            assert meaning.symbol, name
            assert meaning.unit, name
            assert meaning.about, name
