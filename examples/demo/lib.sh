# Sourced by run: telling, asserting, and the processes of the demo. Nothing here knows the story.
# shellcheck shell=bash disable=SC2153

# ------------------------------------------------------------------------------------------------------------- telling

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  BOLD=$'\e[1m' DIM=$'\e[2m' GREEN=$'\e[32m' RED=$'\e[31m' PLAIN=$'\e[0m'
else
  BOLD='' DIM='' GREEN='' RED='' PLAIN=''
fi

title() { printf '\n%s%s%s\n' "$BOLD" "$*" "$PLAIN"; }
say() { printf '  %s\n' "$@"; }
checked() { printf '  %sok%s  %s\n' "$GREEN" "$PLAIN" "$*"; }
indented() { sed "s/^/      /"; }

fail() {
  printf '\n%sdemo: %s%s\n' "$RED" "$*" "$PLAIN" >&2
  exit 1
}

# Words as one could type them again.
typed() {
  local word
  for word in "$@"; do
    case $word in
      *[!A-Za-z0-9_./:=@,-]*|'') printf " '%s'" "$word" ;;
      *) printf ' %s' "$word" ;;
    esac
  done
}

# ----------------------------------------------------------------------------------------------------------- processes

# Whether any thread of the process still runs. One that only waits to be collected by its parent is gone as well.
alive() {
  local stat tasks
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  tasks=("/proc/$1/task"/*)
  [ "${stat%% *}" != Z ] || ((${#tasks[@]} > 1))
}

# stop_process PID SECONDS: SIGTERM, and SIGKILL when that is not heeded (then it fails).
stop_process() {
  local i
  kill -TERM "$1" 2>/dev/null || return 0
  for ((i = 0; i < $2 * 20; i++)); do
    alive "$1" || return 0
    sleep 0.05
  done
  kill -KILL "$1" 2>/dev/null || true
  return 1
}

# Ports below those that the kernel hands out to connections, so that nobody takes one between our look and its use.
free_ports() {
  local count=$1 port
  local -A seen=()
  while ((${#seen[@]} < count)); do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    if [ -z "${seen[$port]:-}" ] && ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      seen[$port]=1
      echo "$port"
    fi
  done
}

launch_server() {
  # The hooks find `greeter` by the PATH that the server was started with.
  PATH="$BIN:$PATH" setsid "$BIN/headgate" serve --config "$DIR/headgate.yaml" --log-format json \
    </dev/null >>"$DIR/headgate.log" 2>&1 &
  echo $! >"$DIR/headgate.pid"
  disown
}

server_pid() { cat "$DIR/headgate.pid"; }
is_ready() { curl -fs -m 2 -o /dev/null "$URL/readyz"; }

wait_ready() {
  local i
  for ((i = 0; i < 600; i++)); do
    is_ready && return 0
    if [ -z "$CRASH" ] && ! alive "$(server_pid)"; then fail "the server ended while it started"; fi
    sleep 0.05
  done
  fail "the server was not ready within 30 seconds"
}

launch_agent() {
  setsid "$BIN/greeter" host --socket "$DIR/agent.sock" --state-dir "$DIR/machine" </dev/null >>"$DIR/agent.log" 2>&1 &
  echo $! >"$DIR/agent.pid"
  wait_until 10 "the machine's agent is there" test -S "$DIR/agent.sock"
}

# --------------------------------------------------------------------------------------------------------- the command

# hg WHO ARGUMENT…: the command line with WHO's token, its answer in $DIR/answer and, behind
# what it said on standard error, in $DIR/out; exit code as its own. While the server is
# away because we killed it, it is asked again; TRIES says how often it was asked.
hg() {
  local who=$1 code
  shift
  TRIES=0
  while true; do
    TRIES=$((TRIES + 1))
    code=0
    HEADGATE_TOKEN=$(cat "$DIR/tokens/$who" 2>/dev/null || true) NO_COLOR=1 \
      "$BIN/headgate" --server "$URL" "$@" >"$DIR/answer" 2>"$DIR/out" </dev/null || code=$?
    cat "$DIR/answer" >>"$DIR/out"  # what it says while it works comes before its answer
    if [ "$code" -ne 3 ] || [ -z "$CRASH" ] || [ "$TRIES" -ge 5 ]; then return "$code"; fi
    wait_ready
  done
}

# show WHO ARGUMENT…: the same, with the command and its answer printed.
show() {
  local who=$1 code=0
  shift
  printf '    %s%s$ headgate%s%s\n' "$DIM" "$who" "$(typed "$@")" "$PLAIN"
  hg "$who" "$@" || code=$?
  indented <"$DIR/out"
  return "$code"
}

# get PATH: what the API answers, as the admin sees it.
get() { curl -fs -m 10 -H "@$DIR/tokens/admin.header" "$URL$1"; }

# position: of the newest event.
position() {
  curl -fs -m 10 -o /dev/null -D - -H "@$DIR/tokens/admin.header" "$URL/v1/targets" |
    tr -d '\r' | sed -n 's/^[Hh]eadgate-[Pp]osition: //p'
}

phase_of() {
  local json
  json=$(get "/v1/promotions/$1") || return 1
  [[ $json =~ \"phase\":\"([a-zA-Z]+)\" ]] && echo "${BASH_REMATCH[1]}"
}

# ---------------------------------------------------------------------------------------------------------- assertions

# wait_until SECONDS WHAT COMMAND…
wait_until() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    ((SECONDS < deadline)) || fail "waited in vain until $what"
    sleep 0.1
  done
}

expect() { # WHAT EXPECTED ACTUAL
  [ "$2" = "$3" ] || fail "$1: expected '$2', found '$3'"
  checked "$1: $3"
}

expect_text() { # WHAT TEXT: in what the last command printed
  grep -qF -- "$2" "$DIR/out" || fail "$1: '$2' is not in the answer: $(cat "$DIR/out")"
  checked "$1"
}

# await PROMOTION PHASE: fails at once when the promotion ends in another way.
await() {
  local deadline=$((SECONDS + 60)) phase
  while true; do
    phase=$(phase_of "$1" || true)
    [ "$phase" = "$2" ] && break
    case $phase in
      succeeded | failed | rolledBack | rejected | cancelled | superseded)
        hg admin explain "$1" || true
        fail "$1 is $phase, expected $2: $(cat "$DIR/out")"
        ;;
    esac
    ((SECONDS < deadline)) || fail "$1 is '$phase' after a minute, expected $2"
    sleep 0.1
  done
  checked "$1 is $2"
}

unmet_in() { # PROMOTION GUARD: whether a condition of this guard is unmet
  get "/v1/promotions/$1" | grep -q "\"unmet\":\[.*\"guard\":\"$2\""
}

# What the service itself says over HTTP.
version_at() { curl -fs -m 5 "http://127.0.0.1:${PORT[$1]}/version" | sed -n 's/.*"version":"\([^"]*\)".*/\1/p'; }
health_at() { curl -s -m 5 -o /dev/null -w '%{http_code}' "http://127.0.0.1:${PORT[$1]}/health" || true; }
