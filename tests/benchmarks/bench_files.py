"""How many seconds of processor time the worst files that the caps let through take to refuse."""

import time
from contextlib import suppress

import pytest
from files import test_documents
from files.test_tables import WORST

from mincache.errors import InputError
from mincache.files.documents import parse_json
from mincache.files.tables import read_toml
from mincache.generation.suites import SuiteFile


@pytest.mark.parametrize("kind", WORST)
def test_refusing_the_worst(benchmark, tmp_path, kind):
    """Every kind is refused; its processor time is printed, and stays below 2 s on a calm machine."""
    path = tmp_path / "suite.toml"
    path.write_text(WORST[kind])

    def refuse() -> None:
        with pytest.raises(InputError):
            read_toml(path, SuiteFile)

    begin = time.process_time()
    benchmark.pedantic(refuse, rounds=1)
    print(f"{kind}: {time.process_time() - begin:.2f} s of processor time")


@pytest.mark.parametrize("kind", test_documents.WORST)
def test_reading_the_worst(benchmark, kind):
    """Every kind of JSON document is read or refused, and its processor time is printed."""
    data = test_documents.WORST[kind]().encode()

    def read() -> None:
        with suppress(InputError):
            parse_json(data)

    begin = time.process_time()
    benchmark.pedantic(read, rounds=1)
    print(f"{kind}: {time.process_time() - begin:.2f} s of processor time")
