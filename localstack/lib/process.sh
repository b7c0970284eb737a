# Processes and ports of one deployment. Sourced by ../local.
# shellcheck shell=bash

# start_process NAME COMMAND...: starts it detached, in $STATE_DIR/NAME, with its pid and its output there.
start_process() {
  local name=$1 folder=$STATE_DIR/$1
  shift
  mkdir -p "$folder"
  if [[ -f $folder/log ]]; then mv "$folder/log" "$folder/log.old"; fi
  # Descriptor 9 is the lock of this run; the process must not hold it.
  (cd "$folder" && exec setsid bash -c 'echo $$ >pid && exec "$@"' "$name" "$@") >"$folder/log" 2>&1 </dev/null 9>&- &
}

# pid_of NAME: prints the pid if the process runs. A pid alone may have been given to somebody else's process since;
# one that works in our folder is ours.
pid_of() {
  local pid
  [[ -r $STATE_DIR/$1/pid ]] || return 1
  pid=$(<"$STATE_DIR/$1/pid")
  [[ $pid =~ ^[0-9]+$ && $(readlink "/proc/$pid/cwd") == "$(readlink -f "$STATE_DIR/$1")" ]] || return 1
  printf '%s\n' "$pid"
}

# stop_process NAME [SECONDS]: asks it to end, and ends it when it has not within so many seconds.
stop_process() {
  local pid signal patience=${2:-15}
  for signal in TERM KILL; do
    pid=$(pid_of "$1") || break
    kill -s "$signal" "$pid"
    wait_until "$patience" process_gone "$1" || true
  done
  ! pid_of "$1" || fail "process $pid does not end; see $STATE_DIR/$1/log"
  rm -f "$STATE_DIR/$1/pid"
}

process_gone() { ! pid_of "$1" >/dev/null; }

# wait_until SECONDS COMMAND...: asks ten times a second.
wait_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.1
  done
}

# wait_until_ready NAME SECONDS COMMAND...: as wait_until, but ends early when the process has ended.
wait_until_ready() {
  local name=$1 seconds=$2
  shift 2
  wait_until "$seconds" ready_or_gone "$name" "$@" && "$@" && return
  tail -n 15 "$STATE_DIR/$name/log"
  fail "$name did not come up within $seconds s; its log is $STATE_DIR/$name/log"
}

ready_or_gone() {
  local name=$1
  shift
  "$@" || { [[ -f $STATE_DIR/$name/pid ]] && process_gone "$name"; }
}

# require_port VARIABLE: stops, with the holder's name, when another program listens on the port.
require_port() {
  local port=${!1} inode pid holder='another program'
  inode=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    awk -v port="$(printf ':%04X' "$port")" '$4 == "0A" && substr($2, length($2) - 4) == port { inode = $10 } END { print inode }') || true
  [[ -n $inode ]] || return 0
  pid=$(find /proc/[0-9]*/fd -lname "socket:\[$inode\]" 2>/dev/null | head -n 1 | cut -d / -f 3) || true # some processes are not ours to see
  if [[ -n $pid ]]; then holder="$(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -c 1-60 | sed 's/ *$//') (process $pid)"; fi
  fail "port $port is taken by $holder; end that, or choose another port: $1=$((port + 1)) make deploy-local"
}

# redis_answers and localstack_answers use bash's own /dev/tcp: no client program is needed for them.
redis_answers() {
  local answer
  {
    printf 'PING\r\n' >&3
    IFS= read -r -t 2 answer <&3
  } 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$REDIS_PORT" && [[ $answer == +PONG* ]]
}

localstack_answers() {
  local answer
  {
    printf 'GET /_localstack/health HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
    IFS= read -r -t 5 answer <&3
  } 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$LOCALSTACK_PORT" && [[ $answer == *' 200 '* ]]
}
