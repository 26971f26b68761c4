import pytest

from mincache.errors import InputError
from mincache.files.paths import make_folder


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
