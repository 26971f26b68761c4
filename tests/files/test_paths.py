import os
from pathlib import Path

import pytest

from mincache.errors import InputError
from mincache.files.paths import folder_aside, kept_while_same, make_folder


def test_a_folder_is_made_with_those_above_it_and_may_be_there(tmp_path):
    """Making a folder twice is making it once."""
    for _ in range(2):
        make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_a_folder_that_cannot_be_is_refused_in_a_line(tmp_path):
    """A file in the way and a name that no folder can have are told with what to do."""
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/a: must be a folder to write to; .*choose another$"):
        make_folder(tmp_path / "file" / "a", "choose another")
    with pytest.raises(InputError, match="must be a folder to write to"):
        make_folder("a\0b")


def test_a_folder_aside_leaves_nothing_that_it_need_not(tmp_path):
    """Folders made for it go with it while they are empty; where it cannot be made, a line says so."""
    with folder_aside(tmp_path / "a" / "b") as aside:
        (aside / "part").touch()
    assert not (tmp_path / "a").exists()
    with folder_aside(tmp_path / "a") as aside:
        (aside / "part").touch()
        (aside / "part").rename(tmp_path / "a" / "whole")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["whole"]
    with pytest.raises(InputError, match="must be a folder to write to"), folder_aside(Path("/dev/fd")):
        pass


def test_what_was_read_is_kept_until_its_file_changes(tmp_path):
    """A file is read once for each of its contents and of what else is asked."""
    read = []

    @kept_while_same(files=4)
    def length(path, *others):
        read.append(others)
        return len(path.read_bytes())

    path = tmp_path / "file"
    path.write_bytes(b"one")
    assert [length(path), length(path), length(path, "more")] == [3, 3, 3]
    path.write_bytes(b"another")
    os.utime(path, ns=(0, 0))
    assert length(path) == 7
    assert read == [(), ("more",), ()]
