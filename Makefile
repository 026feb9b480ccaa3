# Everything a newcomer needs. `make` alone explains.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SETUP_OPTIONS ?=

.DEFAULT_GOAL := help
.PHONY: help demo lab test lint notebooks pets tiny evaluate constraints clean

help:  ## say what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1|/' | column -t -s '|'

demo: $(READY)  ## match a lost pet's photo against the shipped gallery
	@$(BIN)/vitsim match $(DEMO_PHOTO) --gallery toy-pets --figure demo.png

lab: $(READY)  ## open the lessons in JupyterLab
	$(BIN)/jupyter lab notebooks

test: $(READY)  ## run every test
	$(BIN)/python -m pytest -n 2 --dist loadscope

lint: $(READY)  ## check the style of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

notebooks: $(READY)  ## build the notebooks of both languages from notebooks/source
	$(BIN)/python tools/build_notebooks.py

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"vitsim needs Python 3.11 or newer; {sys.executable} is {v[0]}.{v[1]}. Name another: make PYTHON=python3.12")'
	@echo "Setting up $(VENV), once; this takes a few minutes."
	@$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --constraint constraints.txt $(SETUP_OPTIONS) --editable ".[notebooks,dev]"
	@touch $@

constraints:  ## pin every dependency anew (needs a package index)
	bash tools/constraints.sh

clean:  ## remove the environment and caches (trained and rendered work in build/ stays)
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis demo.png
