# Nothing is asked for but python >= 3.11 with venv, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
REFERENCE := decomposition relaxation genetic ddpg popular-first cloud-only random-allocation

.PHONY: bench test lint pages docs benchmark training-figure variants faults mutants suites-table clean

# Run the smoke suite with every reference solver and show the leaderboard table.
bench: $(INSTALLED)
	$(BIN)/mincache run smoke-v1 $(REFERENCE:%=--solver %) --seeds 3 --time-limit 60 -o results/smoke
	$(BIN)/mincache leaderboard results/smoke

test: $(INSTALLED) lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The parts of the pages that are generated from the code, written anew.
pages: $(INSTALLED)
	PYTHONPATH=tests $(BIN)/python tests/docs/test_pages.py

# The documentation's site; a warning is an error.
docs: $(INSTALLED)
	$(BIN)/sphinx-build -q -W --keep-going -b html docs build/docs

# Ratios of times, each measured in one run; not part of the tests.
benchmark: $(INSTALLED)
	$(BIN)/pytest -o addopts= -s tests/benchmarks --benchmark-only --benchmark-columns=min,median,rounds

# The learning curves of docs/learner.md, measured again; over ten minutes.
training-figure: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python docs/figures/training.py

# What decisions are worth in the standard suites, for docs/suites.md; a minute or two.
suites-table: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python docs/figures/suites.py

# The tables of learners in docs/learner.md: what docs/figures/variants.json lacks is trained; half an hour of one core for all.
variants: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python docs/figures/variants.py 2

# The whole fault campaign: every fault, 200 kills, overshoot of the limits. Minutes, not part of the tests.
faults: $(INSTALLED)
	MINCACHE_WHOLE=1 MINCACHE_KILLS=200 $(BIN)/pytest tests/bench/test_faults.py tests/bench/test_kills.py \
	    tests/bench/test_overshoot.py tests/bench/test_journal.py

# Mutation test of what published numbers rest on, MUTANTS of each module; about five minutes. Not part of the tests.
MUTANTS ?= 8
SEED ?= 1
mutants: $(INSTALLED)
	$(BIN)/python tests/mutants.py --mutants $(MUTANTS) --seed $(SEED)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(INSTALLED)

clean:
	rm -rf $(VENV) build dist results *.egg-info .mypy_cache .ruff_cache .pytest_cache
