# Nothing is asked for but python >= 3.11 with venv, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Where torch comes from: the index of CPU builds. Where it cannot be reached, or has none, pip's own index serves torch.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
PIP := $(BIN)/python -m pip --disable-pip-version-check
# The environment is of one Python: its stamps carry the version, and another Python makes it anew.
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null)
RUNS := $(VENV)/.runs-$(VERSION)
TESTS := $(VENV)/.tests-$(VERSION)
# Else each process, and each worker of the tests, would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE
REFERENCE := decomposition set-policy relaxation ddpg genetic popular-first cloud-only random-allocation

.PHONY: bench install test lint run-tests pages docs benchmark training-figure variants faults mutants checkers rank-study properties \
    causal-references comparison-table open-v2 paper-v2-rows ladder-rows frames-rows genetic-rows suites-table online-table online-learners heuristics-table certificates-table diverse-candidates \
    resolve release-check clean

# Run the smoke suite with every reference solver and show the leaderboard table.
bench: $(RUNS)
	$(BIN)/mincache run smoke-v1 $(REFERENCE:%=--solver %) --seeds 10 --time-limit 60 -o results/smoke
	$(BIN)/mincache leaderboard results/smoke

# Side by side: mypy takes a minute of one core.
test: $(TESTS)
	@$(MAKE) --no-print-directory -j 2 lint run-tests

run-tests: $(TESTS)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile

lint: $(TESTS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The parts of the pages that are generated from the code, written anew.
pages: $(TESTS)
	PYTHONPATH=tests $(BIN)/python tests/docs/test_pages.py
	PYTHONPATH=tests $(BIN)/python tests/docs/test_readme.py

# The documentation's site; a warning is an error.
docs: $(TESTS)
	$(BIN)/sphinx-build -q -W --keep-going -b html docs build/docs

# Ratios of times, each measured in one run; not part of the tests.
benchmark: $(TESTS)
	$(BIN)/pytest -o addopts= -s tests/benchmarks --benchmark-only --benchmark-columns=min,median,rounds

# The learning curves of docs/learner.md, measured again; over ten minutes.
training-figure: $(TESTS)
	OMP_NUM_THREADS=1 $(BIN)/python docs/figures/training.py

# What decisions are worth in the standard suites, and a map of their instances, for docs/suites.md; three minutes.
suites-table: $(TESTS)
	OMP_NUM_THREADS=1 $(BIN)/python docs/figures/suites.py

# What online policies reach against the exact references, for docs/online.md; a quarter of an hour.
online-table: $(TESTS)
	OMP_NUM_THREADS=1 $(BIN)/python docs/figures/online.py

# What agents that learn from histories reach on online-v1, for docs/online.md; an hour of one core.
online-learners: $(TESTS)
	OMP_NUM_THREADS=1 $(BIN)/python docs/figures/online_learners.py

# How near the greedy and the local search come on every standard suite, for docs/suites.md; ten minutes.
heuristics-table: $(TESTS)
	OMP_NUM_THREADS=1 $(BIN)/python docs/figures/heuristics.py

# How long certificates of every standard suite take and how large they are, for docs/decomposition.md; ten minutes.
certificates-table: $(TESTS)
	OMP_NUM_THREADS=1 $(BIN)/python docs/figures/certificates.py $(SUITES)

# The tables of learners in docs/learner.md: what docs/figures/variants.json lacks is trained; half an hour of one core for all.
variants: $(TESTS)
	OMP_NUM_THREADS=1 $(BIN)/python docs/figures/variants.py 2

# The whole fault campaign: every fault, 200 kills, overshoot of the limits. Minutes, not part of the tests.
faults: $(TESTS)
	MINCACHE_WHOLE=1 MINCACHE_KILLS=200 $(BIN)/pytest tests/bench/test_faults.py tests/bench/test_kills.py \
	    tests/bench/test_overshoot.py tests/judging/test_journal.py

# The properties of the exact method, models, proofs and documents on all their examples; the tests try some of them. Minutes.
properties: $(TESTS)
	OMP_NUM_THREADS=1 MINCACHE_WHOLE=1 $(BIN)/pytest -n auto --dist loadfile tests/exact tests/algebra tests/certificate \
	    tests/problem tests/files

# The rows of paper-v2 that take long. What is there already is not made again: interrupted, it goes on where it stopped.
V2 := results/paper-v2
paper-v2-rows: $(TESTS)
	@echo "Of one core: 180 trainings of ddpg take two hours, three of its variant sets four minutes, 600 runs of genetic a quarter of an hour."
	for seed in 1 2 3; do for users in 10 14 18; do for library in $$(seq 0 19); do \
	    policy=$(V2)/policies/l$$library.n$$users.s$$seed.safetensors; test -e $$policy || OMP_NUM_THREADS=1 $(BIN)/mincache \
	        train ddpg --suite paper-v2 --users $$users --library $$library --seed $$seed --float16 -o $$policy || exit 1; done; done; done
	for seed in 1 2 3; do policy=$(V2)/sets-policies/sets.s$$seed.safetensors; test -e $$policy || OMP_NUM_THREADS=1 \
	    $(BIN)/mincache train "ddpg[variant=sets]" --suite paper-v2 --seed $$seed -o $$policy || exit 1; done
	$(BIN)/mincache run paper-v2 --solver "ddpg[policy=$(V2)/policies]" --solver "ddpg[variant=sets,policy=$(V2)/sets-policies]" \
	    --time-limit 60 --workers 1 -o $(V2)/ddpg
	$(BIN)/mincache run paper-v2 --solver genetic --seeds 10 --time-limit 60 --workers 1 -o $(V2)/genetic

# The rows of ladder-v1, of SOLVERS if some are named, and its table and picture in docs/learner.md. What is there already is
# not made again.
ladder-rows: $(TESTS)
	@echo "Of one core: 126 trainings take an hour and a half, 384 runs of solvers some minutes."
	OMP_NUM_THREADS=1 $(BIN)/python docs/figures/ladder.py $(SOLVERS)

# The row of t2drl on frames-v1, for which it is made. What is there already is not made again.
FRAMES := results/frames-v1
frames-rows: $(TESTS)
	@echo "Of one core: 18 trainings of t2drl take half an hour, 36 runs of it a minute."
	for seed in 1 2 3; do for users in 10 14 18; do for library in 0 1; do \
	    policy=$(FRAMES)/policies/t2drl/l$$library.n$$users.s$$seed.safetensors; test -e $$policy || OMP_NUM_THREADS=1 $(BIN)/mincache \
	        train t2drl --suite frames-v1 --users $$users --library $$library --seed $$seed --float16 -o $$policy || exit 1; done; done; done
	$(BIN)/mincache run frames-v1 --solver "t2drl[policy=$(FRAMES)/policies/t2drl]" --time-limit 60 --workers 1 -o $(FRAMES)/t2drl

# The rows of both repairs of genetic, and entries of them; interrupted, it goes on where it stopped.
GENETIC_SUITES ?= loading-v1 scarce-v1 frames-v1 floor-v1 paper-v1
genetic-rows: $(TESTS)
	for suite in $(GENETIC_SUITES); do $(BIN)/mincache run $$suite --solver genetic --solver "genetic[repair=priority-serve]" \
	    --seeds 10 --time-limit 60 --workers 1 -o results/genetic/$$suite && $(BIN)/mincache leaderboard publish \
	    results/genetic/$$suite --author "The mincache authors" --replace -o leaderboard || exit 1; done

# Both checkers of certificates, in Python and in C++, on every certificate that ships and on 1,000 changed ones; minutes.
checkers: $(TESTS)
	OMP_NUM_THREADS=1 $(BIN)/python tests/checkers.py

# The candidates that diverse-v1 is chosen from, drawn and measured: 3,100 instances, four minutes of one core.
diverse-candidates: $(TESTS)
	OMP_NUM_THREADS=1 $(BIN)/python docs/figures/candidates.py results/diverse-candidates 1

# The exact method against SCIP and HiGHS to the same gap, for docs/decomposition.md; LIMIT seconds a solver and instance.
LIMIT ?= 60
comparison-table: $(TESTS)
	OMP_NUM_THREADS=1 $(BIN)/python docs/figures/comparison.py $(LIMIT)

# Candidates for a suite that the exact method does not close, each tried for twenty minutes; hours.
open-v2: $(RUNS)
	$(BIN)/mincache generate docs/figures/open_v2.toml --users 90,120 --libraries 2 --traces 1 --seed 36 -o results/open-v2
	$(BIN)/mincache instances reference results/open-v2 --time-limit 1200
	$(BIN)/mincache instances bounty results/open-v2

# What the best policy that sees the past alone costs on the online suites; half a minute.
causal-references: $(TESTS)
	OMP_NUM_THREADS=1 $(BIN)/python docs/figures/causal.py

# How often ranges of ranks hold, by simulation: the tables of docs/leaderboard.md; some minutes.
rank-study: $(TESTS)
	OMP_NUM_THREADS=1 PYTHONPATH=tests $(BIN)/python tests/rank_study.py

# Mutation test of what published numbers rest on, MUTANTS of each module; about five minutes. Not part of the tests.
MUTANTS ?= 8
SEED ?= 1
mutants: $(TESTS)
	$(BIN)/python tests/mutants.py --mutants $(MUTANTS) --seed $(SEED)

# Everything that tests, documentation and training need; EXTRAS=dev,outside adds the libraries of others that tests try.
EXTRAS ?= dev
install: $(TESTS)

$(RUNS): pyproject.toml constraints.txt
	@$(USABLE)
	@echo "Installing mincache with pyomo, HiGHS, SCIP, pymoo and altair into $(VENV): about 640 MB, one to three minutes."
	@test -x $(BIN)/python && test -e $(RUNS) || $(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install -c constraints.txt -e '.[pyomo,genetic,plots]' || $(UNDO)
	@touch $@

$(TESTS): $(RUNS)
	@echo "Installing torch, the linters, the documentation's tools and a browser's driver: 1.5 GB more, some minutes."
	@$(PIP) install -c constraints.txt --no-deps --index-url $(TORCH_INDEX) --retries 0 --timeout 15 torch \
	    || echo "$(TORCH_INDEX) serves no torch here; pip's own index is asked instead."
	@$(PIP) install -c constraints.txt -e '.[$(EXTRAS)]' || $(UNDO)
	@touch $@

# In plain words, and before anything is made: what is wrong with this Python, and what to type instead.
define USABLE
if [ -z "$(VERSION)" ]; then \
    echo "error: $(PYTHON) is not there; install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3" >&2; exit 2; fi; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
    echo "error: mincache needs Python 3.11 or newer; $(PYTHON) is $(VERSION); try: make PYTHON=python3.12" >&2; exit 2; }; \
$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
    echo "error: $(PYTHON) has no venv; install it (Debian: apt install python3-venv) or name another: make PYTHON=python3.12" >&2; exit 2; }
endef
UNDO = { rm -rf $(VENV); echo "error: the installation failed and $(VENV) was removed; pip's reason stands above" >&2; exit 1; }

# The pinned versions fit every Python that is supported, from its first patch.
resolve: $(TESTS)
	for version in 3.11.0 3.12 3.13 3.14; do \
	    $(BIN)/uv pip compile --quiet --all-extras --python-version $$version -c constraints.txt pyproject.toml -o build/resolved-$$version.txt \
	        || exit 1; echo "constraints.txt resolves on Python $$version"; done

# A release as its users get it: wheel and source distribution, built, installed and tested.
release-check: $(TESTS)
	$(BIN)/python tests/release.py

clean:
	rm -rf $(VENV) build dist results *.egg-info .mypy_cache .ruff_cache .pytest_cache
