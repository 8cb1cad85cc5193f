#!/bin/sh
# Sets this computer up as the head of a cluster: `sh setup_head_native.sh`, or with --help for its options.
ROLE='head'
WHAT='the head of a cluster'
UNINSTALLER=uninstall_head.sh
#:values
#:include bootstrap.sh
