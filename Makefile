# Every target makes its own virtual environment; a fresh machine needs Python 3.11 or later, pip and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PTX_DIR ?= ptx
WORKERS ?= 2
TYPED := build/typed

.PHONY: run test test-slow lint bench ptx docs clean

run: $(VENV)/.core
	$(BIN)/senso run manifold -o runs/manifold.h5 --plot

test: $(VENV)/.test
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

test-slow: $(VENV)/.test
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build
	$(PIP) --no-deps --no-build-isolation --target $(TYPED) . 2>/dev/null || $(PIP) --no-deps --target $(TYPED) .
	cd $(TYPED) && ../../$(BIN)/mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache -p sensorium

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks

ptx: $(VENV)/.test
	PTX_DIR=$(PTX_DIR) $(BIN)/python -m sensorium.engine.ptx

clean:
	rm -rf build dist ptx .mypy_cache .pytest_cache .ruff_cache

# ---- environments: one stamp per set of extras, renewed when pyproject.toml changes ----

$(BIN)/python:
	$(PYTHON) -m venv $(VENV) || { $(PYTHON) -m pip install --quiet virtualenv && $(PYTHON) -m virtualenv --quiet $(VENV); }

$(VENV)/.core: pyproject.toml | $(BIN)/python
	$(PIP) --editable .
	touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(PIP) --editable '.[test]'
	$(PIP) --editable '.[test,cuda]' || echo "no CUDA wheels for this platform: the tests that compile to PTX will skip"
	touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(PIP) --editable '.[dev]'
	touch $@

$(VENV)/.bench: pyproject.toml | $(BIN)/python
	$(PIP) --editable '.[bench]'
	touch $@
