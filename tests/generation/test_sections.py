"""The processes that a scenario's sections can hold."""

import pytest

from mincache.errors import InputError
from mincache.files.tables import validated
from mincache.generation import sections
from mincache.generation.scenario import Scenario


def test_every_process_is_called_what_it_is_listed_as():
    """The name in a scenario's file is the name that the process writes."""
    for section in ("requests", "positions", "channel", "user", "models"):
        for name, kind in sections.processes(section).items():
            assert kind.model_fields["process"].default == name


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A distribution whose processes draw the requests `always`, and fail in several ways."""
    (tmp_path / "always.py").write_text(
        "from typing import Literal\n"
        "import numpy as np\n"
        "from mincache.generation.process import Process\n"
        "class Always(Process):\n"
        "    process: Literal['always', 'short'] = 'always'\n"
        "    model: int = 0\n"
        "    def draw(self, shape, uniforms, given):\n"
        "        drawn = uniforms('always', shape.slots, shape.users)\n"
        "        requested = np.full(drawn.shape, self.model)\n"
        "        return {'skewness': np.zeros(drawn.shape[:2]), 'requested_model': requested}\n"
        "class Short(Always):\n"
        "    def draw(self, shape, uniforms, given):\n"
        "        return {k: v[:, 1:] for k, v in super().draw(shape, uniforms, given).items()}\n"
        "class Failing(Process):\n"
        "    def draw(self, shape, uniforms, given):\n"
        "        raise RuntimeError('no data')\n"
        "class Silent(Process):\n"
        "    def draw(self, shape, uniforms, given):\n"
        "        return {}\n"
        "class Unreal(Always):\n"
        "    process: str\n"
        "    def draw(self, shape, uniforms, given):\n"
        "        return {k: v * 1j for k, v in super().draw(shape, uniforms, given).items()}\n"
        "class Unchecked(Unreal):\n"
        "    def check(self, shape):\n"
        "        raise RuntimeError('no check')\n"
        "class Uncounted(Unreal):\n"
        "    def trace_count(self, shape):\n"
        "        raise SystemExit('no count')\n"
        "class Untraced(Unreal):\n"
        "    def check_traces(self, shape, count):\n"
        "        raise RuntimeError('no traces')\n"
        "class Unpopular(Unreal):\n"
        "    def popularity(self, shape):\n"
        "        return 3\n"
    )
    (tmp_path / "leaving.py").write_text("raise SystemExit('gone')\n")
    metadata = tmp_path / "always-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: always\nVersion: 1.0\n")
    names = {"always": "Always", "short": "Short", "failing": "Failing", "silent": "Silent", "none": "None_",
             "other": "np", "unreal": "Unreal", "unchecked": "Unchecked", "uncounted": "Uncounted",
             "untraced": "Untraced", "unpopular": "Unpopular"}  # fmt: skip
    points = "".join(f"requests.{name} = always:{value}\n" for name, value in names.items())
    points += "requests.leaving = leaving:Always\n"
    (metadata / "entry_points.txt").write_text(f"[mincache.processes]\n{points}")
    monkeypatch.syspath_prepend(str(tmp_path))


def test_packages_add_processes(package):
    """An entry point `requests.always` gives scenarios that process, whatever becomes of the others."""
    scenario = validated(Scenario, {"requests": {"process": "always", "model": 3}})
    assert (scenario.trace(1, "trace").requested_model == 3).all()
    assert validated(Scenario, scenario.model_dump(mode="json", exclude_none=True)) == scenario
    assert scenario.sections["requests"].origin == {"process": "always", "version": "1"}


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("failing", "requests: must be drawn by the process 'failing'; received RuntimeError: no data"),
        ("silent", "requests: must be drawn by the process 'silent'; received KeyError: 'skewness'"),
        ("unreal", "requests: skewness: must be an array of numbers; received an array of complex128"),
        ("unchecked", "requests: must be drawn by the process 'unchecked'; received RuntimeError: no check"),
        ("uncounted", "requests: must be drawn by the process 'uncounted'; received SystemExit: no count"),
        ("untraced", "requests: must be drawn by the process 'untraced'; received RuntimeError: no traces"),
        ("unpopular", "requests: must be drawn by the process 'unpopular'; received TypeError"),
        ("short", r"requests: skewness: must have shape \[1, 50\], .* received \[1, 49\]"),
        ("none", "requests.process: must be one that loads, as 'none' does not; received AttributeError"),
        ("other", "requests.process: must be one that loads, as 'other' does not; received"),
        (
            "leaving",
            "requests.process: must be one that loads, as 'leaving' does not; received SystemExit: gone",
        ),
        ("alway", "did you mean 'always'"),
        ("xyz", "if a package brings it, install that package"),
    ],
)
def test_a_process_that_fails_is_refused_in_a_line(package, name, line):
    """What goes wrong in a package's process is told with the section and the process."""

    def use():
        scenario = validated(Scenario, {"requests": {"process": name}})
        return scenario.popularity(), scenario.check_traces(1), scenario.trace(1, "trace")

    with pytest.raises(InputError, match=line):
        use()
