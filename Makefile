# make demo: recordings labelled by the shipped model; a model of its own on a synthetic corpus.
# make bench CORPORA=DIR: the toolkit against its peers; writes benchmarks/results.md.
# make notebook: SER-demo.ipynb run anew, with its outputs.
# make test: everything the tests need, the checks, and the whole test suite.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DEMO   := runs/demo
# Clips of the demo's corpus, and further arguments of its training.
DEMO_CORPUS := --speakers 12 --clips 4
DEMO_TRAIN  :=
SITE   := build/site
# What `make web` puts into its page.
MODEL  ?= default
# Processes that share the tests; more need more memory, because each may load TensorFlow.
TEST_JOBS ?= 2

.PHONY: demo web test test-setting test-install test-lowest test-image check types docs mutants bench corpora-named samples lock licences sbom audit clean help

help:
	@echo "make demo   predict with the shipped model; train one on synthetic voices; two minutes"
	@echo "make notebook  run SER-demo.ipynb anew, in place"
	@echo "make test   checks and the whole test suite"
	@echo "make check  ruff and mypy alone"
	@echo "make docs   the documentation as a site, in $(SITE)"
	@echo "make web    the page that needs no server, in web/dist; make web MODEL=open for that model"
	@echo "make bench  measure against other tools on real clips: make bench CORPORA=DIR"
	@echo "make mutants  whether the tests of HMMs, timeline and confidence notice changes"
	@echo "make lock   pin the packages of requirements-*lock.txt anew; LOCK=--upgrade for newer ones"
	@echo "make test-lowest  predict with the lowest versions of packages that are allowed"
	@echo "make licences, make sbom, make audit  licences, bill of materials, known vulnerabilities"
	@echo "make clean  remove .venv and the demo"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name it with make PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt requirements-web.txt $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/installed-bench: requirements-bench.txt $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@

$(VENV)/installed-docs: requirements-docs.txt $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	@touch $@

$(VENV)/installed-mutants: $(VENV)/installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "mutmut>=3.8,<4"
	@touch $@

$(VENV)/installed-release: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9,<1" "pip-audit>=2.9,<3"
	@touch $@

# Two minutes at most on two cores.
demo: $(VENV)/installed
	@rm -rf $(DEMO)
	@printf '%s\n' "" "1. The model that ships, on recordings of the toolkit's own synthesiser. They were picked" \
	  "   because it is sure of them, so they are no test: samples/README.md." ""
	$(BIN)/python predict.py --folder samples
	@printf '%s\n' "" "2. One voice in several moods, as text and as a picture." ""
	$(BIN)/python predict.py --file samples/synthetic_timeline.wav --timeline
	$(BIN)/python predict.py --file samples/synthetic_timeline.wav --format png --output $(DEMO)/timeline.png
	@printf '%s\n' "" "3. A model of your own, trained on synthetic voices and tested on others: about a minute." ""
	$(BIN)/python -m data synthesise --root $(DEMO)/corpus $(DEMO_CORPUS) --seed 1
	$(BIN)/python train.py --config demo.yaml --set data.root=$(DEMO)/corpus --output $(DEMO)/train $(DEMO_TRAIN)
	@printf '%s\n' "" "4. What it finds in the recording of step 2." ""
	$(BIN)/python predict.py --file samples/synthetic_timeline.wav --model $(DEMO)/train \
	  --format png --output $(DEMO)/own_timeline.png
	@printf '%s\n' "" "Pictures: $(DEMO)/timeline.png of the shipped model," \
	  "          $(DEMO)/own_timeline.png of the one just trained." \
	  "Next:     $(BIN)/python predict.py --file YOUR.wav --timeline"

# What it takes from the machine, docs/generate/notebook.py takes out.
.PHONY: notebook
notebook: $(VENV)/installed-dev
	$(BIN)/python -m docs.generate.notebook

check: $(VENV)/installed-dev types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Exact versions and checksums, for Linux, macOS and Windows and Python 3.11 and later. Pins that
# still satisfy pyproject.toml stay, unless LOCK=--upgrade.
LOCKING := uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
lock: $(VENV)/installed-release
	$(BIN)/python -m $(LOCKING) $(LOCK) --extra all --output-file requirements-all-lock.txt
	$(BIN)/python -m $(LOCKING) $(LOCK) --constraints requirements-all-lock.txt --output-file requirements-lock.txt

licences: $(VENV)/installed-dev
	$(BIN)/python -m release.licences

# CycloneDX, one for each release.
sbom: $(VENV)/installed-dev
	$(BIN)/python -m release.sbom build/sbom.json

# Asks a database in the network; no part of the tests.
audit: $(VENV)/installed-release
	$(BIN)/python -m release.audit

# The package as it is once installed, of links, for mypy and editors: in a checkout its folders
# `features` and `data` lie beside it.
types:
	@rm -rf build/types && mkdir -p build/types/bilstm_hmm
	@ln -s $(CURDIR)/bilstm_hmm/* $(addprefix $(CURDIR)/,features data configs models) build/types/bilstm_hmm

# What the pages have from the code, `python -m docs.generate` writes; a test says when it is due.
docs: $(VENV)/installed-docs types
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet --site-dir $(SITE)
	@echo "$(SITE)/index.html"

web/node_modules/installed: web/package.json web/package-lock.json
	npm ci --prefix web --ignore-scripts --no-audit --no-fund
	@touch $@

# A page for any static host, with the model in it.
web: $(VENV)/installed web/node_modules/installed
	$(BIN)/python -m bilstm_hmm export --model $(MODEL) --output web/public/model.onnx --overwrite
	npm run --prefix web build
	@echo "web/dist: any static host serves it, under any path; here: $(BIN)/python -m http.server -d web/dist"

# Threads of numeric libraries would only fight over the cores that the test processes share.
test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadfile \
	  --cov --cov-report=term:skip-covered --cov-fail-under=90

# The tests alone, for another setting of the processor: OPENBLAS_CORETYPE=Nehalem make test-setting
test-setting: $(VENV)/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadfile

# A true install in an environment of its own: what it weighs, and that it predicts. Of a copy,
# because setuptools writes to what it builds from, and tests may be looking at that.
test-install:
	rm -rf build/install && $(PYTHON) -m venv build/install
	mkdir build/install/source
	git ls-files -z | tar -cf - --null -T - | tar -xf - -C build/install/source
	build/install/bin/python -m pip install --quiet --disable-pip-version-check build/install/source
	@du -sm $$(build/install/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
	  | awk '{ print "site-packages, pip itself included: " $$1 " MB"; exit $$1 > 280 }'
	cd build && install/bin/bilstm-hmm predict --file ../samples/synthetic_angry.wav --timeline
	cd build && install/bin/bilstm-hmm predict --file ../samples/synthetic_angry.wav --model open
	rm -rf build/install

# What prediction needs at the lowest versions that pyproject.toml allows, in an environment of its
# own: the answers are those of the newest, and --help is there.
test-lowest: $(VENV)/installed-release
	rm -rf build/lowest && $(PYTHON) -m venv build/lowest
	$(BIN)/python -m uv pip install --quiet --python build/lowest --resolution lowest-direct -r pyproject.toml
	build/lowest/bin/python predict.py samples --timeline >build/lowest/answers.txt
	$(BIN)/python predict.py samples --timeline | cmp - build/lowest/answers.txt
	build/lowest/bin/python predict.py --help >build/lowest/help.txt
	rm -rf build/lowest

# What the image holds, made by its own script: its size, that it serves as HEALTHCHECK asks, and that it stops.
test-image:
	rm -rf build/image
	sh docker/install.sh build/image web
	rm -rf build/lib build/bdist.* bilstm_hmm.egg-info
	@du -sm build/image | awk '{ print "environment of the image: " $$1 " MB; python:3.11-slim has 125"; exit $$1 > 270 }'
	cd build && { image/bin/bilstm-hmm serve --port 8765 & PORT=8765; export PORT; trap "kill $$!" EXIT; \
	  for n in $$(seq 60); do $(abspath $(BIN))/python ../docker/healthy.py 2>/dev/null && break; sleep 1; done; \
	  $(abspath $(BIN))/python ../docker/healthy.py; }
	rm -rf build/image

# The pages in a real browser. Where there is none, and apt, pip or npm cannot give what is missing,
# a sentence says so.
.PHONY: test-web
test-web: $(VENV)/installed-dev
	@if sh tests/web/install.sh $(BIN)/python build/web-test; then \
	  OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/web; fi

# Changes to the code, one after the other, that the tests beside it should notice; half an hour.
mutants: $(VENV)/installed-mutants
	OMP_NUM_THREADS=1 $(BIN)/mutmut run
	$(BIN)/mutmut results

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
