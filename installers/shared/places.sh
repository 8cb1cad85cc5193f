# With sudo a node is the ordinary user's, and so is all that is made for it.
OWNER=
if [ "$(id -u)" = 0 ] && [ -n "${SUDO_USER:-}" ] && [ "$SUDO_USER" != root ] && command -v getent >/dev/null 2>&1; then
    OWNER=$SUDO_USER
    HOME=$(getent passwd "$OWNER" | cut -d : -f 6)
    export HOME
fi
if [ -n "${BITTRADER_HOME:-}" ]; then FOLDER=$BITTRADER_HOME/$ROLE; else FOLDER=$HOME/.bittrader_$ROLE; fi
case $FOLDER in /*) ;; *) FOLDER=$PWD/$FOLDER ;; esac
PROGRAM=$FOLDER/bin/bittrader
