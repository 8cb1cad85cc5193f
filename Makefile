# Every job is one of dev.py's. Where no python3 runs, uv brings one.
PYTHON := $(shell python3 -c 'import sys; sys.exit(sys.version_info < (3, 7))' 2>/dev/null && echo python3)
UV := $(shell command -v uv 2>/dev/null)
DEV := $(or $(PYTHON),$(if $(UV),$(UV) run --no-project --python 3.11),$(error Python 3.11 to 3.13 is needed, or uv, which brings its own: install one of them)) dev.py

JOBS := setup demo test lab lint types bench docs lock wheels installers clean help
.DEFAULT_GOAL := help
.PHONY: $(JOBS)
$(JOBS):
	@$(DEV) $@ $(ARGS)
