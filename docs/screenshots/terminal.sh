#!/usr/bin/env bash
# Has a small conversation in chat-client, in tmux, and writes what its terminal shows, with
# its colours as escape sequences, to a file: the source of the terminal's picture.
#
#   docs/screenshots/terminal.sh [OUT]    (docs/screenshots/terminal.ansi unless given)
#
# Uses chat-server and chat-client of CHINWAG_BIN, or else builds them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

out=${1:-docs/screenshots/terminal.ansi}
columns=${COLUMNS_SHOWN:-84}
rows=${ROWS_SHOWN:-24}
work=$(mktemp -d)
socket=$work/tmux
processes=()

fail() {
    printf 'docs/screenshots/terminal.sh: %s\n' "$*" >&2
    exit 1
}

in_tmux() { tmux -S "$socket" -f /dev/null "$@"; }

clean_up() {
    in_tmux kill-server 2>/dev/null || true
    ((${#processes[@]} == 0)) || kill "${processes[@]}" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap clean_up EXIT

command -v tmux >/dev/null || fail "tmux is missing: install it and run this again"
if [[ -z ${CHINWAG_BIN:-} ]]; then
    cargo build --release --bins
    CHINWAG_BIN=${CARGO_TARGET_DIR:-target}/release
fi
CHINWAG_BIN=$(realpath "$CHINWAG_BIN")

# Waits until a command succeeds, at the longest for 10 s.
eventually() {
    local try
    for ((try = 0; try < 200; try++)); do
        if "$@"; then return; fi
        sleep 0.05
    done
    fail "waited in vain for: $*"
}

shown() { in_tmux capture-pane -p | grep -qF -- "$1"; }
has_line() { [[ -s $1 ]]; }

"$CHINWAG_BIN/chat-server" --listen 127.0.0.1:0 -qq >"$work/server" &
processes+=($!)
eventually has_line "$work/server"
url=$(sed -n 's/^listening on //p' "$work/server")

# The others speak JSON; a line to `say NAME ROOM TEXT` is a message of theirs.
declare -A mouths
joins() { # NAME ROOM
    mkfifo "$work/$1"
    "$CHINWAG_BIN/chat-client" --json -qq --name "$1" --room "$2" "$url" <"$work/$1" >"$work/$1.out" 2>/dev/null &
    processes+=($!)
    exec {mouth}>"$work/$1"
    mouths[$1]=$mouth
    eventually has_line "$work/$1.out"
}
asks() { printf '%s\n' "$2" >&"${mouths[$1]}"; } # NAME JSON
say() {                                          # NAME ROOM TEXT
    asks "$1" "{\"type\":\"say\",\"room\":\"$2\",\"text\":\"$3\"}"
}
# The same, seen by John before anything else happens.
tells() { say "$1" "$2" "$3" && eventually shown "${3:0:20}"; }

joins Zoë lobby
joins Adam lobby
asks Zoë '{"type":"topic","room":"lobby","text":"release day: 2.0 goes out at four"}'
say Zoë lobby "morning! the last build is green"
eventually grep -q "last build" "$work/Adam.out"
say Adam lobby "on all three machines?"

in_tmux new-session -d -x "$columns" -y "$rows" \
    "env XDG_STATE_HOME='$work' TERM=tmux-256color COLORTERM=truecolor NO_COLOR= \
     '$CHINWAG_BIN/chat-client' --name John --no-bell '$url'"
types() { in_tmux send-keys -l "$1"; }
enters() { types "$1" && in_tmux send-keys Enter; }

eventually shown "here:"
enters "hi all, what did I miss?"
eventually shown "John: hi all"
tells Zoë lobby "hi John! nothing but green lights. The release notes still lack a word about the new resume: can you write two sentences?"
enters "sure, in ten minutes"
eventually shown "sure, in ten"
joins 李娜 lobby
eventually shown "李娜 joined"
tells 李娜 lobby "早上好 👋 I can test it from here, with the train's wifi going up and down"
enters "/me hands 李娜 the notes to read"
eventually shown "hands 李娜"
asks Adam '{"type":"whisper","to":"John","text":"lunch at one? my treat if it ships"}'
eventually shown "lunch at one"
enters "/msg Adam deal"
eventually shown "deal"
enters "/join games"
eventually shown "games · 1 here"
enters "/join lobby"
eventually shown "lobby · 4 here"
joins Eve games
say Eve games "anyone for a round of go tonight?"
say Eve games "I bring the board"
eventually shown "+2 games"
tells Adam lobby "two machines are done, the third needs a reboot:\\n  uname -r says 6.1, it wants 6.12"
types "thanks Adam, I'll do that one"
eventually shown "I'll do that one"

in_tmux capture-pane -e -p >"$out"
printf 'wrote %s\n' "$out"
