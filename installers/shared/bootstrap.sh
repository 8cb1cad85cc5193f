# Checks the machine, makes an isolated environment from package/, and hands over to `bittrader ROLE install`.
#
# Kept to what dash, bash 3.2 and the BSD tools of macOS understand. What a run made that fails before the environment is
# whole is removed again: see `undo`; a whole one is kept for the next. A run that was killed leaves what the next one
# removes first: the folder .setup and an environment without its stamp.
set -u
# What would let other code into the environment, or the environment into another place.
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV CONDA_PREFIX UV_SYSTEM_PYTHON UV_PROJECT UV_WORKING_DIR
# Whatever the user's own is: a program that others may write is theirs.
umask go-w

SCRIPT=${0##*/}
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
PACKAGE=$HERE/package
#:include places.sh
#:include another.sh
ENVIRONMENT=$FOLDER/envs/$PACKAGE_ID
STAMP=$ENVIRONMENT/bittrader-installed
PYTHONS=$FOLDER/python
SETUP=$FOLDER/.setup
SECONDS_TO_CONNECT=20
NEEDED_MB=2000
CHILD=
MAKING=

say() { printf '%s\n' "$*" >&3; }
stop() { # CODE MESSAGE: the end, told in one line
    [ -n "$MAKING" ] && undo
    printf '%s: %s\n' "$SCRIPT" "$2" >&2
    exit "$1"
}

usage() {
    cat <<END
Usage: sh $SCRIPT [OPTIONS]

Sets this computer up as $WHAT.

  --yes               ask nothing: take the answers from the options below      (BITTRADER_YES=1)
  --dry-run           say what would be changed, and change nothing             (BITTRADER_DRY_RUN=1)
END
    [ "$ROLE" = head ] || cat <<END
  --join CODE         the join code, or a file that holds it                    (BITTRADER_JOIN)
END
    cat <<END
  --scope SCOPE       Linux: a service of the system, or of this user           (BITTRADER_SCOPE=system|user)
  --firewall          open what the cluster needs, to its network alone         (BITTRADER_FIREWALL=yes)
  --no-firewall       leave the firewall as it is                               (BITTRADER_FIREWALL=no)
  --start-at-login    start by itself, with the computer (macOS: at login)      (BITTRADER_START_AT_LOGIN=yes)
  --no-start-at-login start by hand alone                                       (BITTRADER_START_AT_LOGIN=no)
  --cores N           use at most N cores                                       (NUM_CPUS)
  --json              report for programs: words go to standard error
  --help              print this

Behind a proxy: HTTPS_PROXY. From mirrors: UV_DEFAULT_INDEX for packages, UV_PYTHON_INSTALL_MIRROR for Python,
BITTRADER_UV_URL for the folder with uv's package $UV_VERSION. BITTRADER_HOME moves all that is made.
END
}

# Options and answers ------------------------------------------------------------------------------------------------

# Sets ASK, DRY and JSON, and checks every option before anything is done.
read_options() {
    ASK=1 DRY='' JSON=''
    while [ $# -gt 0 ]; do
        case $1 in
            --help | -h)
                usage
                exit 0
                ;;
            --yes | -y) ASK='' ;;
            --dry-run) DRY=1 ;;
            --json) JSON=1 ;;
            --firewall | --no-firewall | --start-at-login | --no-start-at-login) ;;
            --scope | --cores | --join)
                [ "$1" = --join ] && [ "$ROLE" = head ] && stop 2 "--join is for workers; a head prints the code for them."
                [ $# -gt 1 ] || stop 2 "$1 needs a value; --help lists the options."
                shift
                ;;
            --firewall=* | --no-firewall=* | --start-at-login=* | --no-start-at-login=*)
                switch=${1%%=*} switch=${switch#--} switch=${switch#no-}
                stop 2 "write --$switch or --no-$switch, without a value."
                ;;
            -y=* | -h=* | --yes=* | --dry-run=* | --json=* | --help=*) stop 2 "write ${1%%=*} without a value." ;;
            -*) stop 2 "there is no option ${1%%=*}; --help lists them." ;;
            *) stop 2 "a word without an option is not understood (it is not shown: a join code is secret); --help lists the options." ;;
        esac
        shift
    done
    is_yes "${BITTRADER_YES:-}" && ASK=''
    is_yes "${BITTRADER_DRY_RUN:-}" && DRY=1
    [ -z "$JSON" ] || [ -z "$ASK" ] || [ -n "$DRY" ] || stop 2 "--json asks nothing: add --yes."
}

is_yes() {
    case $1 in
        1 | y | Y | yes | Yes | YES | true) return 0 ;;
        '' | 0 | n | N | no | No | NO | false) return 1 ;;
    esac
    stop 2 "what does '$1' mean? Say yes or no."
}

asked_for() { # NAME ARGUMENTS: whether an option is among the arguments
    name=$1
    shift
    for word in "$@"; do
        [ "$word" = "$name" ] && return 0
    done
    return 1
}

confirm() {
    printf '%s [Y/n] ' "$1" >&3
    read -r answer || answer=n
    case $answer in
        '' | y | Y | yes | Yes) return 0 ;;
    esac
    return 1
}

# The machine --------------------------------------------------------------------------------------------------------

version_at_least() { # HAVE WANTED
    awk -v have="$1" -v want="$2" 'BEGIN {
        split(have, h, "."); split(want, w, ".")
        for (i = 1; i <= 3; i++) { if (h[i] + 0 != w[i] + 0) exit (h[i] + 0 < w[i] + 0) }
        exit 0
    }'
}

# Sets SYSTEM, MACHINE, CORES, MEMORY_MB, FREE_MB; stops where Bittrader cannot run, with the reason.
check_machine() {
    SYSTEM=$(uname -s) MACHINE=$(uname -m)
    case $SYSTEM in
        Linux) check_linux ;;
        Darwin) check_macos ;;
        *) stop 2 "$SYSTEM is not supported: Bittrader runs on Linux, macOS and Windows." ;;
    esac
    [ "$FOR" = any ] || [ "$FOR" = "$SYSTEM" ] ||
        stop 2 "this is the package for another system: take Bittrader_Worker_Installer_v2.6_$(system_name).zip."
    CORES=$(getconf _NPROCESSORS_ONLN)
    FREE_MB=$(df -Pk "$(nearest_folder "$FOLDER")" | awk 'NR == 2 { print int($4 / 1024) }')
}

system_name() { if [ "$SYSTEM" = Darwin ]; then echo macOS; else echo Linux; fi; }

check_linux() {
    # shellcheck source=/dev/null
    NAME=$(. /etc/os-release 2>/dev/null && printf '%s' "${PRETTY_NAME:-Linux}") || NAME=Linux
    case $MACHINE in
        x86_64 | aarch64) ;;
        *) stop 2 "a $MACHINE processor is not supported: Ray has packages for x86_64 and aarch64 alone." ;;
    esac
    [ "$(getconf LONG_BIT)" = 64 ] ||
        stop 2 "this is a 32-bit system on a 64-bit processor: Ray has no packages for it. Install a 64-bit system."
    libc=$(getconf GNU_LIBC_VERSION 2>/dev/null) ||
        stop 2 "this system's C library is not glibc (Alpine's is musl, for one): Ray has no packages for it."
    version_at_least "${libc#* }" "$OLDEST_GLIBC" ||
        stop 2 "$NAME is too old: it has $libc, and the packages of NumPy, Numba and others are made for $OLDEST_GLIBC or newer (Debian 10, Ubuntu 20.04, RHEL 8)."
    MEMORY_MB=$(($(getconf _PHYS_PAGES) * $(getconf PAGESIZE) / 1048576))
}

check_macos() {
    NAME="macOS $(sw_vers -productVersion)"
    if [ "$MACHINE" != arm64 ]; then
        [ "$(sysctl -n hw.optional.arm64 2>/dev/null)" = 1 ] &&
            stop 2 "this terminal runs under Rosetta: start it again with  arch -arm64 sh $SCRIPT"
        stop 2 "Macs with an Intel processor are not supported: Ray has no packages for them any more."
    fi
    version_at_least "${NAME#macOS }" "$OLDEST_MACOS" ||
        stop 2 "$NAME is too old: TA-Lib's packages need macOS $OLDEST_MACOS or newer."
    [ "$(id -u)" != 0 ] || stop 2 "start it without sudo: on macOS a node belongs to the user who is logged in."
    MEMORY_MB=$(($(sysctl -n hw.memsize) / 1048576))
}

nearest_folder() { # PATH: itself, or the first folder above it that is there
    above=$1
    while [ ! -d "$above" ]; do above=$(dirname -- "$above"); done
    printf '%s\n' "$above"
}

# What is less than recommended is said; only what cannot work at all ends it.
describe_machine() {
    say "  This computer  $NAME, $MACHINE, $CORES cores, $(((MEMORY_MB + 512) / 1024)) GB of memory, $((FREE_MB / 1024)) GB of disk free"
    # A tenth less: the firmware keeps a part of the memory for itself.
    [ $((MEMORY_MB * 10)) -ge $((LEAST_GB * 1024 * 9)) ] || say "  Note           $WHAT should have $LEAST_GB GB of memory: large searches may not fit."
    [ "$CORES" -ge "$LEAST_CORES" ] || say "  Note           $WHAT should have $LEAST_CORES cores: it will be slow."
    [ "$FREE_MB" -ge $((LEAST_DISK_GB * 1024)) ] || say "  Note           $WHAT should have $LEAST_DISK_GB GB of disk free, for candles and studies."
    is_made || [ "$FREE_MB" -ge "$NEEDED_MB" ] ||
        stop 1 "there is too little room in $(nearest_folder "$FOLDER"): $FREE_MB MB are free, and $NEEDED_MB MB are needed. Make room, and start it again."
}

install_hint() { # PACKAGE: the command that installs it here
    for manager in apt-get dnf yum zypper pacman; do
        command -v "$manager" >/dev/null 2>&1 || continue
        if [ "$manager" = pacman ]; then echo "sudo pacman -S $1"; else echo "sudo $manager install $1"; fi
        return
    done
    echo "install $1 with your system's package manager"
}

# What is made, and how it is taken back -----------------------------------------------------------------------------

is_made() { [ "$(cat "$STAMP" 2>/dev/null)" = "$PACKAGE_ID" ] && "$ENVIRONMENT/bin/python" -c 'import bittrader' 2>/dev/null; }

# One computer has one role. Whoever gave this one other ports knows better, and so does the program.
check_role() {
    RIVAL=worker
    [ "$ROLE" = head ] || RIVAL='head'
    theirs=$(folder_of "$RIVAL")
    if [ -e "$theirs/receipt.json" ] && [ ! -e "$FOLDER/receipt.json" ] && [ ! -e "$FOLDER/config.toml" ]; then
        stop 2 "this computer is a $RIVAL already, and one computer has one role: a head works as well, and needs no worker beside it. To make it $WHAT instead, first remove the $RIVAL: $theirs/bin/bittrader $RIVAL uninstall"
    fi
}

is_in_use() { # whether the program that is installed is the one of our environment
    [ -f "$PROGRAM" ] && grep -qF -- "/envs/$PACKAGE_ID/" "$PROGRAM"
}

# Remembers what there was before this run.
remember() {
    BEFORE=$(entries)
    MADE_ABOVE=
    above=$FOLDER
    while [ ! -d "$above" ]; do
        MADE_ABOVE="$MADE_ABOVE$above
"
        above=$(dirname -- "$above")
    done
}

# Takes the folder for this run alone.
take() {
    mkdir -p "$FOLDER" || stop 1 "$FOLDER cannot be made: see above."
    if ! mkdir "$SETUP" 2>/dev/null; then
        # Another run may have made it at this moment, and not have said yet who it is.
        [ -s "$SETUP/pid" ] || sleep 1
        if is_another "$SCRIPT"; then
            stop 1 "it is being installed already (process $other): wait for that."
        fi
        { rm -rf "$SETUP" && mkdir "$SETUP"; } || stop 1 "$SETUP cannot be made anew: see above."
    fi
    MAKING=1
    echo $$ >"$SETUP/pid"
}

entries() { # what we may make in the folder, one a line
    for entry in "$FOLDER"/envs "$FOLDER"/envs/* "$FOLDER"/bin "$FOLDER"/bin/uv "$PYTHONS" "$PYTHONS"/* "$PYTHONS"/.[!.]*; do
        [ -e "$entry" ] || [ -h "$entry" ] || continue
        printf '%s\n' "$entry"
    done
}

# Removes what this run made; what was there before stays, and so does what is in use.
undo() {
    MAKING=
    rm -rf "$SETUP"
    is_in_use && return
    entries | while IFS= read -r entry; do
        printf '%s\n' "$BEFORE" | grep -qxF -- "$entry" && continue
        case $entry in
            "$FOLDER/bin") rmdir "$entry" 2>/dev/null ;;
            *) rm -rf "$entry" ;;
        esac
    done
    rmdir "$FOLDER/bin" 2>/dev/null
    printf '%s' "$MADE_ABOVE" | while IFS= read -r folder; do
        rmdir "$folder" 2>/dev/null
    done
}

finish() {
    MAKING=
    rm -rf "$SETUP"
}

# shellcheck disable=SC2329  # a trap calls it
interrupted() { # CODE
    trap '' INT TERM HUP
    if [ -n "$CHILD" ]; then
        kill "$CHILD" 2>/dev/null
        wait "$CHILD" 2>/dev/null
    fi
    stop "$1" "stopped; what it had begun was taken back."
}

# Runs a program with its words kept in a file; what grows meanwhile is shown to a person who waits.
quietly() { # FOLDER-THAT-GROWS COMMAND...
    grows=$1
    shift
    "$@" >"$SETUP/said" 2>&1 &
    CHILD=$!
    if [ -t 2 ] && [ -z "$JSON" ]; then
        while sleep 1 && kill -0 "$CHILD" 2>/dev/null; do
            printf '\r    %s MB ' "$(du -sk "$grows" 2>/dev/null | awk '{ size = $1 } END { print int(size / 1024) }')" >&2
        done
        printf '\r              \r' >&2
    fi
    wait "$CHILD"
    code=$?
    CHILD=
    return $code
}

# Our line for what uv or curl said; with their last lines when we do not know it.
cause() {
    said=$SETUP/said
    # On a full disk the words themselves may be missing.
    if ! echo "is there room for this?" 2>/dev/null >"$SETUP/probe" || grep -qiE 'no space left|os error 28|disk quota' "$said"; then
        echo "the disk is full: make room ($NEEDED_MB MB are needed) and start it again."
    elif grep -qiE 'hash mismatch|do not match the hashes' "$said"; then
        echo "a download is not what it should be. Start it again; if it stays so, do not trust that mirror."
    elif grep -qF 'was not found in the provided package locations' "$said"; then
        echo "$PACKAGE/wheels does not hold all of them for this computer: unpack the whole zip again, with its folders."
    elif grep -qiE 'certificate' "$said"; then
        echo "a server's certificate is not trusted here: set SSL_CERT_FILE to your network's."
    elif grep -qiE 'dns error|resolve host|name resolution|unreachable|refused|timed out|error sending request|request failed|connect to|connection reset|network' "$said"; then
        echo "what is missing cannot be downloaded: check the network (behind a proxy, set HTTPS_PROXY) and start it again."
    else
        echo "it failed, and said:"
        tail -n 5 "$said"
    fi
}

failed() { # WHAT: ends with the cause
    why=$(cause)
    stop 1 "$1: $why"
}

# uv, Python, the environment ----------------------------------------------------------------------------------------

sha256_of() {
    if command -v sha256sum >/dev/null 2>&1; then
        sha256sum <"$1"
    elif command -v shasum >/dev/null 2>&1; then
        shasum -a 256 <"$1"
    else
        openssl dgst -sha256 -r <"$1"
    fi | cut -c 1-64
}

check_package() {
    for pair in "$WHEEL $WHEEL_SHA256" "requirements.txt $REQUIREMENTS_SHA256"; do
        file=$PACKAGE/${pair% *}
        [ -r "$file" ] || stop 2 "$file is not there (or not yours to read): unpack the whole zip, and start the script that lies in it."
        [ "$(sha256_of "$file")" = "${pair#* }" ] || stop 2 "$file is damaged: unpack the zip again."
    done
    for folder in $INSIDE; do
        [ -d "$PACKAGE/$folder" ] || stop 2 "$PACKAGE/$folder is not there: unpack the whole zip, and start the script that lies in it."
    done
}

# Sets UV to one that is new enough for the pinned Python: kept by us, or on the PATH; else to nothing.
find_uv() {
    for UV in "$FOLDER/bin/uv" "$(command -v uv 2>/dev/null)"; do
        [ -n "$UV" ] || continue
        found=$("$UV" --version 2>/dev/null) || continue
        found=${found#uv }
        version_at_least "${found%% *}" "$UV_VERSION" && return
    done
    UV=
}

uv_for() { # SYSTEM MACHINE: the line that names uv for it
    printf '%s\n' "$UV_FILES" | grep -- "^$1-$2 "
}

# A package of uv, checked before anything of it is used; nothing is left of one that is truncated or wrong.
fetch_uv() {
    read -r _ file sha256 <<END
$(uv_for "$SYSTEM" "$MACHINE")
END
    archive=$SETUP/$file
    say "Taking uv $UV_VERSION ..."
    if [ -n "${BITTRADER_UV_URL:-}" ]; then
        fetch "$BITTRADER_UV_URL/$file" "$archive" || failed "uv cannot be fetched"
    elif [ -f "$PACKAGE/uv/$file" ]; then
        cp "$PACKAGE/uv/$file" "$archive" || stop 1 "$PACKAGE/uv/$file cannot be copied: see above."
    else
        stop 2 "$PACKAGE/uv/$file is not there: unpack the whole zip, or name the folder that has it in BITTRADER_UV_URL."
    fi
    [ "$(sha256_of "$archive")" = "$sha256" ] ||
        stop 1 "what was fetched as uv is not uv $UV_VERSION (its SHA-256 differs): nothing of it was used. Start it again; if it stays so, do not trust that mirror or proxy."
    unpack "$archive" "uv-$UV_VERSION.data/scripts/uv" "$SETUP/uv"
    { mkdir -p "$FOLDER/bin" && chmod 755 "$SETUP/uv" && mv "$SETUP/uv" "$FOLDER/bin/uv"; } ||
        stop 1 "uv cannot be put into $FOLDER/bin: see above."
    UV=$FOLDER/bin/uv
}

fetch() { # URL FILE
    if command -v curl >/dev/null 2>&1; then
        quietly "$2" curl --fail --location --silent --show-error --retry 2 --connect-timeout "$SECONDS_TO_CONNECT" --output "$2" "$1"
    elif command -v wget >/dev/null 2>&1; then
        # It knows the variable in small letters alone.
        https_proxy=${https_proxy:-${HTTPS_PROXY:-}} quietly "$2" wget --quiet --tries=3 --connect-timeout="$SECONDS_TO_CONNECT" --output-document="$2" "$1"
    else
        stop 1 "curl is missing, and uv cannot be fetched without it: $(install_hint curl)"
    fi
}

unpack() { # ZIP MEMBER FILE
    if command -v unzip >/dev/null 2>&1; then
        unzip -p "$1" "$2" >"$3"
    elif command -v bsdtar >/dev/null 2>&1; then
        bsdtar -xOf "$1" "$2" >"$3"
    elif command -v python3 >/dev/null 2>&1; then
        python3 -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' "$1" "$2" >"$3"
    else
        stop 1 "unzip is missing, and uv cannot be unpacked without it: $(install_hint unzip)"
    fi || stop 1 "uv cannot be unpacked: is the disk full? Make room, and start it again."
}

run_uv() { # FOLDER-THAT-GROWS ARGUMENTS...: outside any project
    into=$1
    shift
    quietly "$into" env UV_PYTHON_INSTALL_DIR="$PYTHONS" UV_CACHE_DIR="${UV_CACHE_DIR:-$SETUP/cache}" "$UV" --directory "$FOLDER" "$@"
}

find_python() { # sets PYTHON to the pinned one, or to nothing
    PYTHON=
    run_uv "$PYTHONS" --no-python-downloads python find --system --no-project "$PYTHON_VERSION" || return 0
    PYTHON=$(tail -n 1 "$SETUP/said")
}

get_python() {
    find_python
    [ -z "$PYTHON" ] || return 0
    say "Fetching Python $PYTHON_VERSION ..."
    if [ -d "$PACKAGE/python" ]; then
        UV_PYTHON_INSTALL_MIRROR=file://$PACKAGE/python
        export UV_PYTHON_INSTALL_MIRROR
    fi
    run_uv "$PYTHONS" python install --no-bin "$PYTHON_VERSION" || failed "Python $PYTHON_VERSION cannot be fetched"
    find_python
    [ -n "$PYTHON" ] || failed "Python $PYTHON_VERSION was fetched, but is not found"
}

make_environment() {
    say "Making the environment ..."
    rm -rf "$ENVIRONMENT"
    run_uv "$ENVIRONMENT" venv --no-project --python "$PYTHON" "$ENVIRONMENT" || failed "the environment cannot be made"
    if [ -d "$PACKAGE/wheels" ]; then set -- --no-index --find-links "$PACKAGE/wheels"; else set --; fi
    say "Installing $(grep -c '==' "$PACKAGE/requirements.txt") packages (some minutes the first time) ..."
    run_uv "$FOLDER" pip install --python "$ENVIRONMENT/bin/python" --compile-bytecode --only-binary :all: --require-hashes "$@" \
        --requirement "$PACKAGE/requirements.txt" || failed "the packages cannot be installed"
    run_uv "$FOLDER" pip install --python "$ENVIRONMENT/bin/python" --compile-bytecode --no-index --no-deps "$PACKAGE/$WHEEL" ||
        failed "Bittrader cannot be installed"
    printf '%s\n' "$PACKAGE_ID" >"$STAMP" || stop 1 "the environment cannot be finished: is the disk full? Make room, and start it again."
}

prepare() {
    take
    if is_made; then
        say "The environment is there already."
        return
    fi
    find_uv
    [ -n "$UV" ] || fetch_uv
    get_python
    make_environment
}

# All in order -------------------------------------------------------------------------------------------------------

prepare_as_owner() {
    command -v runuser >/dev/null 2>&1 || stop 1 "runuser is missing, and with sudo it is needed: $(install_hint util-linux)"
    BITTRADER_STEP=prepare runuser -u "$OWNER" -- sh "$HERE/$SCRIPT" --yes ${JSON:+--json} || exit
}

say_plan() {
    say "What will be done:"
    if is_made; then
        say "  - use the environment that is there: $ENVIRONMENT"
    else
        if [ -n "$UV" ]; then say "  - use uv: $UV"; else say "  - take uv $UV_VERSION, check its SHA-256, and keep it in $FOLDER/bin"; fi
        say "  - use Python $PYTHON_VERSION if it is here; else have uv fetch it into $PYTHONS"
        say "  - make an environment in $ENVIRONMENT"
        say "    with $(grep -c '==' "$PACKAGE/requirements.txt") packages $(if [ -d "$PACKAGE/wheels" ]; then echo "from this folder"; else echo "from the package index"; fi), each checked by its SHA-256 (about 1.3 GB)"
    fi
    say "  - run \`bittrader $ROLE install\`, which lists what it changes in this computer before it does"
}

has_systemd() { [ -d /run/systemd/system ]; }

# What the program would list, for a dry run before there is one. Its plan has the contents of the files as well.
say_changes() { # OPTIONS
    if [ -e "$FOLDER/receipt.json" ]; then
        say "\`bittrader $ROLE install\` would then keep what was chosen at the first installation, and start it from there"
        say ""
        return 0
    fi
    scope=user at_login='if you agree' firewall='if you agree'
    [ "$(id -u)" != 0 ] || scope=system
    [ -n "$ASK" ] || { at_login='as is the default' firewall=''; }
    while [ $# -gt 0 ]; do
        case $1 in
            --scope) scope=$2 ;;
            --start-at-login) at_login='as you said' ;;
            --no-start-at-login) at_login='' ;;
            --firewall) firewall='as you said' ;;
            --no-firewall) firewall='' ;;
        esac
        shift
    done
    say "\`bittrader $ROLE install\` would then"
    say "  - write $PROGRAM, and link $HOME/.local/bin/bittrader to it, if that name is free"
    if [ "$SYSTEM" = Darwin ]; then
        agents="$HOME/Library/LaunchAgents"
        [ -n "$at_login" ] || agents=$FOLDER
        say "  - write and start the LaunchAgent $agents/bittrader.$ROLE.plist"
    elif ! has_systemd; then
        say "  - start nothing: systemd does not run this computer; it says how you start the $ROLE"
    elif [ "$scope" = system ]; then
        say_unit /etc/systemd/system multi-user.target.wants
    else
        say "  - have your services run while you are not logged in (loginctl enable-linger)"
        say_unit "$HOME/.config/systemd/user" default.target.wants
    fi
    if [ "$SYSTEM" = Darwin ] || [ -z "$firewall" ]; then
        say "  - leave the firewall as it is"
    else
        say "  - open this node's ports to its network alone, where a firewall closes them, $firewall"
    fi
    say "  - keep all else in $FOLDER: settings, secrets, logs, and the list of these changes"
    say ""
}

say_unit() { # FOLDER FOLDER-OF-LINKS
    node=bittrader-$ROLE.service
    say "  - write and start the service $1/$node"
    [ -z "$at_login" ] || say "  - start it with the computer, by the link $1/$2/$node, $at_login"
}

# What was long to fetch is of use to the next try.
say_kept() {
    remove="sh $UNINSTALLER"
    [ ! -e "$PROGRAM" ] || remove="rm -r \"$ENVIRONMENT\""
    printf '%s: not installed, for the reason above. For the next try, which downloads nothing then, this is kept (1.3 GB):\n' "$SCRIPT"
    printf '    %s\nTo remove it:  %s\n' "$ENVIRONMENT" "$remove"
}

hand_over() {
    trap : INT TERM HUP # for the program, which takes back what it did
    MAKING=
    "$ENVIRONMENT/bin/python" -m bittrader "$ROLE" install --environment "$ENVIRONMENT" "$@"
    code=$?
    finish
    is_in_use || say_kept >&2
    exit $code
}

main() {
    for word in "$@"; do # --cores=2 is --cores 2
        shift
        case $word in
            --scope=* | --cores=* | --join=*) set -- "$@" "${word%%=*}" "${word#*=}" ;;
            *) set -- "$@" "$word" ;;
        esac
    done
    read_options "$@"
    if [ -n "$JSON" ]; then exec 3>&2; else exec 3>&1; fi
    check_package
    check_machine
    check_role
    if [ "${BITTRADER_STEP:-}" = prepare ]; then
        remember
        watch_signals
        prepare
        finish
        exit
    fi
    say "Bittrader $PACKAGE_VERSION: sets this computer up as $WHAT."
    say ""
    describe_machine
    say ""
    find_uv
    say_plan
    say ""
    answers_from_variables "$@"
}

watch_signals() {
    trap 'interrupted 130' INT
    trap 'interrupted 143' TERM
    trap 'interrupted 129' HUP
}

# Options that were not given are taken from the variables; then the work begins. The program reads BITTRADER_JOIN
# itself: the list of processes shows words, and a code is secret.
answers_from_variables() {
    is_yes "${BITTRADER_YES:-}" && ! asked_for --yes "$@" && ! asked_for -y "$@" && set -- "$@" --yes
    if [ -n "${BITTRADER_SCOPE:-}" ] && ! asked_for --scope "$@"; then set -- "$@" --scope "$BITTRADER_SCOPE"; fi
    if [ -n "${NUM_CPUS:-}" ] && ! asked_for --cores "$@"; then set -- "$@" --cores "$NUM_CPUS"; fi
    if [ -n "${BITTRADER_FIREWALL:-}" ] && ! asked_for --firewall "$@" && ! asked_for --no-firewall "$@"; then
        if is_yes "$BITTRADER_FIREWALL"; then set -- "$@" --firewall; else set -- "$@" --no-firewall; fi
    fi
    if [ -n "${BITTRADER_START_AT_LOGIN:-}" ] && ! asked_for --start-at-login "$@" && ! asked_for --no-start-at-login "$@"; then
        if is_yes "$BITTRADER_START_AT_LOGIN"; then set -- "$@" --start-at-login; else set -- "$@" --no-start-at-login; fi
    fi
    work "$@"
}

# Before anything is fetched: the program would refuse them in the end.
check_values() {
    while [ $# -gt 1 ]; do
        case $1 in
            --cores) case $2 in '' | 0* | *[!0-9]*) stop 2 "--cores $2 is no number of cores." ;; esac ;;
            --scope) case $2 in system | user) ;; *) stop 2 "--scope is system or user, not $2." ;; esac ;;
            --join) check_code --join "$2" ;;
        esac
        shift
    done
    if [ "$ROLE" = worker ] && [ -n "${BITTRADER_JOIN:-}" ]; then check_code BITTRADER_JOIN "$BITTRADER_JOIN"; fi
}

#:include join_code.sh

work() {
    check_values "$@"
    if [ -n "$DRY" ]; then
        if is_made; then
            asked_for --dry-run "$@" || set -- "$@" --dry-run
            "$ENVIRONMENT/bin/python" -m bittrader "$ROLE" install --environment "$ENVIRONMENT" "$@"
            exit
        fi
        say_changes "$@"
        say "Nothing was changed: this was a dry run."
        exit 0
    fi
    # Before anything is fetched: without it the program would refuse in the end.
    if [ "$ROLE" = worker ] && [ -z "$ASK" ] && [ ! -e "$FOLDER/meeting.json" ] && [ -z "${BITTRADER_JOIN:-}" ] && ! asked_for --join "$@"; then
        stop 2 "this computer has joined no cluster: add --join CODE, which \`bittrader head invite\` prints on the head."
    fi
    if [ -n "$ASK" ]; then
        [ -t 0 ] || stop 2 "there is no terminal to ask on: add --yes, and the answers as options (--help lists them)."
        confirm "Go on?" || stop 1 "nothing was changed."
    fi
    watch_signals
    if [ -n "$OWNER" ]; then
        prepare_as_owner
    else
        remember
        prepare
    fi
    hand_over "$@"
}

main "$@"
