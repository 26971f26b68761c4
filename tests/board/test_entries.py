import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincache.board.entries import MANIFEST_FILE, Pack, folder_name, read_entry, read_pack, write_pack
from mincache.errors import DocumentError
from mincache.problem.instance import check_name


@given(st.text(min_size=1, max_size=80))
def test_any_label_names_a_folder(label):
    """Whatever a solver is called, its folder is a plain name."""
    check_name(folder_name(label), "folder")


def test_labels_that_would_collide_do_not():
    """Labels that differ only in what a folder cannot hold get different folders."""
    names = {folder_name(label) for label in ("genetic[a=1]", "genetic(a=1)", "genetic a 1", "genetic-a-1")}
    assert len(names) == 4
    assert "genetic-a-1" in names


def test_a_manifest_with_a_slip_is_refused(tmp_path):
    """A misspelt field is named with the file it stands in."""
    (tmp_path / MANIFEST_FILE).write_text('format = "mincache-entry/1"\nsuit = "smoke-v1"\n')
    with pytest.raises(DocumentError, match=r"manifest\.toml"):
        read_entry(tmp_path)


lines = st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"") + b"\n"), max_size=5)


@given(lines)
def test_what_is_packed_is_read(tmp_path_factory, content):
    """The lines come back as they were, and the same lines are the same bytes."""
    path = tmp_path_factory.mktemp("pack") / "pack.jsonl.gz"
    pack = write_pack(path, content)
    first = path.read_bytes()
    assert list(read_pack(path, pack)) == content
    assert write_pack(path, content) == pack
    assert path.read_bytes() == first


def test_the_hash_is_of_the_content(tmp_path):
    """Another compression of the same lines is the same pack; other lines are not."""
    path = tmp_path / "pack.jsonl.gz"
    pack = write_pack(path, [b"1\n", b"2\n"])
    path.write_bytes(gzip.compress(b"1\n2\n", compresslevel=1, mtime=7))
    assert list(read_pack(path, pack)) == [b"1\n", b"2\n"]
    path.write_bytes(gzip.compress(b"1\n3\n"))
    with pytest.raises(DocumentError, match="sha256: must be"):
        list(read_pack(path, pack))
    write_pack(path, [b"1\n", b"2\n"])
    with pytest.raises(DocumentError, match="lines: must be 3"):
        list(read_pack(path, Pack(sha256=pack.sha256, lines=3)))


@pytest.mark.parametrize("damage", [b"", b"not gzip", gzip.compress(b"1\n", mtime=0)[:-4]])
def test_a_damaged_pack_is_refused_in_words(tmp_path, damage):
    """An empty, foreign or cut-off file is refused in one line with its path."""
    path = tmp_path / "pack.jsonl.gz"
    path.write_bytes(damage)
    with pytest.raises(DocumentError, match=r"pack\.jsonl\.gz: (file|sha256)"):
        list(read_pack(path, Pack(sha256="0" * 64, lines=1)))


def test_a_missing_pack_is_refused(tmp_path):
    """A pack that is not there is named."""
    with pytest.raises(DocumentError, match="No such file"):
        list(read_pack(tmp_path / "pack.jsonl.gz", Pack(sha256="0" * 64, lines=1)))


def test_one_gzip_member_alone_is_read(tmp_path):
    """A pack with members after the first is refused: a million empty ones would take seconds."""
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b"1\n") + gzip.compress(b"") * 100_000)
    with pytest.raises(DocumentError, match="file: must hold one gzip member"):
        list(read_pack(path, Pack(sha256="0" * 64, lines=1)))
