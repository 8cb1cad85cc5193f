# With sudo a node is the ordinary user's, and so is all that is made for it; a root without sudo is a user like others.
# The program looks a caller's home up as we do, so that both mean the same folder.
OWNER=
if [ "$(id -u)" = 0 ] && [ -n "${SUDO_USER:-}" ] && command -v getent >/dev/null 2>&1; then
    OWNER=$SUDO_USER
    HOME=$(getent passwd "$OWNER" | cut -d : -f 6)
    export HOME
    [ "$OWNER" != root ] || OWNER=
fi
if [ -z "${BITTRADER_HOME:-}${HOME:-}" ]; then
    echo "${0##*/}: it is not known where this user's home is: set HOME." >&2
    exit 2
fi
if [ "$(printf '%s.' "${BITTRADER_HOME:-}${HOME:-}" | tr -d '[:cntrl:]')" != "${BITTRADER_HOME:-}${HOME:-}." ]; then
    echo "${0##*/}: a line break, or another control character, is in HOME or BITTRADER_HOME: no service can be run from there." >&2
    exit 2
fi
folder_of() { # ROLE
    if [ -n "${BITTRADER_HOME:-}" ]; then at=$BITTRADER_HOME/$1; else at=$HOME/.bittrader_$1; fi
    case $at in /*) printf '%s\n' "$at" ;; *) printf '%s\n' "$PWD/$at" ;; esac
}
FOLDER=$(folder_of "$ROLE")
PROGRAM=$FOLDER/bin/bittrader
