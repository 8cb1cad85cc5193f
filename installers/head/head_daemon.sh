#!/bin/sh
# Runs the head in this terminal until Ctrl-C. The words after it go to `bittrader head start`.
ROLE='head'
INSTALLER=setup_head_native.sh
#:include installed.sh

call start "$@"
