# Two commands for people: `make play` and `make test`. The rest serves them.
#
#   make setup TORCH_INDEX=URL   take torch from another package index
#   make play ARGS='--port 9000' options for the command that a target runs

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
TORCH := $(shell grep '^torch==' constraints.txt)

# Three processes of tests for every two processors, as tests wait for a third of their time. Each has
# pictures and worlds of its own, so no more than memory is sure to hold; ARGS='-n 0' runs the tests
# one by one.
WORKERS := -n logical --maxprocesses 8 --dist worksteal

# The first interpreter that is new enough; PYTHON=... chooses another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

# A set-up is done when the stamp for exactly these requirements exists.
KEY := $(shell cat pyproject.toml constraints.txt | cksum | cut -d' ' -f1)
ifneq ($(TORCH_INDEX),)
KEY := $(KEY)-$(shell printf '%s' '$(TORCH_INDEX)' | cksum | cut -d' ' -f1)
endif
READY := $(VENV)/.ready-$(KEY)
READY_DEV := $(VENV)/.ready-dev-$(KEY)
READY_DOCS := $(VENV)/.ready-docs-$(KEY)

.PHONY: setup play test test-fast lint docs options clean

setup: $(READY)

play: $(READY)
	$(BIN)/playworld play platformer $(ARGS)

# What a machine lacks is skipped, and the end of the tests says how to get it.
test: $(READY_DEV)
	@$(BIN)/python -m playworld.data.record.procgen.install || true
	$(BIN)/python -m pytest $(WORKERS) $(ARGS)

test-fast: $(READY_DEV)
	$(BIN)/python -m pytest $(WORKERS) -m 'not slow and not browser' $(ARGS)

lint: $(READY_DEV)
	$(BIN)/ruff check .
	$(BIN)/mypy

# Builds the documentation into site/; a broken link or an unknown name ends it. The variable silences
# what mkdocs-material says about versions of MkDocs that are not pinned here.
docs: $(READY_DOCS)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict $(ARGS)

# Writes the frozen list of command-line options anew, after a change that was meant.
options: $(READY_DEV)
	$(BIN)/python tests/test_cli_options.py

clean:
	rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { \
		echo "Playworld needs Python 3.11 or newer, and none was found: install one, or name it with PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Playworld needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1 || echo missing). Name another with PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# The build backend goes into the environment, so that it is pinned like everything else. torch comes
# first and by itself: TORCH_INDEX is a source for it alone.
$(READY): | $(BIN)/python
ifneq ($(TORCH_INDEX),)
	-$(PIP) uninstall -q -y torch
	$(PIP) install -i '$(TORCH_INDEX)' $(TORCH)
else
	$(PIP) install -c constraints.txt $(TORCH)
endif
	$(PIP) install -q -c constraints.txt hatchling editables
	$(PIP) install -q -c constraints.txt --no-build-isolation -e .
	@rm -f $(VENV)/.ready-*
	@touch $@

# An extra without wheels for this machine leaves the others be, and is tried again the next time.
EXTRAS := agents datasets onnx robots scale
INSTALL_DEV := $(PIP) install -q -c constraints.txt --no-build-isolation -e
$(READY_DEV): $(READY)
	@echo "installing what the tests need"; \
	$(INSTALL_DEV) '.[dev,agents,datasets,onnx,robots,scale]' && touch $@ && exit; \
	$(INSTALL_DEV) '.[dev]' || exit; \
	for extra in $(EXTRAS); do $(INSTALL_DEV) ".[$$extra]" || \
		echo "$$extra cannot be installed here: its tests are skipped" >&2; done

$(READY_DOCS): $(READY)
	@echo "installing what the documentation needs"
	@$(INSTALL_DEV) '.[docs]' && touch $@
