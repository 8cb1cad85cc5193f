#!/bin/sh
# Says what is right with the worker here and what is not. The words after it go to `bittrader worker verify`.
ROLE=worker
INSTALLER=install.sh
#:include installed.sh

call verify "$@"
