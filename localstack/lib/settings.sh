# What can be set, and how the scripts speak. Sourced by ./local; not run by itself.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
TOOLS=$ROOT/.local                                 # installed once, shared by every deployment of this clone
STATE_DIR=${STATE_DIR:-$ROOT/.local/state}         # what one deployment writes while it runs
[[ $STATE_DIR == /* ]] || STATE_DIR=$PWD/$STATE_DIR
SAVED=$STATE_DIR/settings                          # the settings that it was started with
LOCALSTACK_VERSION=4.14.0

unset PYTHONDONTWRITEBYTECODE # LocalStack and the clients would be compiled anew at each start

SETTINGS=(MODE LOCALSTACK_PORT REDIS_PORT REDIS_URL LOCALSTACK_IMAGE LEDGER_SHARDS REDIS_CLUSTER LOG_LEVEL RETRY_DELAY_SECONDS)

# use_settings saved|asked: with "saved" what the running deployment was started with wins over the defaults, so that
# `make url` or `make down` need no variables; `up` asks for exactly what the environment says.
use_settings() {
  local name
  if [[ $1 == saved && -r $SAVED ]]; then
    # shellcheck source=/dev/null
    source "$SAVED"
  fi
  MODE=${MODE:-auto}
  LOCALSTACK_PORT=${LOCALSTACK_PORT:-4566}
  REDIS_PORT=${REDIS_PORT:-6380}
  REDIS_URL=${REDIS_URL:-}
  LOCALSTACK_IMAGE=${LOCALSTACK_IMAGE:-localstack/localstack:$LOCALSTACK_VERSION}
  LEDGER_SHARDS=${LEDGER_SHARDS:-1}
  REDIS_CLUSTER=${REDIS_CLUSTER:-false}
  LOG_LEVEL=${LOG_LEVEL:-info}
  RETRY_DELAY_SECONDS=${RETRY_DELAY_SECONDS:-5}
  for name in LOCALSTACK_PORT REDIS_PORT; do
    [[ ${!name} =~ ^[1-9][0-9]{0,4}$ && ${!name} -le 65535 ]] || fail "$name=${!name} is not a port number"
  done
  ENDPOINT=http://localhost:$LOCALSTACK_PORT
}

save_settings() {
  local name
  for name in "${SETTINGS[@]}"; do
    # shellcheck disable=SC2016 # what is written is expanded when it is read
    printf '%s=${%s:-%q}\n' "$name" "$name" "${!name}"
  done >"$SAVED.new"
  mv "$SAVED.new" "$SAVED"
}

say() { printf '%s\n' "$*"; }

# fail SENTENCE: one sentence that names the way out.
fail() {
  printf 'stopped: %s\n' "$*" >&2
  exit 1
}

# step TITLE COMMAND...: runs the command, in a shell of its own, and shows what it took; what it printed is shown when
# it fails. note adds a remark to the line.
step() {
  local title=$1 begin=${EPOCHREALTIME//[.,]/} log=$STATE_DIR/step.log rc
  shift
  printf '  %-44s' "$title"
  rm -f "$STATE_DIR/step.note"
  # Not "( ... ) || rc=$?": bash ignores set -e inside whatever stands left of ||.
  set +e
  (
    set -e
    "$@"
  ) >"$log" 2>&1 </dev/null
  rc=$?
  set -e
  local ms=$(((${EPOCHREALTIME//[.,]/} - begin) / 1000))
  if ((rc)); then
    printf 'failed after %d.%d s\n' $((ms / 1000)) $((ms % 1000 / 100))
    if ! grep '^stopped: ' "$log" >&2; then
      tail -n 20 "$log" | sed 's/^/    /' >&2
      say "stopped: \"$title\" failed; the whole output is in $log" >&2
    fi
    exit "$rc"
  fi
  printf '%4d.%d s  %s\n' $((ms / 1000)) $((ms % 1000 / 100)) "$(cat "$STATE_DIR/step.note" 2>/dev/null || true)"
}

note() { printf '%s\n' "$*" >"$STATE_DIR/step.note"; }
