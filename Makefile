# Everything that a fresh machine needs besides Python, Java and make is set up here, in .venv, behind stamp files:
# what is up to date is not touched again, and needs no network.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps

pip = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation
compile = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links --group build pyproject.toml
fail = { echo "error $(1)" >&2; echo "   do $(2)" >&2; exit 1; }

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check bench-smoke deploy lock clean java

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

demo: java $(STAMPS)/pitlake ## Run the whole mine on this machine until Ctrl-C; options in ARGS="--for 3m"
	@$(BIN)/pitlake demo $(ARGS)

# All of them in two processes, as they wait more than they work; a choice of them in one, which starts sooner.
test: java $(STAMPS)/dev ## Run the tests; options in ARGS="-k shifts"
	@$(BIN)/python -m pytest $(or $(ARGS),--numprocesses 2)

check: $(STAMPS)/dev ## Run what CI checks: lint, format, types, architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench-smoke: java $(STAMPS)/pitlake ## Fail when real time is no longer much faster than micro-batches (3 minutes)
	@$(BIN)/python -m benchmarks.smoke

deploy: $(STAMPS)/dev ## Deploy the mine to Databricks; options in ARGS="-t prod"
	@command -v databricks >/dev/null 2>&1 || \
		$(call fail,The Databricks command is not installed.,Install the Databricks CLI and log in with databricks auth login.)
	databricks bundle deploy $(ARGS)

lock: $(STAMPS)/dev ## Choose the newest library versions that pyproject.toml allows
	@echo "Locking the libraries …"
	@$(compile) --output-file requirements.lock
	@$(compile) --group dev --constraint requirements.lock --output-file requirements-dev.lock

clean: ## Remove what make and its tools made; the lake in .pitlake stays
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The version of the Java that Spark will find is asked for first, before anything is fetched.
java:
	@java=$${JAVA_HOME:+$$JAVA_HOME/bin/}java; \
	found=$$("$$java" -version 2>&1 | sed -n 's/.*version "\(1\.\)\{0,1\}\([0-9]*\).*/\2/p' | head -n 1); \
	[ -n "$$found" ] || $(call fail,Java is not installed$${JAVA_HOME:+ in JAVA_HOME ($$JAVA_HOME)}.,Install Java 17 or newer and put it on PATH or point JAVA_HOME at it.); \
	[ "$$found" -ge 17 ] || $(call fail,$$java is Java $$found; Spark needs 17 or newer.,Install Java 17 or newer and put it on PATH or point JAVA_HOME at it.)

$(STAMPS)/python:
	@command -v $(PYTHON) >/dev/null 2>&1 || \
		$(call fail,$(PYTHON) is not installed.,Install Python 3.11 or newer or name one: make PYTHON=python3.12 …)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		$(call fail,$(PYTHON) is older than 3.11 or does not run.,Install Python 3.11 or newer or name one: make PYTHON=python3.12 …)
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		$(call fail,$(PYTHON) lacks its venv module.,Install it (on Debian and Ubuntu: sudo apt install python3-venv).)
	@echo "Making $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

# pyspark comes as source: what builds it is installed first, so that this too is what the lock pins.
$(STAMPS)/runtime: requirements.lock $(STAMPS)/python
	@echo "Installing the libraries (about 500 MB; takes some minutes the first time) …"
	@awk '/^[^ ]/ { wanted = /^setuptools==/ } wanted' requirements.lock >$(STAMPS)/build.lock
	@$(pip) --require-hashes -r $(STAMPS)/build.lock
	@$(pip) --require-hashes -r requirements.lock
	@touch $@

$(STAMPS)/pitlake: pyproject.toml $(STAMPS)/runtime
	@echo "Installing pitlake …"
	@$(pip) --no-index --no-deps --editable .
	@touch $@

$(STAMPS)/dev: requirements-dev.lock $(STAMPS)/pitlake
	@echo "Installing the tools for tests and checks …"
	@$(pip) --require-hashes -r requirements-dev.lock
	@touch $@
