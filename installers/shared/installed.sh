# Calls the program that is installed here. Kept to what dash, bash 3.2 and the BSD tools of macOS understand.
set -u
#:include places.sh

call() { # COMMAND ARGUMENTS...
    if [ -x "$PROGRAM" ]; then
        exec "$PROGRAM" "$ROLE" "$@"
    fi
    echo "no $ROLE is installed here (there is no $PROGRAM): run  sh $INSTALLER" >&2
    exit 2
}
