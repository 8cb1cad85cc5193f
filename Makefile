# Every job is one of dev.py's. Where no python3 runs, uv brings one.
DEV := $(shell python3 -c 'import sys; sys.exit(sys.version_info < (3, 7))' 2>/dev/null && echo python3 || echo uv run --no-project --python 3.11) dev.py
JOBS := demo test lint types bench lock wheels clean help

.DEFAULT_GOAL := help
.PHONY: $(JOBS)
$(JOBS):
	@$(DEV) $@ $(ARGS)
