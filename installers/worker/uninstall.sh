#!/bin/sh
# Removes the worker from this computer. The words after it go to `bittrader worker uninstall`.
ROLE=worker
INSTALLER=install.sh
#:include installed.sh

#:include uninstall.sh
