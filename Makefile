# Two commands do everything on a fresh machine with Python >= 3.11: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-gpu test-long check benchmark benchmark-speed benchmark-gpu docs clean

# Install once, and again when what is to be installed changes.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

# The main job on real data: fit, score, show.
demo: .venv/installed
	$(BIN)/aeanomaly demo --folder demo

# Tests, doctests and README blocks, as many at once as there are cores; not the longest loops.
test: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist worksteal

# Tests on a GPU, which four processes share; skipped with a sentence where there is none.
test-gpu: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --gpu --numprocesses 4 --dist worksteal tests/accelerators tests/theory

# The longest loops, and all tests once more where every fit is also saved, loaded, pickled, chunked and shuffled.
test-long: .venv/installed
	$(BIN)/python -m pytest -m long
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist worksteal --every-fit tests

# All that must hold before a change lands.
check: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) test

.venv/benchmark: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[benchmark]'
	touch $@

# How accurate, against the peers, on folders of labeled tables: make benchmark DATA="folder 'name=other/cls-*.npz'"
benchmark: .venv/benchmark
	$(BIN)/python -m benchmarks.detection $(if $(DATA),--data $(DATA))

# How fast, against PyOD and a plain torch loop.
benchmark-speed: .venv/benchmark
	$(BIN)/python -m benchmarks.speed

# How fast on a GPU, against the CPU and the rates of the hardware, in less than three minutes.
benchmark-gpu: .venv/benchmark
	$(BIN)/python -m benchmarks.gpu

.venv/docs: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	touch $@

# The documentation, with every example run; needs no network: docs/_build/html/index.html
docs: .venv/docs
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

clean:
	rm -rf .venv build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf docs/_build docs/auto_examples docs/reference docs/sg_execution_times.rst
