# Removes what is installed; where an installation never came to its end, what it left.
[ ! -x "$PROGRAM" ] || call uninstall "$@"
if [ ! -d "$FOLDER/envs" ] && [ ! -d "$FOLDER/python" ] && [ ! -d "$FOLDER/.setup" ]; then
    echo "no $ROLE is installed here (there is no $PROGRAM): nothing to remove."
    exit 0
fi

#:include another.sh
if is_another "$INSTALLER"; then
    echo "it is being installed (process $other): wait for that, or stop it." >&2
    exit 1
fi

# Asks unless --yes is among the words; with --dry-run it changes nothing.
SURE=
for word in "$@"; do
    case $word in
        --yes | -y) SURE=1 ;;
        --dry-run)
            echo "would remove what an unfinished installation left in $FOLDER: envs, python, bin"
            exit 0
            ;;
        --keep-studies | --delete-studies | --json) ;;
        *)
            echo "there is no option $word: --yes and --dry-run are understood" >&2
            exit 2
            ;;
    esac
done
if [ -z "$SURE" ]; then
    [ -t 0 ] || {
        echo "there is no terminal to ask on: add --yes" >&2
        exit 2
    }
    printf 'Remove what an unfinished installation left in %s? [Y/n] ' "$FOLDER"
    read -r answer || answer=n
    case $answer in
        '' | y | Y | yes | Yes) ;;
        *)
            echo "You said no: nothing was removed."
            exit 1
            ;;
    esac
fi
rm -rf "$FOLDER/envs" "$FOLDER/python" "$FOLDER/.setup" "${FOLDER:?}/bin" "$FOLDER/install.lock" || exit 1
rmdir "$FOLDER" 2>/dev/null || echo "kept, because they are not the installer's: the other files in $FOLDER"
echo "removed what an unfinished installation had left."
