# Everything that a person does with the project, by name. `make` alone prints this list.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed

# Compiled once, not at every start of every function.
export PYTHONDONTWRITEBYTECODE :=
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

START ?=
END ?=
DATASET ?=
EXECUTION ?=
Q ?=
PORT ?=
ENGINE ?=
UP = $(if $(PORT),--port $(PORT)) $(if $(ENGINE),--engine $(ENGINE))
ARCH ?= arm64
BASE ?= 631b1a8

# The Markdown files with parts that cog makes.
PAGES = $(shell grep -rlF --include='*.md' '<!-- [[[cog' README.md docs statemachine assets .github)

TERRAFORM := terraform -chdir=infra/terraform
INITIALISED := infra/terraform/.terraform/.initialised
PEERS := build/peers/.installed

.PHONY: help setup run backfill history query partitions console dashboard doctor up down status package plan deploy destroy
.PHONY: preflight acceptance test unit definition e2e hostile defects lint format docs coverage storm kills timelapse
.PHONY: bench bench-universe bench-years
.PHONY: diagrams dist sample-data screenshots changes clean

help: ## Print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  \033[36m%-12s\033[0m %s\n", $$1, $$2}'

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed; name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "Installing the locked packages into $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@# uv installs in seconds what takes pip minutes; where it cannot, pip does it from the same hashes.
	@$(PIP) install "$$(grep -o '^uv==[0-9.]*' requirements.lock)" \
	  && $(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python --require-hashes -r requirements.lock \
	  || $(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

setup: $(READY) ## Install the locked packages into .venv

run: $(READY) ## Start the local AWS emulator, deploy, run the daily execution, show the rows
	@$(BIN)/marketlake up $(UP)
	@$(BIN)/marketlake run

backfill: $(READY) ## Load a window: make backfill START=2022-01-01 END=2022-12-31 [DATASET=fx_rates]
	@test -n "$(START)" -a -n "$(END)" || { echo "Say which days: make backfill START=2022-01-01 END=2022-12-31"; exit 2; }
	@$(BIN)/marketlake up $(UP)
	@$(BIN)/marketlake backfill --start $(START) --end $(END) $(if $(DATASET),--dataset $(DATASET))

history: $(READY) ## Executions, or one of them: make history [EXECUTION=name]
	@$(BIN)/marketlake history $(EXECUTION)

query: $(READY) ## Ask Athena: make query Q="SELECT count(*) FROM fx_rates"
	@test -n "$(Q)" || { echo 'Say what to ask: make query Q="SELECT count(*) FROM fx_rates"'; exit 2; }
	@$(BIN)/marketlake query "$(Q)"

partitions: $(READY) ## Days that are there and days that are missing
	@$(BIN)/marketlake partitions $(DATASET)

console: $(READY) ## A page in the browser: executions live, the queue, the mails, the days
	@$(BIN)/marketlake console

dashboard: $(READY) ## The lake as one HTML file, marketlake-dashboard.html; opens it where there is a browser
	@$(BIN)/marketlake dashboard --open

doctor: $(READY) ## What is wrong on this machine, and what to do
	@$(BIN)/marketlake doctor

up: $(READY) ## Start the local AWS emulator and deploy on it: make up [ENGINE=stepfunctions-local], which needs Docker
	@$(BIN)/marketlake up $(UP)

down: $(READY) ## Stop the local AWS emulator; its state stays
	@$(BIN)/marketlake down

status: $(READY) ## What is running
	@$(BIN)/marketlake status

package: $(READY) ## Zip the functions with their packages, describe the tables: make package [ARCH=arm64|x86_64|local]
	@$(BIN)/python -m infra.package --arch $(ARCH)

preflight: $(READY)
	@$(BIN)/python -m infra.cli.preflight
	@$(BIN)/python -m infra.package --arch $(ARCH)

# Run again when the provider's version or the place of the state changes.
$(INITIALISED): infra/terraform/versions.tf infra/terraform/.terraform.lock.hcl $(wildcard infra/terraform/backend.tf) | preflight
	@$(TERRAFORM) init -input=false
	@touch $@

plan: preflight $(INITIALISED) ## Show what deploy would change in your AWS account; makes the packages first
	@$(TERRAFORM) plan -var-file=../../terraform.tfvars

deploy: preflight $(INITIALISED) ## Make or change the stack in your AWS account; asks before it does
	@$(TERRAFORM) apply -var-file=../../terraform.tfvars

acceptance: $(READY) ## Try, step by step, what only the deployed stack can show
	@$(BIN)/marketlake acceptance

destroy: preflight $(INITIALISED) ## Remove the stack from your AWS account; asks before it does
	@$(TERRAFORM) destroy -var-file=../../terraform.tfvars

lint: $(READY) ## Check format, lint, types, imports, spelling and made pages; changes nothing
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/oxlint --quiet infra
	@$(BIN)/codespell
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(BIN)/cog --check --check-fail-msg='run: make docs' --verbosity=0 $(PAGES)
	@$(BIN)/mypy -n 2 functions infra tests assets/diagrams

format: $(READY) ## Rewrite files to the project's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(READY) ## Make the tables in README and docs again, from the code
	@$(BIN)/cog -r --verbosity=1 $(PAGES)

unit: $(READY) ## Unit tests only
	@$(BIN)/pytest -n 2 tests/unit

definition: $(READY) ## Tests of the state machine's definition, with mocked services
	@$(BIN)/pytest -n 2 tests/statemachine

e2e: $(READY) ## Tests that run on the emulator, those of Terraform and the packages, and a short time-lapse
	@$(BIN)/pytest -n 2 --dist loadgroup tests/e2e tests/infra tests/timelapse

coverage: $(READY) ## Which lines the unit tests and those of the definition run
	@mkdir -p build
	@$(BIN)/pytest -q -n 2 tests/unit tests/statemachine --cov --cov-report=term --cov-report=markdown:build/coverage.md

hostile: $(READY) ## A thousand hostile inputs for each of five kinds; the tests take eighty
	@HOSTILE_EXAMPLES=1000 $(BIN)/pytest -n 2 tests/unit/hostile

defects: $(READY) ## A thousand seeds of defects in simulated prices: what is caught, lost, blamed (docs/data-quality.md); ten minutes
	@DEFECT_SEEDS=1000 $(BIN)/pytest -q -n 2 -rP -k of_unit tests/unit/validate/test_defects.py

test: lint ## Lint, type-check and run all tests
	@$(BIN)/pytest -n 4 --dist loadgroup

storm: $(READY) ## Ten seeds of faults at every call, then redrive: is the lake what it would have been (docs/chaos.md)
	@STORM_SEEDS=1-10 STORM_WINDOW=2021-11-01/2021-12-31 $(BIN)/pytest tests/e2e/test_storm.py -q
	@STORM_SEEDS=1-10 STORM_WINDOW=2021-01-01/2022-12-31 $(BIN)/pytest tests/e2e/test_storm.py -q

kills: $(READY) ## Kill functions and the emulator at each of their writes; fifty overlaps of two executions (docs/reliability.md)
	@KILLS_STEP=1 OVERLAPS=50 $(BIN)/pytest -n 2 --dist loadgroup tests/e2e/test_kills.py tests/e2e/test_overlap.py -q -rP

timelapse: $(READY) ## Ten seeds of eighteen months of daily runs by a virtual clock (docs/reliability.md)
	@TIMELAPSE_SEEDS=1-10 TIMELAPSE_MONTHS=18 POLARS_MAX_THREADS=1 $(BIN)/pytest -n 2 tests/timelapse/test_timelapse.py -q -rP
	@EVENINGS_SEEDS=10 $(BIN)/pytest -n 2 tests/unit/transform/test_year_of_evenings.py -q

changes: $(READY) ## Each change of tests/infra/changes.py by itself on a stack: apply, then a plan that must be empty; an hour
	@CHANGES=$${CHANGES:-.} $(BIN)/pytest tests/infra/test_real_mode.py -q -s

# What the functions are compared with; it has packages that do not go with the locked ones.
$(PEERS): tests/bench/requirements.lock $(READY)
	@$(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python --target $(@D) --no-deps --require-hashes -r $<
	@touch $@

bench: $(READY) $(PEERS) ## Benchmarks: CPU, memory and requests, beside BASE=revision, bare requests and peers; eight minutes
	@BASE=$(BASE) $(BIN)/python -m tests.bench

bench-universe: $(READY) ## A year of 100, 1,000 and 10,000 simulated symbols, an execution each: CPU, memory, requests, dollars
	@$(BIN)/python -m tests.bench universe 100 1000 10000

bench-years: $(READY) ## Ten-year questions by day and by year; what the tables by year cost the pipeline
	@$(BIN)/python -m tests.bench years

diagrams: $(READY) ## Draw assets/diagrams anew, from the code and the definition; needs Graphviz
	@$(BIN)/python -m assets.diagrams

dist: $(READY) ## Build the wheel for those who only read the lake (docs/python.md) into dist/
	@$(BIN)/python -m hatchling build -t wheel

sample-data: $(READY) ## Write assets/sample_data again: a month of rates and simulated prices
	@$(BIN)/python -m tests.sample_data

screenshots: $(READY) ## Take the pictures in assets/screenshots again, from a lake made for them; needs chromium
	@$(BIN)/python -m tests.screenshots

clean: ## Stop the local AWS emulator, and remove it with all builds and caches (not .venv)
	@test ! -x $(BIN)/marketlake || $(BIN)/marketlake down
	@rm -rf .marketlake build .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis
