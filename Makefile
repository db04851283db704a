# Needs Python 3.11 or newer and make; everything else goes into .venv.

SHELL   := /bin/bash
# Where it is set, each of the thousands of processes of the tests compiles all that it imports.
export PYTHONDONTWRITEBYTECODE :=
VENV    := .venv
BIN     := $(VENV)/bin
PROJECT := dbt_project
INPUTS  := pyproject.toml constraints.txt

# The first of these that is 3.11 or newer and starts; or say: make PYTHON=/path/to/python
PYTHON ?= $(shell for candidate in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& echo $$candidate && break; done)

# uv where it is there, else pip.
UV      := $(shell command -v uv 2>/dev/null)
CREATE   = $(if $(UV),$(UV) venv --quiet --python $(PYTHON),$(PYTHON) -m venv)
PIP     := -m pip install --disable-pip-version-check --quiet
INSTALL  = $(if $(UV),$(UV) pip install --python $(BIN)/python,$(BIN)/python $(PIP))
FREEZE   = $(if $(UV),$(UV) pip freeze --python $(BIN)/python,$(BIN)/python -m pip freeze) --exclude-editable

# A stamp is written after an install that went well, so a failed one is tried again and a
# good one is not: the second run installs nothing and works offline.
READY     := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev

.DEFAULT_GOAL := help
.PHONY: help build test test-slow test-all test-oldest dbt110 test-dbt110 check coverage mutation audit system bench fault constraints docs messages clean distclean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: $(READY) ## build the example shop, from an empty machine to the report
	$(BIN)/toolkit connectors install --project-dir $(PROJECT)
	$(BIN)/toolkit build --project-dir $(PROJECT)
	$(BIN)/toolkit report --project-dir $(PROJECT)

# In the order of their names: the folders with the longest tests come first.
SPREAD := -n 3 --dist loadfile --no-loadscope-reorder

test: $(READY_DEV) ## run the tests, but for those that take long
	$(BIN)/pytest $(SPREAD) -m "not slow and not soak"

test-slow: $(READY_DEV) ## run those that take long; those of another dbt are test-dbt110's
	$(BIN)/pytest $(SPREAD) -m "slow and not soak" --ignore=tests/e2e/test_other_dbt.py

check: $(READY_DEV) ## lint, formatting, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The tests of the rooms that decide, and how many of those rooms' lines they run.
coverage: $(READY_DEV) ## measure what the tests of graph, lineage, plan and ledger run
	$(BIN)/pytest $(SPREAD) -q -m "not slow and not soak" --cov --cov-report= tests/golden/lineage \
		tests/unit/graph tests/unit/lineage tests/unit/plan tests/unit/test_ledger.py \
		tests/unit/test_ledger_rest.py tests/unit/test_profile_table.py tests/unit/test_timing.py
	$(BIN)/python -m tools.coverage_floors

mutation: $(READY_DEV) ## put 200 small faults into plan and lineage: do the tests find them?
	$(BIN)/python -m tools.mutation

AUDIT := .venv-audit
audit: ## look for known vulnerabilities in what is pinned, where a database is reached
	@test -x $(AUDIT)/bin/pip-audit || { $(PYTHON) -m venv $(AUDIT) && \
		$(AUDIT)/bin/python -m pip install --disable-pip-version-check --quiet pip-audit; }
	@$(PYTHON) -m tools.audit $(AUDIT)/bin/pip-audit constraints.txt

system: ## install the browser that some tests drive, where apt can
	@if command -v chromium chromium-browser google-chrome >/dev/null; then \
		echo "A browser is there already."; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; \
	else \
		echo "No Chromium, and no apt as root to install it: the tests that need a browser are skipped."; \
	fi

OLDEST := .venv-oldest
test-oldest: $(OLDEST)/.ready ## run tests on the oldest versions that pyproject.toml allows
	$(OLDEST)/bin/python -m pytest -n 2 -p no:cacheprovider -m "not slow and not soak" tests/golden \
		tests/unit/airbyte tests/unit/graph tests/unit/lineage tests/unit/plan tests/unit/python \
		tests/unit/settings tests/unit/test_ledger.py tests/unit/test_warehouse.py
	$(OLDEST)/bin/python -m pytest -n 2 -p no:cacheprovider tests/e2e/test_dbt_build.py

$(OLDEST)/.ready: $(INPUTS) tools/oldest.py | $(BIN)/python
	rm -rf $(OLDEST) && $(PYTHON) -m venv $(OLDEST)
	$(PYTHON) -m tools.oldest > $(OLDEST)/constraints.txt
	$(if $(UV),$(UV) pip install --quiet --python $(OLDEST)/bin/python,$(OLDEST)/bin/python $(PIP)) \
		-c $(OLDEST)/constraints.txt -e ".[ml,polars,onnx,notebooks,mlflow]" \
		hypothesis pytest pytest-timeout pytest-xdist
	@touch $@

DBT110 := .venv-dbt110
dbt110: $(DBT110)/.ready ## make the environment with dbt-core 1.10

test-dbt110: $(DBT110)/.ready $(READY_DEV) ## run dbt-core 1.10: all engines on it, and it driven from outside
	$(DBT110)/bin/python -m pytest -n 3 -p no:cacheprovider tests/e2e/test_engines.py \
		-k "not executable and not beside_another"
	TOOLKIT_TEST_OTHER_DBT=$(abspath $(DBT110)/bin/dbt) $(BIN)/pytest -n 3 tests/e2e/test_other_dbt.py

# dbt-core 1.10 wants an older sqlparse.
$(DBT110)/.ready: $(INPUTS) | $(BIN)/python
	rm -rf $(DBT110) && $(PYTHON) -m venv $(DBT110)
	grep -v -i -E '^(dbt-core|dbt-duckdb|sqlparse)=' constraints.txt > $(DBT110)/constraints.txt
	$(if $(UV),$(UV) pip install --quiet --python $(DBT110)/bin/python,$(DBT110)/bin/python $(PIP)) \
		-c $(DBT110)/constraints.txt -e . "dbt-core==1.10.*" "dbt-duckdb==1.10.*" pytest pytest-timeout pytest-xdist
	@touch $@

bench: $(READY_DEV) ## measure speed and memory
	$(BIN)/python -m benchmarks

test-all: $(READY_DEV) ## run every test, also those that neither of the two runs
	$(BIN)/pytest $(SPREAD) --ignore=tests/e2e/test_other_dbt.py

# How often each fault is tried; docs/reliability.md says what they are. make fault KILLS=500
KILLS   := 50
FAULTS   = TOOLKIT_BUILD_KILLS=$(KILLS) TOOLKIT_DBT_KILLS=$(KILLS) TOOLKIT_CRASH_POINTS=all \
	TOOLKIT_FULL_DISKS=50 TOOLKIT_STORMS=50 TOOLKIT_SOAK=500 TOOLKIT_TORN=all \
	TOOLKIT_FAULT_RUNS=200 TOOLKIT_KILLS=50 TOOLKIT_PUBLISH_KILLS=50

fault: $(READY_DEV) ## kill processes and break files, again and again
	$(FAULTS) $(BIN)/pytest -s tests/fault tests/unit/airbyte/test_hostile_names.py

docs: $(READY_DEV) ## build the documentation as a site, in site/
	$(BIN)/python tools/configuration.py
	$(BIN)/python -m tools.python_api
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "The documentation is at site/index.html; to search in it: $(BIN)/mkdocs serve"

messages: $(READY_DEV) ## write docs/messages.md; TESTS=folder notes which of its tests trigger which
	$(BIN)/python -m tools.messages $(TESTS)

constraints: $(READY_DEV) ## pin in constraints.txt what is installed now
	@{ echo "# The versions that were tested together. Written by: make constraints"; $(FREEZE) \
		| grep -v -i -E '^(toolkit|pip|uv)([ =]|$$)'; } > constraints.txt.new
	@mv constraints.txt.new constraints.txt
	@touch $(READY) $(READY_DEV)

clean: ## remove what build and test have written, the built warehouse too
	rm -rf $(PROJECT)/target $(PROJECT)/logs $(PROJECT)/.toolkit $(PROJECT)/.user.yml
	rm -rf $(PROJECT)/shop.duckdb $(PROJECT)/shop.duckdb.wal $(PROJECT)/.toolkit-staging
	rm -rf site .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

distclean: clean ## and the virtual environment as well
	rm -rf $(VENV) $(OLDEST) $(DBT110) $(AUDIT)

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "No Python 3.11 or newer was found on PATH, so nothing can be installed." >&2; \
		echo "Install one, or name it: make build PYTHON=/path/to/python3.11" >&2; \
		exit 1; \
	fi
	@rm -rf $(VENV)
	@$(CREATE) $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) cannot make a virtual environment; on Debian: apt install python3-venv" >&2; \
		exit 1; }

$(READY): $(INPUTS) | $(BIN)/python
	@echo "Installing packages into $(VENV); the first time this takes a minute or two."
	$(INSTALL) -c constraints.txt -e ".[ml]"
	@touch $@

$(READY_DEV): $(INPUTS) | $(BIN)/python
	$(INSTALL) -c constraints.txt -e ".[ml,polars,onnx,notebooks,mlflow,docs,dev]"
	@touch $(READY) $@
