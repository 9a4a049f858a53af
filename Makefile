# Everything here works on a fresh machine with Python 3.11 or newer, git and make. `make` alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The newest Python that runs and can make an environment; a version manager's shim may exist and still refuse to run.
USABLE = import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(or $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c '$(USABLE)' >/dev/null 2>&1 && command -v $$p && break; done),$(error no Python 3.11 or newer was found; set PYTHON=/path/to/python))

RUN := .venv/bin/python
READY := .venv/.ready
PIP_FLAGS := --quiet --disable-pip-version-check
WHEEL_VENV := build/wheel-venv
# How often the randomised suites try; `make crash ROUNDS=10000` runs through a night.
ROUNDS ?=

.PHONY: help setup demo test check lint format crash simulate fuzz mutation bench build wheel lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with the locked dependencies

$(READY): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(RUN) -m pip install $(PIP_FLAGS) --require-hashes -r requirements/dev.txt
	$(RUN) -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## import a sample into an emulated Defender, see the branch, retry
	@$(RUN) examples/demo.py

test: $(READY) ## run the test suite
	$(RUN) -m pytest -n 2

check: ## everything a change must pass, as continuous integration runs it
	.ci/run

lint: $(READY) ## formatting, ruff, mypy
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy

format: $(READY) ## put the code into its format, mend what can be mended
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

crash: $(READY) ## kill -9 during imports with faults switched on; nothing lost, doubled, misreported
	ROUNDS=$(or $(ROUNDS),200) $(RUN) -m pytest -n 2 --timeout 0 tests/crash

simulate: $(READY) ## the delivery core against a simulated service, one seed a round
	ROUNDS=$(or $(ROUNDS),20000) $(RUN) -m pytest -n 2 --timeout 0 tests/simulation

fuzz: $(READY) ## hostile rows, answers, files
	ROUNDS=$(or $(ROUNDS),200000) $(RUN) -m pytest -n 2 --timeout 0 tests/fuzz

# `make mutation MODULES=health` changes one module of the delivery core only; all of them take long.
MODULES ?=
mutation: $(READY) ## change the delivery core in one place at a time; a unit test must notice
	$(RUN) tests/mutation/mutate.py $(MODULES)

bench: $(READY) ## time and memory as ratios, against a bare loop
	$(RUN) -m bench

build: $(READY) ## sdist, and the wheel out of the sdist, into dist/
	rm -rf dist
	$(RUN) -m hatchling build -t sdist
	$(RUN) -m pip wheel $(PIP_FLAGS) --no-deps --no-build-isolation --wheel-dir dist dist/*.tar.gz

wheel: build ## install the wheel with nothing but what it asks for, use it, then run tests against it
	$(PYTHON) -m venv --clear $(WHEEL_VENV)
	$(WHEEL_VENV)/bin/python -m pip install $(PIP_FLAGS) --require-hashes -r requirements/run.txt
	$(WHEEL_VENV)/bin/python -m pip install $(PIP_FLAGS) --no-deps dist/*.whl
	cd $(WHEEL_VENV) && bin/defender-indicators --version && bin/defender-indicators validate && bin/defender-indicators actions
	$(WHEEL_VENV)/bin/python -m pip install $(PIP_FLAGS) --require-hashes -r requirements/dev.txt
	$(WHEEL_VENV)/bin/python -m pytest -n 2 tests/pack tests/actions tests/repository/wheel.py

# Markers in the locks cover every platform and every Python from 3.11; no address of a registry is written into them.
UV ?= uv
LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock' --no-emit-index-url --no-emit-find-links --upgrade
lock: ## refresh requirements/*.txt from pyproject.toml (needs uv)
	$(LOCK) pyproject.toml -o requirements/run.txt
	$(LOCK) --group build -o requirements/build.txt
	$(LOCK) pyproject.toml --all-extras --group dev --group build -o requirements/dev.txt

clean: ## remove everything that can be made again
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*
	find . -name __pycache__ -prune -exec rm -rf {} +
