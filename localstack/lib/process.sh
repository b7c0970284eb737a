# Processes of a deployment in host mode, which runs on Linux only. Sourced by ../local.
# shellcheck shell=bash

# start_process NAME COMMAND...: starts it detached, in $STATE_DIR/NAME, with its pid and its output
# there.
start_process() {
  local name=$1 folder=$STATE_DIR/$1
  shift
  mkdir -p "$folder"
  if [[ -f $folder/log ]]; then mv "$folder/log" "$folder/log.old"; fi
  # Descriptors 8 and 9 are locks, and further ones may be locks of the caller; the process must not
  # hold them.
  # The pid is moved into place: an empty file would look like a process that has ended.
  (
    cd "$folder"
    exec setsid bash -c 'echo $$ >pid.new && mv pid.new pid && exec "$@"' "$name" "$@"
  ) >"$folder/log" 2>&1 </dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
}

# pid_of NAME: prints the pid if the process runs. A pid alone may have been given to another
# process since; one that works in this deployment's folder belongs to it.
pid_of() {
  local pid folder=$STATE_DIR/$1
  [[ -r $folder/pid ]] || return 1
  pid=$(<"$folder/pid")
  [[ $pid =~ ^[0-9]+$ ]] || return 1
  [[ $(readlink "/proc/$pid/cwd") == "$(readlink -f "$folder")" ]] || return 1
  printf '%s\n' "$pid"
}

# stop_process NAME [SECONDS]: asks it to end, and kills it when it has not ended within that time.
stop_process() {
  local pid signal seconds=${2:-15}
  for signal in TERM KILL; do
    pid=$(pid_of "$1") || break
    kill -s "$signal" "$pid"
    wait_until "$seconds" process_gone "$1" || true
  done
  ! pid_of "$1" || fail "process $pid does not end; see $STATE_DIR/$1/log"
  rm -f "$STATE_DIR/$1/pid"
}

process_gone() { ! pid_of "$1" >/dev/null; }

# wait_until_ready NAME SECONDS COMMAND...: as wait_until, but ends early when the process has
# ended.
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

# linux_port_holder PORT: prints the process that listens there; nothing when it belongs to another
# user.
linux_port_holder() {
  local inode program
  # In these tables 0A is the state of a listening socket.
  # shellcheck disable=SC2016 # awk's own fields
  program='$4 == "0A" && substr($2, length($2) - 4) == port { inode = $10 } END { print inode }'
  inode=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    awk -v port="$(printf ':%04X' "$1")" "$program") || true
  [[ -n $inode ]] || return 0
  find /proc/[0-9]*/fd -lname "socket:\[$inode\]" 2>/dev/null | head -n 1 | cut -d / -f 3 || true
}
