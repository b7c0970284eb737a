# Host mode: LocalStack and Redis as processes of the user. Linux only. Sourced by ../local.
# shellcheck shell=bash

host_redis_url() { printf 'redis://127.0.0.1:%s/0\n' "$REDIS_PORT"; }

host_install() {
  if [[ -z $REDIS_URL ]]; then step 'Redis' install_redis; fi
  step "$EMULATOR" install_environment "$EMULATOR"
}

host_up() {
  if [[ -z $REDIS_URL ]]; then step "start Redis on 127.0.0.1:$REDIS_PORT" host_start_redis; fi
  step "start $EMULATOR on 127.0.0.1:$LOCALSTACK_PORT" host_start_emulator
}

# host_check stops before anything is changed when a port is taken.
host_check() {
  require_port LOCALSTACK_PORT "$(running_emulator)"
  if [[ -z $REDIS_URL ]]; then require_port REDIS_PORT redis; fi
}

# keep_running NAME SETTINGS: whether the process runs as it would be started now. One that was
# started with other settings is stopped, to be started again.
keep_running() {
  if pid_of "$1" >/dev/null && [[ $(cat "$STATE_DIR/$1/started-with" 2>/dev/null) == "$2" ]]; then
    note 'runs already'
    return
  fi
  stop_process "$1"
  mkdir -p "$STATE_DIR/$1"
  rm -f "$STATE_DIR/$1/started-with"
  return 1
}

host_start_redis() {
  local settings="port $REDIS_PORT, fsync always, password"
  if ! keep_running redis "$settings"; then
    require_port REDIS_PORT redis
    write_redis_configuration
    start_process redis "$(find_redis_program redis-server)" redis.conf
  fi
  wait_until_ready redis 60 redis_answers # a large append-only file takes a while to load
  printf '%s' "$settings" >"$STATE_DIR/redis/started-with"
}

# write_redis_configuration: a file, because on a command line the password would show in process
# lists.
write_redis_configuration() {
  # An order leaves the queue when Redis has answered: it must be on the disk by then. A batch costs
  # one fsync.
  (
    umask 077
    cat >"$STATE_DIR/redis/redis.conf" <<TEXT
bind 127.0.0.1
port $REDIS_PORT
dir .
requirepass $(redis_password)
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
TEXT
  )
}

# running_emulator: prints which one runs; the one that is asked for when none does.
running_emulator() {
  local name
  for name in localstack ministack; do
    if pid_of "$name" >/dev/null; then
      printf '%s\n' "$name"
      return
    fi
  done
  printf '%s\n' "$EMULATOR"
}

host_start_emulator() {
  if [[ $EMULATOR == ministack ]]; then
    stop_process localstack 6
    host_start_ministack
  else
    stop_process ministack
    host_start_localstack
  fi
}

host_start_ministack() {
  local folder=$STATE_DIR/ministack settings
  settings="port $LOCALSTACK_PORT, $(cat "$LIB"/{host.sh,run_ministack.py} \
    "$ROOT/localstack/init/web_guard.py" "$TOOLS/ministack/.installed" | checksum)"
  if keep_running ministack "$settings" && localstack_answers; then return; fi
  stop_process ministack
  require_port LOCALSTACK_PORT ministack
  rm -rf "$folder/tmp"
  mkdir -p "$folder/tmp"
  local environment=(
    "GATEWAY_PORT=$LOCALSTACK_PORT" MINISTACK_HOST=localhost "TMPDIR=$folder/tmp" LOG_LEVEL=INFO
    "AWS_ENDPOINT_URL=http://127.0.0.1:$LOCALSTACK_PORT"
    AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
    # Listeners beside the gateway that nothing here uses: MQTT on port 8883, SFTP.
    IOT_MTLS_ENABLED=0 SFTP_ENABLED=0
    # Functions are processes; it looks for no daemon.
    LAMBDA_EXECUTOR=local "DOCKER_HOST=unix://$folder/no-docker.sock"
  )
  # It hands its whole environment to the functions: they get nothing of the user's.
  start_process ministack env -i "PATH=$PATH" "HOME=$HOME" LANG=C.UTF-8 "${environment[@]}" \
    "$TOOLS/ministack/bin/python" "$LIB/run_ministack.py" "$LOCALSTACK_PORT"
  wait_until_ready ministack 90 localstack_answers
  require_guard
  printf '%s' "$settings" >"$folder/started-with"
}

host_start_localstack() {
  local folder=$STATE_DIR/localstack settings arch rie
  arch=$(host_architecture)
  rie=("$TOOLS"/clients/lib/python3*/site-packages/samcli/local/rapid/"aws-lambda-rie-$arch")
  settings="port $LOCALSTACK_PORT, $(cat "$LIB/host.sh" "$ROOT"/localstack/{executor,init}/*.py \
    "$TOOLS/localstack/.installed" "$TOOLS/clients/.installed" | checksum)"
  if keep_running localstack "$settings" && localstack_answers; then return; fi
  stop_process localstack
  require_port LOCALSTACK_PORT localstack
  rm -rf "$folder/tmp" "$folder/files" "$folder/cache"
  mkdir -p "$folder/tmp" "$folder/files/etc/localstack/init"
  cp -r "$ROOT/localstack/init" "$folder/files/etc/localstack/init/start.d"
  chmod +x "${rie[0]}"
  local environment=(
    # The default server ignores the address and binds 0.0.0.0: the whole network could run code
    # here.
    GATEWAY_SERVER=hypercorn "GATEWAY_LISTEN=127.0.0.1:$LOCALSTACK_PORT"
    # What it answers with needs no DNS: http://localhost:4566/000000000000/orders.
    "LOCALSTACK_HOST=localhost:$LOCALSTACK_PORT" SQS_ENDPOINT_STRATEGY=off DNS_ADDRESS=0
    # It stays in this folder, also where it believes that it is in a container.
    OVERRIDE_IN_DOCKER=0
    "FILESYSTEM_ROOT=$folder/files" "TMPDIR=$folder/tmp" "XDG_CACHE_HOME=$folder/cache"
    # No calls home, no downloads.
    DISABLE_EVENTS=1 SKIP_SSL_CERT_DOWNLOAD=1
    "PYTHONPATH=$ROOT/localstack/executor" LAMBDA_RUNTIME_EXECUTOR=process "LAMBDA_RIE=${rie[0]}"
    # The next batch is taken as soon as one is done, not a second later; an idle queue is looked at
    # every second, not after up to ten.
    LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC=0
    LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC=1
    LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_ERROR_SEC=5
    "NO_PROXY=localhost,127.0.0.1${NO_PROXY:+,$NO_PROXY}"
    "no_proxy=localhost,127.0.0.1${no_proxy:+,$no_proxy}"
  )
  start_process localstack env -u AWS_PROFILE -u AWS_ENDPOINT_URL "${environment[@]}" \
    "$TOOLS/localstack/bin/python" -m localstack.runtime.main
  wait_until_ready localstack 90 localstack_answers
  require_guard
  printf '%s' "$settings" >"$folder/started-with"
}

host_architecture() { if [[ $(uname -m) == x86_64 ]]; then echo x86_64; else echo arm64; fi; }

host_down() {
  stop_process ministack
  stop_process localstack 6 # it may wait for its own long poll; what it holds is lost either way
  stop_process redis
}

host_status() {
  local name pid asks
  for name in "$EMULATOR" redis; do
    [[ $name == redis && -n $REDIS_URL ]] && continue
    asks=localstack_answers
    if [[ $name == redis ]]; then asks=redis_answers; fi
    if pid=$(pid_of "$name") && "$asks"; then
      say "  $name: runs (process $pid, log $STATE_DIR/$name/log)"
    elif [[ -n $pid ]]; then
      say "  $name: process $pid runs but does not answer; see $STATE_DIR/$name/log"
    else
      say "  $name: does not run"
    fi
  done
}

# host_runs: whether a process of this deployment runs, as it does after a run in host mode.
host_runs() { ! on_macos && { pid_of localstack || pid_of ministack || pid_of redis; } >/dev/null; }
