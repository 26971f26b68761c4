"""The processes that a scenario's sections can hold."""

from mincache.files.tables import validated
from mincache.generation import sections
from mincache.generation.scenario import Scenario


def test_every_process_is_called_what_it_is_listed_as():
    """The name in a scenario's file is the name that the process writes."""
    for section in ("requests", "positions", "channel", "user", "models"):
        for name, kind in sections.processes(section).items():
            assert kind.model_fields["process"].default == name


def test_packages_add_processes(tmp_path, monkeypatch):
    """A distribution with an entry point `requests.always` gives scenarios that process."""
    (tmp_path / "always.py").write_text(
        "from typing import Literal\n"
        "import numpy as np\n"
        "from mincache.generation.process import Process\n"
        "class Always(Process):\n"
        "    process: Literal['always'] = 'always'\n"
        "    model: int = 0\n"
        "    def draw(self, shape, uniforms, given):\n"
        "        drawn = uniforms('always', shape.slots, shape.users)\n"
        "        requested = np.full(drawn.shape, self.model)\n"
        "        return {'skewness': np.zeros(drawn.shape[:2]), 'requested_model': requested}\n"
    )
    metadata = tmp_path / "always-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: always\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[mincache.processes]\nrequests.always = always:Always\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    scenario = validated(Scenario, {"requests": {"process": "always", "model": 3}})
    assert (scenario.trace(1, "trace").requested_model == 3).all()
    assert validated(Scenario, scenario.model_dump(mode="json", exclude_none=True)) == scenario
    assert scenario.sections["requests"].origin == {"process": "always", "version": "1"}
