"""The raw draws against an independent PCG64, and the uniforms made of them."""

import hashlib
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from mincache.generation.streams import Uniforms, as_uniforms, draw_each, generator

MASK_32, MASK_64, MASK_128 = 2**32 - 1, 2**64 - 1, 2**128 - 1
MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645


class Pcg64:
    """PCG-XSL-RR-128/64 (O'Neill 2014, HMC-CS-2014-0905) in plain integers."""

    def __init__(self, state, sequence):
        self.increment = (2 * sequence + 1) & MASK_128
        self.state = (self.increment + state) & MASK_128
        self.step()

    def step(self):
        """Advance the linear congruential generator underneath."""
        self.state = (self.state * MULTIPLIER + self.increment) & MASK_128

    def next(self):
        """Return the next 64 bits: the halves xored, rotated by the top six bits."""
        self.step()
        word, turn = (self.state >> 64) ^ (self.state & MASK_64), self.state >> 122
        return (word >> turn | word << (64 - turn)) & MASK_64


def seeded_words(entropy, count):
    """Return `count` 64-bit words that spread the integer `entropy`, as numpy documents SeedSequence."""
    words = []
    while entropy:
        words.append(entropy & MASK_32)
        entropy >>= 32
    constant = 0x43B0D7E5

    def hashed(value):
        nonlocal constant
        value ^= constant
        constant = constant * 0x931E8875 & MASK_32
        value = value * constant & MASK_32
        return value ^ value >> 16

    def mixed(x, y):
        value = (0xCA01F9DD * x - 0x4973F715 * y) & MASK_32
        return value ^ value >> 16

    pool = [hashed(words[i] if i < len(words) else 0) for i in range(4)]
    for source in range(4):
        for target in range(4):
            if source != target:
                pool[target] = mixed(pool[target], hashed(pool[source]))
    for word in words[4:]:
        for target in range(4):
            pool[target] = mixed(pool[target], hashed(word))

    constant, halves = 0x8B51F9DD, []
    for i in range(2 * count):
        value = pool[i % 4] ^ constant
        constant = constant * 0x58F38DED & MASK_32
        value = value * constant & MASK_32
        halves.append(value ^ value >> 16)
    return [low | high << 32 for low, high in zip(halves[::2], halves[1::2], strict=True)]


def reference(seed, *path):
    """Return the independent generator on the stream of this name."""
    name = "/".join(str(part) for part in (seed, *path))
    entropy = int.from_bytes(hashlib.sha256(name.encode()).digest(), "big")
    a, b, c, d = seeded_words(entropy, 4)
    return Pcg64(a << 64 | b, c << 64 | d)


def test_reference_is_pcg64():
    """The independent generator gives the values that the PCG library's own demonstration prints."""
    pcg = Pcg64(42, 54)
    assert [pcg.next() for _ in range(6)] == [
        0x86B1DA1D72062B68,
        0x1304AA46C9853D39,
        0xA3670E9E0DD50358,
        0xF9090E529A7DAE00,
        0xC85B9FD837996F2C,
        0x606121F8E3919196,
    ]


@pytest.mark.parametrize("entropy", [1, 7, 2**32, 2**63 + 5, 2**128 - 1, 2**200 + 3, 2**256 - 1])
def test_reference_seeding_is_numpys(entropy):
    """The independent seeding spreads integers of any length as numpy's SeedSequence does."""
    assert seeded_words(entropy, 4) == np.random.SeedSequence(entropy).generate_state(4, np.uint64).tolist()


@pytest.mark.parametrize("path", [(0,), (7, "library", 0), (8, "trace", 2, 18, 3, "fading"), (2**70, "ü")])
def test_uniforms_are_those_of_the_reference(path):
    """A uniform is the middle of the cell that the top 52 of 64 raw bits name, in order, row by row."""
    pcg = reference(*path)
    expected = [float(Fraction(2 * (pcg.next() >> 12) + 1, 2**53)) for _ in range(60)]
    assert Uniforms(*path).draw(60).tolist() == expected
    assert Uniforms(*path).draw(3, 4, 5).ravel().tolist() == expected


def test_solvers_get_the_same_stream():
    """A solver's Generator sits on the raw draws of the named stream."""
    pcg = reference(7, "solver", 0)
    assert generator(7, "solver", 0).bit_generator.random_raw(5).tolist() == [pcg.next() for _ in range(5)]


def test_drawing_in_pieces_is_drawing_at_once():
    """A stream goes on where the last draw ended."""
    stream = Uniforms(3, "x")
    pieces = [stream.draw(2), stream.draw(3, 1).ravel(), stream.draw(0), stream.draw(1)]
    assert np.concatenate(pieces).tolist() == Uniforms(3, "x").draw(6).tolist()


def test_the_name_alone_decides():
    """Other streams drawn before or between change nothing; another name or seed gives other numbers."""
    first = Uniforms(1, "a").draw(4)
    Uniforms(1, "b").draw(100)
    np.random.default_rng(0).random(3)
    assert Uniforms(1, "a").draw(4).tolist() == first.tolist()
    names = [(1, "b"), (2, "a"), (1, "a", 0), (1, "A"), (1,), (11, "a")]
    assert len({float(Uniforms(*name).draw(1)[0]) for name in names}) == len(names)


EXTREMES = np.array([0, 2**64 - 1, 2**12 - 1, 2**12, 2**63 - 1, 2**63], dtype=np.uint64)
"""Raw draws that no seed is known to give: all bits clear, all set, and their neighbours."""


def test_ends_are_never_drawn():
    """Whatever the raw bits, a uniform lies strictly between 0 and 1, exactly in the middle of its cell."""
    drawn = as_uniforms(EXTREMES).tolist()
    assert [Fraction(value) for value in drawn] == [
        Fraction(2 * (word >> 12) + 1, 2**53) for word in EXTREMES.tolist()
    ]
    assert all(0.0 < value < 1.0 for value in drawn)


def test_distribution():
    """A hundred thousand uniforms, of one stream or of as many streams, pass a Kolmogorov-Smirnov test."""
    one = Uniforms(5, "one").draw(100_000)
    many = [float(Uniforms(5, "many", k).draw(1)[0]) for k in range(5_000)]
    assert stats.kstest(one, "uniform").pvalue > 1e-4
    assert stats.kstest(many, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(one[:-1], one[1:])[0, 1]) < 4.5 / np.sqrt(len(one))


@pytest.mark.parametrize("count", [1, 40])
def test_streams_are_numpys_own(count):
    """However many are seeded at once, each is PCG64 seeded with its name's digest, and goes on so."""
    names = [(seed, "trace", 3) for seed in range(count)]
    drawn = [Uniforms(*name) for name in names]
    first, second = draw_each(drawn, 2, 3), draw_each(drawn, 4)
    for name, one, other in zip(names, first, second, strict=True):
        digest = hashlib.sha256("/".join(map(str, name)).encode()).digest()
        raw = np.random.PCG64(int.from_bytes(digest)).random_raw(10)
        assert (as_uniforms(raw) == [*one.ravel(), *other]).all()
