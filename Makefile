# Two commands are enough for a newcomer: `make demo` runs the main job on made-up data, `make test` proves it.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
CLIENT := clients/js/node_modules/.package-lock.json
DEMO ?= demo

.PHONY: help setup demo check test trials lock system clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(READY)  ## make .venv with everything that is locked

# uv installs the same locked, hashed files as pip in a tenth of the time; where it finds no index, pip does it.
$(READY): requirements.lock pyproject.toml
	@echo "Setting up .venv (once) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed."; exit 1; }
	@$(PYTHON) -m venv .venv
	@sed -n '/^uv==/,/# via/p' requirements.lock > .venv/uv.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .venv/uv.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock \
	  || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)  ## the whole way on made-up data: four vendors' extracts become reports per KSV
	@$(BIN)/dedup demo --force $(DEMO)

check: $(READY)  ## lint, types, walls, dependencies, security
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml src flows

system:  # what the tests use from Debian: PostgreSQL, Chromium, Node, a C compiler
	@sh tests/system-packages.sh

# Without npm (see the line of tests/system-packages.sh) the tests of clients/js are left out.
$(CLIENT): clients/js/package-lock.json | system
	@! command -v npm >/dev/null || npm ci --prefix clients/js --ignore-scripts --silent

test: $(READY) system $(CLIENT)  ## every test, with the real PostgreSQL, Chromium and Prefect
	$(BIN)/pytest --numprocesses 2 --dist worksteal

trials: $(READY) system $(CLIENT)  ## what takes longer: many kills, long fuzzing, whole benchmarks
	$(BIN)/pytest --numprocesses 2 --dist worksteal -m trial

lock: $(READY)  ## renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --extra dev pyproject.toml --output-file requirements.lock --upgrade

clean:  ## remove what the commands made
	rm -rf .venv clients/js/node_modules demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
