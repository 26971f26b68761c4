import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mincache.board.entries import MANIFEST_FILE, folder_name, read_campaigns, read_entry
from mincache.errors import DocumentError, InputError
from mincache.problem.instance import check_name


@given(st.text(min_size=1, max_size=80))
@example("a" * 300)
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


@pytest.mark.parametrize(
    ("journal", "told"), [(b"", "received none; is it still"), (b"x\n", "received damaged lines alone; see")]
)
def test_a_campaign_without_records_is_refused(journal, told, tmp_path):
    """A journal that is empty yet is told apart from one that is damaged."""
    (tmp_path / "records.jsonl").write_bytes(journal)
    with pytest.raises(InputError, match=told):
        list(read_campaigns([tmp_path]))
