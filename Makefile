# OpenLake's few commands; `make` lists them. Each installs what it is missing, once.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help install demo dev down ui ui-check chromium screenshots test test-quick bench chaos check gen lock wheel clean

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -q -n 2 --dist loadscope --no-loadscope-reorder

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

.venv: FORCE
	@sh infra/bootstrap.sh
FORCE:

# npm of the Python environment, whatever else is on PATH.
NPM := cd ui && PATH="$(CURDIR)/$(BIN):$$PATH" npm --no-fund --no-audit --loglevel=error
UI_SOURCES := $(wildcard ui/*.*) $(shell find ui/src ui/public -type f ! -name '*.gen.ts') \
    spec/openlake-orchestrator/openapi.json

ui/node_modules/.package-lock.json: ui/package-lock.json | .venv
	@echo "  · console      its packages, once"
	@$(NPM) install --no-save
	@touch $@

ui/dist/index.html: $(UI_SOURCES) ui/node_modules/.package-lock.json
	@echo "  · console      building"
	@($(NPM) run --silent build) > ui/.build.log 2>&1 || { cat ui/.build.log; exit 1; }

ui: ui/dist/index.html ## Build the console

ui-check: ui/node_modules/.package-lock.json ## The console's lint, types and unit tests
	@$(NPM) run --silent check
	@$(NPM) run --silent test

screenshots: install ui chromium ## Take pictures of every page of the console, into ui/screenshots
	@$(BIN)/python -m tests.console.screenshots

demo: .venv ui ## Install, start the stack, run the example job, show what came out
	@$(BIN)/openlake demo

dev: .venv ui ## Start the stack and leave it running
	@$(BIN)/openlake up

down: .venv ## Stop the stack
	@$(BIN)/openlake down

install: .venv ## Install every tool, those of the full profile too
	@$(BIN)/openlake install --profile full

check: .venv ui-check ## Lint, types, import floors; no server
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports

test-quick: .venv ## Unit tests: no server, under a minute
	@$(PYTEST) -m "not integration and not slow"

chromium:
	@sh infra/chromium.sh

test: test-quick install ui chromium ## All tests, on real servers
	@$(PYTEST) -m "integration or slow" --durations=40

bench: .venv ## Measure beside raw Temporal, Airflow and Prefect; QUICK=1, ONLY=latency,chain
	@$(BIN)/python -m tests.bench $(if $(QUICK),--quick) $(if $(ONLY),--measures $(ONLY))

chaos: .venv ## Kill, stop, cut and fill a real stack, and check the promises; MINUTES=60, PROFILE=full, SEED=, FAULTS=
	@$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED)) \
	    $(if $(FAULTS),--faults $(FAULTS)) $(if $(PROFILE),--profile $(PROFILE))

gen: .venv ## Write the generated documents anew (OpenAPI, JSON Schemas, pages of docs)
	@$(BIN)/python -m control.openapi
	@$(BIN)/python -m tests.activities.dialect.page
	@$(BIN)/python -m tests.conformance.page
	@$(BIN)/python -m tests.chaos.page

lock: .venv ## Resolve the locked environment; with UPGRADE=--upgrade to the newest versions
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal $(UPGRADE) --generate-hashes \
	    --no-annotate --no-header --no-emit-index-url --quiet --output-file requirements.lock
	@for name in airflow dbt prefect; do \
	    $(BIN)/python -c 'import sys; from control.stack.versions import pinned; \
	        print(pinned().environments[sys.argv[1]].requirements)' $$name | \
	    $(BIN)/uv pip compile - --overrides infra/overrides.txt --universal --python-version 3.11 $(UPGRADE) --generate-hashes \
	    --no-annotate --no-header --no-emit-index-url --quiet --output-file infra/$$name.lock; \
	done

wheel: .venv ui ## Build the Python package, with the console in it, into dist/
	@rm -rf control/console/dist && cp -R ui/dist control/console/dist
	@cp infra/versions.toml infra/*.lock control/stack
	@$(BIN)/python -m uv build --quiet --wheel --out-dir dist; made=$$?; \
	    rm -rf control/console/dist control/stack/versions.toml control/stack/*.lock; exit $$made

clean: ## Delete the Python environment; the stack's data and the tools stay
	@rm -rf .venv
