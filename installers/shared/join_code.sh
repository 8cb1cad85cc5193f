# Tells a whole join code from a damaged one, before anything is fetched.

# What only looks like a code is not shown: with one wrong character it is a secret still. The program knows more signs
# that may stand between its letters than ASCII has.
check_code() { # FROM WORD
    case $2 in
        '') stop 2 "$1 is empty: \`bittrader head invite\` prints a code on the head." ;;
        /* | ./* | ../*) [ -r "$2" ] || stop 2 "$2 is neither a join code nor a file that can be read." ;;
    esac
    if [ -f "$2" ] && [ -r "$2" ]; then
        letters=$(head -n 100 <"$2" | LC_ALL=C tr -d '\200-\377' | grep -v '^#')
    else
        letters=$(printf '%s' "$2" | LC_ALL=C tr -d '\200-\377')
    fi
    letters=${letters#bittrader worker join } # the line that the head printed, as a whole
    case $letters in
        *[!0-9A-Za-z_.[:space:]-]*) stop 2 "what $1 says is neither a join code nor a file that holds one (it is not shown: a code is secret)." ;;
    esac
    letters=$(printf '%s' "$letters" | LC_ALL=C tr -d '[:space:]_.-' | LC_ALL=C tr abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ | tr OIL 011)
    is_whole "$letters" || case ${#letters} in
        59 | 66 | 72 | 78) stop 2 "the join code of $1 is damaged: copy it again, all of it." ;;
        *) stop 2 "the join code of $1 is not whole, it has ${#letters} letters: copy it again, all of it." ;;
    esac
}

# Whether the last six letters of a code are those that the others give: src/bittrader/cluster/invite.py tells of it.
is_whole() { # LETTERS
    # By its input: what is a word, the list of processes shows.
    printf '%s\n' "$1" | awk '
        function sum(a, b,   all, bit) {
            for (bit = 1; bit < 64; bit *= 2) if (int(a / bit) % 2 != int(b / bit) % 2) all += bit
            return all + 0
        }
        function times(a, b,   all, bit) {
            for (bit = 16; bit >= 1; bit /= 2) {
                all *= 2
                if (all >= 32) all = sum(all, 41)
                if (int(b / bit) % 2) all = sum(all, a)
            }
            return all + 0
        }
        {
            split("29 22 20 21 29 18", generator, " ")
            left[6] = 1
            for (at = 1; at <= length($0); at++) {
                digit = index("0123456789ABCDEFGHJKMNPQRSTVWXYZ", substr($0, at, 1)) - 1
                if (digit < 0) exit 1
                factor = left[1] + 0
                for (i = 1; i < 6; i++) left[i] = left[i + 1] + 0
                left[6] = digit
                for (i = 1; i <= 6; i++) left[i] = sum(left[i], times(factor, generator[i]))
            }
            rest = left[1] " " left[2] " " left[3] " " left[4] " " left[5] " " left[6]
            exit (rest != "2 9 20 20 18 1")
        }'
}
