#!/bin/sh
# Removes the head from this computer. The words after it go to `bittrader head uninstall`.
ROLE='head'
INSTALLER=setup_head_native.sh
#:include installed.sh

#:include uninstall.sh
