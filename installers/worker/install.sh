#!/bin/sh
# Sets this computer up as a worker of a cluster: `sh install.sh`, or with --help for its options.
ROLE=worker
WHAT='a worker of a cluster'
UNINSTALLER=uninstall.sh
#:values
#:include bootstrap.sh
