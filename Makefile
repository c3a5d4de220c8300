# Two commands: `make run` does the main job, `make test` runs the checks and the tests.
# A GPU user chooses another torch than constraints.txt: make run TORCH=2.13.0+cu130
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH ?=
CONSTRAINTS := $(VENV)/constraints.txt
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS)

.PHONY: run test check bench format clean

run: $(VENV)/installed-run
	$(BIN)/icdcoder demo

test: check
	$(BIN)/python -m pytest -n 2

check: $(VENV)/installed-test
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/lint-imports
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright

bench: $(VENV)/installed-bench
	$(BIN)/python -m benchmarks

format: $(VENV)/installed-test
	$(BIN)/ruff format src tests benchmarks
	$(BIN)/ruff check --fix src tests benchmarks

clean:
	rm -rf $(VENV) runs build dist

$(VENV)/installed-run: pyproject.toml constraints.txt | $(CONSTRAINTS)
	@echo "Installing icdcoder and what training needs into $(VENV) (a few minutes the first time) …"
	$(PIP) -e '.[train]'
	@touch $@

$(VENV)/installed-test: pyproject.toml constraints.txt | $(CONSTRAINTS)
	@echo "Installing icdcoder and what the tests need into $(VENV) (a few minutes the first time) …"
	$(PIP) -e '.[test]'
	@touch $@ $(VENV)/installed-run

$(VENV)/installed-bench: $(VENV)/installed-test
	$(PIP) -e '.[bench]'
	@touch $@

$(CONSTRAINTS): constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@if [ -n "$(TORCH)" ]; then echo "torch==$(TORCH)" > $@; else cp constraints.txt $@; fi
