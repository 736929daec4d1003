# Two commands: `make repro` runs the pipeline, `make test` tests it. Each installs what it needs first, once.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
STAMP := $(VENV)/.installed
export PATH := $(BIN):$(PATH)

.PHONY: setup repro studies app chat test test-slow check deps bench clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed: make PYTHON=/path/to/python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --requirement requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --editable .
	touch $(STAMP)

# As many stages at once as there are cores, and as fit into memory; JOBS=1: plain `dvc repro`.
JOBS ?=
SIDE_BY_SIDE = python -m tools.repro $(if $(JOBS),--jobs $(JOBS))

repro: setup
	$(SIDE_BY_SIDE) dvc.yaml

# Beside the main job: other ways to match, the persona ablation, transfer between domains, retrieval from a bank.
studies: setup
	$(SIDE_BY_SIDE) studies/dvc.yaml

# After `repro`: the page on which every system can be talked to, and the same in a terminal.
app: setup
	python app.py

chat: setup
	python -m attune.chat

test: setup
	python -m pytest -m "not slow"

test-slow: setup
	python -m pytest -m slow

check: setup
	ruff check .
	ruff format --check .
	mypy

# After a change of imports: writes the code dependencies of dvc.yaml and studies/dvc.yaml.
deps: setup
	python -m tools.deps

# After `repro`, on a quiet machine: every benchmark beside its peer, their figures, and the tables of the two pages.
bench: setup
	python -m benchmarks

clean:
	find data models -mindepth 1 ! -name .gitignore -delete
	rm -rf .checkpoints .pytest_cache .mypy_cache .ruff_cache .hypothesis
