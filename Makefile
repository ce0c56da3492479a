# One environment for everything, made from hashes; `uv` is used when it is there, pip alone suffices.
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python

.PHONY: setup demo test check fix bench faults fuzz fixtures clean
.DEFAULT_GOAL := test

setup: .venv/.done

.venv/.done: requirements.txt requirements-model.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	@echo "金匮 Jingui: setting up .venv (once)"
	@$(PYTHON) -m venv .venv
	@if command -v uv >/dev/null; then \
		uv pip install --quiet --python $(RUN) --require-hashes -r requirements.txt && \
		uv pip install --quiet --python $(RUN) --no-deps --require-hashes -r requirements-model.txt && \
		uv pip install --quiet --python $(RUN) --no-deps --no-build-isolation -e .; \
	else \
		$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt && \
		$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-model.txt && \
		$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

demo: setup ## one day of an archive in ./demo-archive
	@$(RUN) -m cli.demo

test: setup ## everything that must hold, in about ten minutes
	@$(RUN) -m pytest -n auto -m "not faults and not bench"

check: setup ## style, types, architecture, dependencies
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports && $(BIN)/deptry .

fix: setup ## let the tools mend what they can
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

bench: setup ## ratios, measured side by side
	@$(RUN) -c "import deskew, jdeskew" 2>/dev/null || $(RUN) -m pip install --quiet --disable-pip-version-check \
		$$($(RUN) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["compare"])')
	@$(RUN) -m pytest -m bench -s -p no:xdist tests/benchmarks

faults: setup ## crash and bit-flip sweeps, whole
	@$(RUN) -m pytest -m faults -s -n auto tests/faults

fuzz: setup ## ten minutes for each entry point that takes bytes from strangers (SECONDS=... for less)
	@$(RUN) -c "import atheris" 2>/dev/null || $(RUN) -m pip install --quiet --disable-pip-version-check \
		"$$($(RUN) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["fuzz"])')"
	@nice $(RUN) -m tests.fuzz $(or $(SECONDS),600)

fixtures: setup ## make the test records again (needs Chinese fonts)
	@$(RUN) -m fixtures.make

clean:
	@rm -rf .venv demo-archive .mypy_cache .ruff_cache .hypothesis
