# What can be set, and how the scripts report. Sourced by ../local and ./client. Nothing here may
# need Linux.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
# Installed once, shared by every deployment of this clone.
TOOLS=$ROOT/.local
# What one deployment writes while it runs: the settings that it was started with, and where it
# runs, for orderctl.
STATE_DIR=${STATE_DIR:-$ROOT/.local/state}
[[ $STATE_DIR == /* ]] || STATE_DIR=$PWD/$STATE_DIR
SAVED=$STATE_DIR/settings
DEPLOYMENT=$STATE_DIR/deployment.json
# The project's name, while Docker may hold something of this deployment: containers, a network,
# volumes.
DOCKER_USED=$STATE_DIR/docker-project
LOCALSTACK_VERSION=4.14.0

unset PYTHONDONTWRITEBYTECODE # LocalStack and the clients would be compiled again at each start

SETTINGS=(
  MODE EMULATOR LOCALSTACK_PORT REDIS_PORT REDIS_URL REDIS_CLUSTER STACK_NAME
  LEDGER_SHARDS TIME_ZONE LOG_LEVEL RETRY_DELAY_SECONDS REPLAY_DELAY_SECONDS
  PROJECT LOCALSTACK_IMAGE DOCKER_SOCKET
)

# What `up` keeps while the environment does not name it, because the default would lose something:
# on another port LocalStack is started again, without its archive and queues, and the others are
# part of the store.
KEPT=(LOCALSTACK_PORT REDIS_PORT)
KEPT_BY_STACK=(REDIS_URL REDIS_CLUSTER LEDGER_SHARDS TIME_ZONE)

# use_settings saved|asked: with "saved" the settings of the deployment that was started last win
# over the defaults, so that `make url` or `make down` need no variables; with "asked" the
# environment decides.
use_settings() {
  local name
  if [[ $1 == saved && -r $SAVED ]]; then
    # shellcheck source=/dev/null
    source "$SAVED"
  fi
  MODE=${MODE:-auto}
  EMULATOR=${EMULATOR:-localstack}
  LOCALSTACK_PORT=${LOCALSTACK_PORT:-4566}
  REDIS_PORT=${REDIS_PORT:-6380}
  REDIS_URL=${REDIS_URL:-}
  LOCALSTACK_IMAGE=${LOCALSTACK_IMAGE:-localstack/localstack:$LOCALSTACK_VERSION}
  LEDGER_SHARDS=${LEDGER_SHARDS:-1}
  REDIS_CLUSTER=${REDIS_CLUSTER:-false}
  STACK_NAME=${STACK_NAME:-order-pipeline}
  TIME_ZONE=${TIME_ZONE:-UTC}
  LOG_LEVEL=${LOG_LEVEL:-info}
  RETRY_DELAY_SECONDS=${RETRY_DELAY_SECONDS:-5}
  REPLAY_DELAY_SECONDS=${REPLAY_DELAY_SECONDS:-60}
  DOCKER_SOCKET=${DOCKER_SOCKET:-}
  PROJECT=$(choose_project)
  for name in LOCALSTACK_PORT REDIS_PORT; do
    [[ ${!name} =~ ^[1-9][0-9]{0,4}$ && ${!name} -le 65535 ]] ||
      fail "$name=${!name} is not a port number"
  done
  [[ $EMULATOR == localstack || $EMULATOR == ministack ]] ||
    fail "EMULATOR=$EMULATOR is not one of localstack, ministack"
  [[ -z $REDIS_URL || $REDIS_URL =~ ^rediss?://[^/]+ ]] ||
    fail 'REDIS_URL must begin with redis:// or rediss:// and name a host'
  [[ $STACK_NAME =~ ^[a-zA-Z][a-zA-Z0-9-]{0,40}$ ]] ||
    fail "STACK_NAME=$STACK_NAME is not a name of letters, digits and hyphens, at most 41"
  [[ $PROJECT =~ ^[a-z0-9][a-z0-9_-]*$ ]] ||
    fail "PROJECT=$PROJECT is not a name of lower-case letters, digits and hyphens"
  ENDPOINT=http://localhost:$LOCALSTACK_PORT
}

# keep_settings: after `use_settings asked`, takes over the settings to keep, and names them.
keep_settings() {
  [[ -r $SAVED ]] || return 0
  local name value said=() names=("${KEPT[@]}")
  [[ $(saved_setting STACK_NAME) != "$STACK_NAME" ]] || names+=("${KEPT_BY_STACK[@]}")
  for name in "${names[@]}"; do
    value=$(saved_setting "$name")
    if [[ -n $value && $value != "${!name}" ]] && ! printenv "$name" >/dev/null; then
      printf -v "$name" %s "$value"
      [[ $name == REDIS_URL ]] || name+=$(printf '=%q' "$value") # it may hold a password
      said+=("$name")
    fi
  done
  ENDPOINT=http://localhost:$LOCALSTACK_PORT
  ((${#said[@]} == 0)) ||
    say "kept as deployed before: ${said[*]} (a variable changes one, make clean forgets all)"
}

# require_settings stops where a value would be deployed and would break the functions: emulators do
# not check the limits of the template's parameters.
require_settings() {
  whole_number LEDGER_SHARDS 1 64
  whole_number RETRY_DELAY_SECONDS 1 900
  whole_number REPLAY_DELAY_SECONDS 0 900
  one_of LOG_LEVEL debug info warn error
  one_of REDIS_CLUSTER true false
  zone_exists || fail "TIME_ZONE=$TIME_ZONE is not a name of the IANA time zone database," \
    'such as Europe/Berlin'
}

# whole_number NAME FROM TO: stops unless the setting is a whole number in that range.
whole_number() {
  [[ ${!1} =~ ^(0|[1-9][0-9]{0,4})$ && ${!1} -ge $2 && ${!1} -le $3 ]] ||
    fail "$1=${!1} is not a whole number from $2 to $3"
}

# one_of NAME VALUE...: stops unless the setting is one of the values.
one_of() {
  [[ " ${*:2} " == *" ${!1} "* ]] || fail "$1=${!1} is not one of ${*:2}"
}

# zone_exists: whether Go, whose database the functions bring along, knows TIME_ZONE. The directory
# at the end of that archive has a zero byte before each name and the letters PK behind it.
zone_exists() {
  local zones
  zones=$(go env GOROOT 2>/dev/null)/lib/time/zoneinfo.zip
  [[ ! -r $zones ]] || LC_ALL=C tr -c 'A-Za-z0-9_+/-' '\n' <"$zones" |
    grep -xF -- "${TIME_ZONE}PK" >/dev/null
}

# saved_setting NAME: prints the value that the last deployment was started with.
saved_setting() (
  unset "$1"
  # shellcheck source=/dev/null
  source "$SAVED"
  printf %s "${!1-}"
)

save_settings() {
  local name
  rm -f "$SAVED.new"
  (umask 077 && : >"$SAVED.new") # REDIS_URL may hold a password
  for name in "${SETTINGS[@]}"; do
    # shellcheck disable=SC2016 # what is written is expanded when it is read
    printf '%s=${%s:-%q}\n' "$name" "$name" "${!name}"
  done >"$SAVED.new"
  mv "$SAVED.new" "$SAVED"
  printf '{"endpoint":"%s","stack":"%s","region":"us-east-1","mode":"%s","emulator":"%s"}\n' \
    "$ENDPOINT" "$STACK_NAME" "$MODE" "$EMULATOR" >"$DEPLOYMENT.new"
  mv "$DEPLOYMENT.new" "$DEPLOYMENT"
}

# choose_project: prints the name of this deployment's containers, network and volumes in Docker
# mode. It is derived from the folder that the deployment writes to, so that two deployments never
# share one, and is kept once it was used.
choose_project() {
  local sum
  if [[ -n ${PROJECT:-} ]]; then
    printf '%s\n' "$PROJECT"
  elif [[ -r $DOCKER_USED ]]; then
    cat "$DOCKER_USED"
  elif [[ -r $SAVED ]] && grep -q '^MODE=.*docker' "$SAVED" && ! grep -q '^PROJECT=' "$SAVED"; then
    printf 'order-pipeline\n' # the only name in earlier versions; its volume holds orders
  else
    sum=$(printf '%s' "$STATE_DIR" | cksum)
    printf 'order-pipeline-%08x\n' "${sum%% *}"
  fi
}

say() { printf '%s\n' "$*"; }

# fail SENTENCE: one sentence that names the way out.
fail() {
  printf 'stopped: %s\n' "$*" >&2
  exit 1
}

# step TITLE COMMAND...: runs the command, in a subshell, and shows what it took; what it printed is
# shown when it fails. note adds a remark to the line.
step() {
  local title=$1 begin=${EPOCHREALTIME//[.,]/} log=$STATE_DIR/step.log rc ms remark
  shift
  printf '  %-44s' "$title"
  rm -f "$STATE_DIR/step.note"
  # Not "( ... ) || rc=$?": bash ignores set -e in the left operand of ||.
  set +e
  (
    set -e
    "$@"
  ) >"$log" 2>&1 </dev/null
  rc=$?
  set -e
  ms=$(((${EPOCHREALTIME//[.,]/} - begin) / 1000))
  if ((rc)); then
    printf 'failed after %d.%d s\n' $((ms / 1000)) $((ms % 1000 / 100))
    if ! grep '^stopped: ' "$log" >&2; then
      tail -n 20 "$log" | sed 's/^/    /' >&2
      say "stopped: \"$title\" failed; the whole output is in $log" >&2
    fi
    exit "$rc"
  fi
  remark=$(cat "$STATE_DIR/step.note" 2>/dev/null) || true
  printf '%4d.%d s  %s\n' $((ms / 1000)) $((ms % 1000 / 100)) "$remark"
}

note() { printf '%s\n' "$*" >"$STATE_DIR/step.note"; }

on_macos() { [[ $OSTYPE == darwin* ]]; }
