import pytest
from board_fixture import record

from mincache.board.contenders import contender
from mincache.board.protocol import PROTOCOL_FILE, Protocol, read_protocol
from mincache.errors import DocumentError
from mincache.files.documents import digest
from mincache.generation import suites


class Folder:
    """A suite as far as the protocol knows one."""

    def __init__(self, folder):
        self.folder = folder


def test_without_a_file_the_defaults_hold(tmp_path):
    """Ten seeds, ten thousand resamples, and no hash to show."""
    protocol, sha256 = read_protocol(Folder(tmp_path))
    assert (protocol.seeds, protocol.resamples, sha256) == (10, 10_000, "")
    assert read_protocol(None) == (protocol, "")


def test_the_hash_is_the_files(tmp_path):
    """A changed protocol has another hash."""
    (tmp_path / PROTOCOL_FILE).write_bytes(b"wall_s = 5.0\n")
    protocol, sha256 = read_protocol(Folder(tmp_path))
    assert protocol.wall_s == 5.0
    assert sha256 == digest(b"wall_s = 5.0\n")


def test_a_misspelt_rule_is_refused(tmp_path):
    """A rule that nobody knows is not passed over."""
    (tmp_path / PROTOCOL_FILE).write_text("wal_s = 5.0\n")
    with pytest.raises(DocumentError, match="did you mean 'wall_s'"):
        read_protocol(Folder(tmp_path))


def test_departures_are_in_words():
    """A run under another limit or with more threads is told apart."""
    protocol = Protocol(wall_s=60.0, threads=1)
    assert protocol.departures(contender(vars(record("s", "a", wall_s=60.0).cell))) == []
    assert protocol.departures(contender(vars(record("s", "a").cell))) == ["no limit instead of 60 s"]
    cell = record("s", "a", wall_s=5.0).cell.model_copy(update={"threads": 8})
    assert protocol.departures(contender(vars(cell))) == ["5 s instead of 60 s", "8 threads instead of 1"]
    assert Protocol().departures(contender(vars(cell))) == []
    counted = cell.model_copy(update={"evaluations": 100})
    assert Protocol(evaluations=100).departures(contender(vars(counted))) == []
    assert Protocol(evaluations=200).departures(contender(vars(counted))) == [
        "100 evaluations instead of 200"
    ]
    told = ["any number of evaluations instead of 200"]
    assert Protocol(evaluations=200).departures(contender(vars(cell))) == told


@pytest.mark.parametrize("name", suites.standard_names())
def test_the_protocols_that_ship_can_be_read(name):
    """Every standard suite's protocol is valid."""
    assert isinstance(read_protocol(suites.find(name))[0], Protocol)
