# make demo: a prediction with the shipped model, then one with a model of its own, on a corpus that
# the toolkit makes itself.
# make bench CORPORA=DIR: the toolkit against its peers; writes benchmarks/results.md.
# make test: everything the tests need, the checks, and the whole test suite.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DEMO   := runs/demo
SITE   := build/site
# Processes that share the tests; more need more memory, because each may load TensorFlow.
TEST_JOBS ?= 2

.PHONY: demo test check types docs bench corpora-named samples clean help

help:
	@echo "make demo   predict with the shipped model; train, evaluate and predict on a synthetic corpus"
	@echo "make test   checks and the whole test suite"
	@echo "make check  ruff and mypy alone"
	@echo "make docs   the documentation as a site, in $(SITE)"
	@echo "make bench  measure against other tools on real clips: make bench CORPORA=DIR"
	@echo "make clean  remove .venv and the demo"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name it with make PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/installed-bench: requirements-bench.txt $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@

$(VENV)/installed-docs: requirements-docs.txt $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	@touch $@

demo: $(VENV)/installed
	rm -rf $(DEMO)
	$(BIN)/python predict.py --folder samples
	$(BIN)/python -m data synthesise --root $(DEMO)/corpus --speakers 14 --clips 5 --seed 1
	$(BIN)/python train.py --config demo.yaml --set data.root=$(DEMO)/corpus --output $(DEMO)/train
	$(BIN)/python evaluate.py --config demo.yaml --set data.root=$(DEMO)/corpus \
	  --folds 2 --output $(DEMO)/evaluate
	$(BIN)/python predict.py --file samples/synthetic_sad.wav --model $(DEMO)/train --timeline

check: $(VENV)/installed-dev types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The package as it is once installed, of links, for mypy and editors: in a checkout its folders
# `features` and `data` lie beside it.
types:
	@rm -rf build/types && mkdir -p build/types/bilstm_hmm
	@ln -s $(CURDIR)/bilstm_hmm/* $(addprefix $(CURDIR)/,features data configs models) build/types/bilstm_hmm

# What the pages have from the code, `python -m docs.generate` writes; a test says when it is due.
docs: $(VENV)/installed-docs types
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet --site-dir $(SITE)
	@echo "$(SITE)/index.html"

# Threads of numeric libraries would only fight over the cores that the test processes share.
test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadfile \
	  --cov --cov-report=term:skip-covered --cov-fail-under=90

# BENCH has further arguments, as in BENCH="--only start,warm".
bench: corpora-named $(VENV)/installed-bench
	$(BIN)/python -m benchmarks --corpora "$(CORPORA)" $(BENCH)

corpora-named:
	@test -n "$(CORPORA)" || { echo "Name the folder of the corpora: make bench CORPORA=DIR"; exit 1; }

# The recordings in samples/, made anew.
samples: $(VENV)/installed
	PYTHONPATH=. $(BIN)/python samples/make.py

clean:
	rm -rf $(VENV) $(DEMO)
