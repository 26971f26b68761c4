import gzip
import hashlib
import json
import lzma
import tracemalloc
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincache.board.entries import (
    SHARED_FILE,
    SOLUTIONS_FILE,
    Entry,
    Manifest,
)
from mincache.board.packs import Pack, read_pack, write_pack
from mincache.errors import DocumentError
from mincache.files.documents import MAX_BYTES

PACKINGS = {".gz": partial(gzip.compress, mtime=0), ".xz": partial(lzma.compress, preset=0)}
every_packing = pytest.mark.parametrize("suffix", PACKINGS)
lines = st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"") + b"\n"), max_size=5)


@every_packing
@given(content=lines)
def test_what_is_packed_is_read(tmp_path_factory, suffix, content):
    """The lines come back as they were, and the same lines are the same bytes."""
    path = tmp_path_factory.mktemp("pack") / f"pack.jsonl{suffix}"
    pack = write_pack(path, content)
    first = path.read_bytes()
    assert list(read_pack(path, pack)) == content
    assert write_pack(path, content) == pack
    assert path.read_bytes() == first


slots = st.lists(
    st.one_of(st.integers(0, 1), st.floats(0, 1), st.lists(st.floats(0, 1), max_size=2)), max_size=3
)
names = st.sampled_from(["a", "b"])
documents = st.fixed_dictionaries({"instance": names}, optional={"cache": slots, "steps": slots})


def as_lines(content):
    """Return documents as the lines of a pack."""
    return [json.dumps(one, separators=(",", ":")).encode() + b"\n" for one in content]


@given(content=st.lists(documents, max_size=4), shared=st.lists(documents, max_size=2))
def test_what_leaves_out_shared_slots_is_read(tmp_path_factory, content, shared):
    """Lines that leave out slots of shared solutions come back to the byte, whatever stands in a slot."""
    folder = tmp_path_factory.mktemp("suite")
    write_pack(folder / SHARED_FILE, as_lines(shared))
    (folder / "entry").mkdir()
    pack = write_pack(folder / "entry" / SOLUTIONS_FILE, as_lines(content), folder / SHARED_FILE)
    manifest = Manifest(suite="s", solver="s", records=pack, solutions=pack)
    assert list(Entry(folder / "entry", manifest, {}).solutions()) == as_lines(content)


def test_shared_slots_are_stored_once(tmp_path):
    """What is shared takes few bytes, and is refused without its file; what is not needs no such file."""
    rng = np.random.default_rng(1)
    lines = as_lines([{"instance": "a", "cache": rng.random((50, 20)).tolist()}])
    write_pack(tmp_path / SHARED_FILE, lines)
    (tmp_path / "entry").mkdir()
    path = tmp_path / "entry" / SOLUTIONS_FILE
    pack = write_pack(path, lines, tmp_path / SHARED_FILE)
    assert path.stat().st_size < 200 < 5000 < (tmp_path / SHARED_FILE).stat().st_size
    assert pack.sha256 == hashlib.sha256(lines[0]).hexdigest()
    other = write_pack(
        tmp_path / "entry" / "other.jsonl.xz", as_lines([{"instance": "b"}]), tmp_path / SHARED_FILE
    )
    assert (other.shared is None, pack.shared is None) == (True, False)
    entry = Entry(tmp_path / "entry", Manifest(suite="s", solver="s", records=pack, solutions=pack), {})
    write_pack(tmp_path / SHARED_FILE, as_lines([{"instance": "a", "cache": rng.random((50, 20)).tolist()}]))
    with pytest.raises(DocumentError, match=r"shared\.jsonl\.xz: sha256: must be"):
        list(entry.solutions())
    (tmp_path / SHARED_FILE).unlink()
    with pytest.raises(DocumentError, match=r"shared\.jsonl\.xz: file: must be readable"):
        list(entry.solutions())


def test_numbers_that_round_otherwise_take_few_bytes(tmp_path):
    """Of slots whose numbers are a few floats from the shared ones, these few are stored; they come back."""
    shares = np.random.default_rng(1).random((50, 20))
    near = np.nextafter(np.nextafter(shares, 1), 1)
    lines = as_lines([{"instance": "a", "bandwidth_share": near.tolist()}])
    shared = tmp_path / SHARED_FILE
    write_pack(shared, as_lines([{"instance": "a", "bandwidth_share": shares.tolist()}]))
    pack = write_pack(tmp_path / SOLUTIONS_FILE, lines, shared)
    assert 20 * (tmp_path / SOLUTIONS_FILE).stat().st_size < shared.stat().st_size
    assert list(read_pack(tmp_path / SOLUTIONS_FILE, pack, shared)) == lines


@pytest.mark.parametrize(
    "apart", [[1], [1, 2, 3], ["x", 1], [0.5, 1], [1 << 70, 1], None, {}, [[1], [2]], "12", [True, None]]
)
def test_differences_that_nobody_writes_are_refused(tmp_path, apart):
    """Whatever stands in place of a slot's differences, the pack is refused by its hash."""
    shared, brief = tmp_path / SHARED_FILE, tmp_path / SOLUTIONS_FILE
    base = write_pack(shared, as_lines([{"instance": "a", "bandwidth_share": [[0.25, 0.5]]}]))
    lie = {"instance": "a", "bandwidth_share": [{"floats_apart": apart}]}
    brief.write_bytes(lzma.compress(b"~" + as_lines([lie])[0]))
    with pytest.raises(DocumentError, match="sha256: must be"):
        list(read_pack(brief, Pack(sha256="0" * 64, lines=1, shared=base), shared))


def test_differences_take_no_more_memory_than_they_say(tmp_path):
    """Lists within the differences, which numpy would spread over the whole slot, are not read."""
    shared, brief = tmp_path / SHARED_FILE, tmp_path / SOLUTIONS_FILE
    base = write_pack(shared, as_lines([{"instance": "a", "bandwidth_share": [[0.5] * 3000]}]))
    lie = {"instance": "a", "bandwidth_share": [{"floats_apart": [[1]] * 3000}]}
    brief.write_bytes(lzma.compress(b"~" + as_lines([lie])[0]))
    tracemalloc.start()
    with pytest.raises(DocumentError, match="sha256: must be"):
        list(read_pack(brief, Pack(sha256="0" * 64, lines=1, shared=base), shared))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


@every_packing
def test_the_hash_is_of_the_content(tmp_path, suffix):
    """Another compression of the same lines is the same pack; other lines are not."""
    path = tmp_path / f"pack.jsonl{suffix}"
    pack = write_pack(path, [b"1\n", b"2\n"])
    path.write_bytes(PACKINGS[suffix](b"1\n2\n"))
    assert list(read_pack(path, pack)) == [b"1\n", b"2\n"]
    path.write_bytes(PACKINGS[suffix](b"1\n3\n"))
    with pytest.raises(DocumentError, match="sha256: must be"):
        list(read_pack(path, pack))
    write_pack(path, [b"1\n", b"2\n"])
    with pytest.raises(DocumentError, match="lines: must be 3"):
        list(read_pack(path, Pack(sha256=pack.sha256, lines=3)))


@every_packing
def test_a_damaged_pack_is_refused_in_words(tmp_path, suffix):
    """An empty, foreign, flipped or cut-off file is refused in one line with its path."""
    path = tmp_path / f"pack.jsonl{suffix}"
    whole = PACKINGS[suffix](b"1\n" * 100)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0x55
    for damage in (b"", b"foreign", lzma.compress(b"1\n", lzma.FORMAT_ALONE), flipped, whole[:-4], whole[:9]):
        path.write_bytes(damage)
        with pytest.raises(DocumentError, match=rf"pack\.jsonl\{suffix}: file: must be (gzip|xz)") as caught:
            list(read_pack(path, Pack(sha256="0" * 64, lines=1)))
        assert str(caught.value).isprintable()


def test_a_missing_pack_is_refused(tmp_path):
    """A pack that is not there is named."""
    with pytest.raises(DocumentError, match="No such file"):
        list(read_pack(tmp_path / "pack.jsonl.gz", Pack(sha256="0" * 64, lines=1)))


@every_packing
def test_one_member_alone_is_read(tmp_path, suffix):
    """A pack with members after the first is refused: a million empty ones would take seconds."""
    path, pack = tmp_path / f"a.jsonl{suffix}", PACKINGS[suffix]
    for more in (pack(b"") * 100_000, b"rubbish", bytes(4)):
        path.write_bytes(pack(b"1\n") + more)
        with pytest.raises(DocumentError, match=r"file: must hold one (gzip|xz) member"):
            list(read_pack(path, Pack(sha256="0" * 64, lines=1)))


@every_packing
def test_a_bomb_is_refused(tmp_path, suffix):
    """A small pack of one line that is larger than any document is refused."""
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(PACKINGS[suffix](bytes(MAX_BYTES + 1)))
    assert path.stat().st_size < 100_000
    with pytest.raises(DocumentError, match="pack: must hold at most"):
        list(read_pack(path, Pack(sha256="0" * 64, lines=1)))


def test_a_window_of_gigabytes_is_refused(tmp_path):
    """Of a file of a few bytes that asks for a gigabyte to be unpacked in, nothing is unpacked."""
    path = tmp_path / "a.jsonl.xz"
    wide = {"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30, "mf": lzma.MF_HC3}
    path.write_bytes(lzma.compress(b"1\n", filters=[wide]))
    with pytest.raises(DocumentError, match="file: must be xz"):
        list(read_pack(path, Pack(sha256="0" * 64, lines=1)))
