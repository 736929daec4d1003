# `make quick` is a first look, `make repro` runs the pipeline, `make test` tests it. Each installs what it needs first,
# once.
VENV := .venv
# Recipes name it relatively, and take other paths from the environment, since folders may have spaces and quotes in
# their names.
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The first that runs: the environment's own, else the oldest, with which the committed results were made. -E: $(shell)
# knows nothing of the unexport below.
FOUND := $(shell for each in $(BIN)/python python3.11 python3.12 python3.13; do \
	"$$each" -E -c "" 2> /dev/null && { echo "$$each"; exit; }; done; echo python3)
PYTHON ?= $(FOUND)
# Where to look for torch besides PyPI. PyPI's for Linux brings CUDA's libraries, a download of 2.7 GB that only an NVIDIA
# GPU can use, so without one it is the CPU build, of 0.2 GB. TORCH_INDEX= (empty): PyPI's.
TORCH_INDEX ?= $(shell [ "$$(uname)" != Linux ] || command -v nvidia-smi > /dev/null \
	|| echo https://download.pytorch.org/whl/cpu)
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHON TORCH_INDEX
# With them, the environment's Python would not find the project in its own folder, or not even itself.
unexport PYTHONSAFEPATH PYTHONHOME

# Also under -j, `make clean repro` deletes first. The make of the stages (tools/repro.py) is another, and parallel.
.NOTPARALLEL:
.PHONY: setup help quick repro studies app chat test test-slow test-faults check deps bench clean

setup: $(STAMP)  ## install into .venv, once (the others do this first where they need it)

# Each target with the words after its ##.
help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

# Not quiet: a first installation takes minutes, and pip shows how far it is.
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Says of what Python an environment is.
BASE := -c 'import sys; print(sys.base_prefix, sys.version)'

# What was installed does not count where the environment's Python does not run, as when its base has been removed.
ifneq ($(FOUND),$(BIN)/python)
  .PHONY: $(STAMP)
endif

$(STAMP): requirements.lock pyproject.toml
	@"$$PYTHON" -c 'import sys; v = sys.version.split()[0]; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Python 3.11, 3.12 or 3.13 is needed, and " + sys.executable + " is " + v + ". Get one from your system (python3.11 and python3.11-venv) or by one of: uv python install 3.11; pyenv install 3.11; conda create -n python311 python=3.11. Then: make PYTHON=/path/to/python3.11 ...")'
# One of another Python would keep that, and its packages.
	"$$PYTHON" -m venv $$([ "$$($(BIN)/python $(BASE) 2> /dev/null)" = "$$("$$PYTHON" $(BASE))" ] || echo --clear) $(VENV)
	[ -z "$$TORCH_INDEX" ] || $(PIP) install --no-deps --extra-index-url "$$TORCH_INDEX" "$$(grep ^torch== requirements.lock)"
	$(PIP) install --no-deps --requirement requirements.lock
# What the lock leaves out: the CUDA libraries of the torch that is installed, if it needs any.
	$(PIP) install --constraint requirements.lock torch
# By the setuptools of the lock: pip would download another for the build, also once all is installed.
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $(STAMP)

# As many stages at once as there are cores, and as fit into memory; JOBS=1: `dvc repro`, once something has changed.
JOBS ?=
AT_ONCE = $(if $(JOBS),--jobs $(JOBS))
SIDE_BY_SIDE = $(BIN)/python -m tools.repro $(AT_ONCE)

# As many test workers as there are cores, and as fit into memory.
WORKERS = $(or $(JOBS),$(shell $(BIN)/python -m tools.cores))

# SET: options for other parameters, such as SET="-S 'cobert.domains=[all]' -S seed=14".
SET ?=

quick: setup  ## run every stage once, small, in quick/; SET="-S key=value": other parameters
	$(BIN)/python -m tools.quick $(AT_ONCE) $(SET)

repro: setup  ## run the whole pipeline; JOBS=n: n stages at once
	$(SIDE_BY_SIDE) dvc.yaml

# Beside the main job: other ways to match, the persona ablation, transfer between domains, retrieval from a bank.
studies: setup  ## run the further experiments, after `make repro`
	$(SIDE_BY_SIDE) studies/dvc.yaml

# After `repro`: the page on which every system can be talked to, and the same in a terminal. ROOT=quick: after `quick`.
export ROOT ?= .

app: setup  ## serve the chat page at http://127.0.0.1:7860; ROOT=quick: after `make quick`
	$(BIN)/python app.py --root "$$ROOT"

chat: setup  ## talk to the systems in the terminal; ROOT=quick: after `make quick`
	$(BIN)/python -m attune.chat $(if $(filter-out .,$(ROOT)),--root "$$ROOT")

# One worker per core, each on one thread. A file's tests stay together, since they share what is trained for them once,
# and the files keep the order that tests/conftest.py gives them.
test: setup  ## run the fast tests, one worker per core; JOBS=n: n workers
	OMP_WAIT_POLICY=PASSIVE OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" --numprocesses $(WORKERS) \
		--dist loadfile --no-loadscope-reorder

test-slow: setup  ## run the slow tests
	$(BIN)/python -m pytest -m slow

# The fast ones are also part of `test`.
test-faults: setup  ## inject every fault and print a table of the outcomes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m fault --numprocesses $(WORKERS) --dist loadfile

check: setup  ## lint, check the format and the types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

deps: setup  ## update the code dependencies in both dvc.yaml files after imports have changed
	$(BIN)/python -m tools.deps

# After `repro`, on a quiet machine: the benchmarks beside reference implementations, their figures, and the tables of the two pages.
bench: setup  ## run the benchmarks beside reference implementations (half an hour, quiet machine)
	$(BIN)/python -m benchmarks

# In data/ and models/ only what stages write: your own files there stay.
OUTPUTS = $(addprefix data/,evaluation index oracle_passages origins params_checked.txt passages persona_passages \
	processed raw recipes subset) $(addprefix models/,base cobert compared generators personas seeds)

# metrics/, plots/, runs/, .venv, DVC's cache and your own files stay.
clean:  ## delete the stages' data and models, quick/, checkpoints; metrics/ and plots/ stay
	rm -rf $(OUTPUTS) quick .checkpoints .pytest_cache .mypy_cache .ruff_cache .hypothesis
