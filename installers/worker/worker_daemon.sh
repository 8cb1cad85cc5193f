#!/bin/sh
# Runs the worker in this terminal until Ctrl-C. The words after it go to `bittrader worker start`.
ROLE=worker
INSTALLER=install.sh
#:include installed.sh

call start "$@"
