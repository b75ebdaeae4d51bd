# What to run here. `make` alone lists it. Variables: ARGS= (for the program behind a target), JSON= (bench),
# MINUTES= (chaos), PYTHON=.

.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What the engine is measured against has needs of its own that the service's packages don't meet.
PEERS := .venv-bench
MLFLOW := .venv-mlflow
DRIFT := .venv-drift
ARGS ?=
JSON ?=
MINUTES ?=

PIP_INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet

# $(call install,FILE): what FILE pins, and this checkout in place. It says so, since it takes longer than a second.
define install
	echo "Installing $(1) into $(VENV)/ (a minute or two the first time) ..."
	started=$$(date +%s) && $(PIP_INSTALL) --require-hashes -r $(1) \
	&& $(PIP_INSTALL) --no-deps --no-build-isolation -e . \
	&& touch $@ && echo "Installed in $$(( $$(date +%s) - started )) s."
endef

.SILENT:
.PHONY: help setup demo pictures study test peers chaos check format bench bench-web bench-drift lock clean

help: ## list the targets
	grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup: $(VENV)/.service ## make .venv/ with what the service and the demo need

demo: $(VENV)/.service ## play the main job on an embedded broker (ARGS=--once: play it and end)
	exec $(BIN)/python -m examples.demo $(ARGS)

pictures: $(VENV)/.dev ## take the pictures of docs/web.md again, in Chromium
	exec $(BIN)/python -m examples.pictures $(ARGS)

study: $(VENV)/.dev ## count false alarms and drops that are found, and draw them for docs/drift.md
	exec $(BIN)/python -m examples.study $(ARGS)

test: $(VENV)/.dev ## run all tests, on two cores (ARGS="-k drift" for some)
	exec $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)

peers: $(VENV)/.dev $(DRIFT)/.peers ## hold drift and ROC AUC against Evidently's and NannyML's
	exec $(BIN)/python -m pytest -m peers tests/peers $(ARGS)

chaos: $(VENV)/.dev ## let workers and broker fail under load, then judge (MINUTES=60: for how long; ARGS=--help says more)
	exec $(BIN)/python -m tests.faults.chaos $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

check: $(VENV)/.dev ## lint, formatting, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev ## put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev $(PEERS)/.peers ## measure, half an hour (JSON=<file> also writes the figures; ARGS=--help says more)
	exec $(BIN)/python -m bench $(if $(JSON),--json $(JSON)) $(ARGS)

bench-web: $(VENV)/.dev $(MLFLOW)/.peers ## measure the web view over a million versions, half an hour (JSON=<file>; ARGS=--help says more)
	exec $(BIN)/python -m bench.web $(if $(JSON),--json $(JSON)) $(ARGS)

bench-drift: $(VENV)/.dev $(DRIFT)/.peers ## measure data drift of a million rows, ten minutes (JSON=<file>; ARGS=--help says more)
	exec $(BIN)/python -m bench.drift $(if $(JSON),--json $(JSON)) $(ARGS)

# Versions that are pinned stay; ARGS=--upgrade moves them.
UV_COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock" $(ARGS)

lock: $(VENV)/.dev ## pin the dependencies of pyproject.toml again (ARGS=--upgrade for newer ones)
	$(UV_COMPILE) pyproject.toml --extra sklearn --extra testing --group build --group service -o requirements.txt
	$(UV_COMPILE) pyproject.toml --extra drift --extra sklearn --extra testing --group build --group dev -c requirements.txt -o requirements-dev.txt
	$(UV_COMPILE) pyproject.toml --extra drift --extra sklearn --resolution lowest-direct -o requirements-oldest.txt
	$(UV_COMPILE) bench/requirements-peers.in -o bench/requirements-peers.txt
	$(UV_COMPILE) bench/requirements-mlflow.in -o bench/requirements-mlflow.txt
	$(UV_COMPILE) bench/requirements-drift.in -o bench/requirements-drift.txt

clean: ## remove .venv/ and everything that can be made again
	rm -rf $(VENV) $(PEERS) $(MLFLOW) $(DRIFT) .cache .artifacts .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps: what is installed is as new as the files that say what to install.
$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Mooring needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>/dev/null || echo 'not there')." >&2; \
		echo "Say which to use: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; \
		exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.service: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(call install,requirements.txt)

$(VENV)/.dev: requirements-dev.txt $(VENV)/.service
	$(call install,requirements-dev.txt)

# $(call peers,FOLDER,FILE,OPTIONS): an environment of its own with what FILE pins.
define peers
	echo "Installing $(2) into $(1)/ ..."
	$(PYTHON) -m venv $(1)
	$(1)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes $(3) -r $(2)
	touch $@
endef

$(PEERS)/.peers: bench/requirements-peers.txt | $(VENV)/bin/python
	$(call peers,$(PEERS),$<)

$(MLFLOW)/.peers: bench/requirements-mlflow.txt | $(VENV)/bin/python
	$(call peers,$(MLFLOW),$<)

# Without looking for dependencies: pip does not know pandas[parquet] by the pin of pandas.
$(DRIFT)/.peers: bench/requirements-drift.txt | $(VENV)/bin/python
	$(call peers,$(DRIFT),$<,--no-deps)
