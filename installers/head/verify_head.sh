#!/bin/sh
# Says what is right with the head here and what is not. The words after it go to `bittrader head verify`.
ROLE='head'
INSTALLER=setup_head_native.sh
#:include installed.sh

call verify "$@"
