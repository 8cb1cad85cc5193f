# Whether an installation is going on, by that script; `other` is its process.
is_another() { # SCRIPT
    other=$(cat "$FOLDER/.setup/pid" 2>/dev/null)
    [ -n "$other" ] && ps -p "$other" -o args= 2>/dev/null | grep -qF -- "$1"
}
