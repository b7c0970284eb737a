# Ports on this machine, waiting, and asking the servers. Sourced by ../local. Nothing here may need
# Linux.
# shellcheck shell=bash

# wait_until SECONDS COMMAND...: asks ten times a second.
wait_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.1
  done
}

# require_port VARIABLE NAME: stops, with the holder's name, when another program than this
# deployment's NAME (localstack or redis) listens on the port.
require_port() {
  local port=${!1} holder
  port_taken "$port" || return 0
  holder=$(port_holder "$port" "$2")
  [[ $holder != ours ]] || return 0
  fail "port $port is taken by ${holder:-another program};" \
    "end that, or choose another port: $1=$((port + 1)) make deploy-local"
}

port_taken() { (: 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# port_holder PORT NAME: prints what listens there, "ours" for this deployment's NAME, nothing when
# it cannot be seen.
port_holder() {
  local container='' pid=''
  if [[ -n ${DOCKER_ARCH:-} ]]; then
    container=$(docker ps --filter "publish=$1" --format '{{.Names}}' | sed -n 1p)
  fi
  if [[ $container == "$PROJECT-$2" ]]; then
    printf 'ours\n'
    return
  elif [[ -n $container ]]; then
    printf 'the container %s\n' "$container"
    return
  fi
  if [[ -r /proc/net/tcp ]]; then
    pid=$(linux_port_holder "$1")
  elif command -v lsof >/dev/null; then
    pid=$(lsof -nP -t -iTCP:"$1" -sTCP:LISTEN | sed -n 1p)
  fi
  if [[ -z $pid ]]; then
    return
  elif [[ -r /proc/net/tcp && $pid == "$(pid_of "$2")" ]]; then
    printf 'ours\n'
  else
    printf '%s (process %s)\n' "$(ps -o args= -p "$pid" | cut -c 1-60 | sed 's/ *$//')" "$pid"
  fi
}

# redis_answers and localstack_answers use bash's /dev/tcp: no client program is needed for them.
# They run in subshells, because writing to a connection that was closed ends a shell (SIGPIPE).
redis_answers() (
  password=$(redis_password)
  {
    printf 'AUTH %s\r\nPING\r\n' "${password:-none}" >&3
    IFS= read -r -t 2 answer <&3 && [[ $answer == +OK* ]] && IFS= read -r -t 2 answer <&3
  } 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$REDIS_PORT" && [[ $answer == +PONG* ]]
)

localstack_answers() (
  {
    printf 'GET /_localstack/health HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
    IFS= read -r -t 5 answer <&3
  } 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$LOCALSTACK_PORT" && [[ $answer == *' 200 '* ]]
)

# load_services: asks each service that a deployment needs for something. LocalStack loads the code
# of a service at its first request, about two seconds for these, which then pass while the
# functions are built.
load_services() (
  local service path answer
  while read -r service path; do
    {
      printf 'GET %s HTTP/1.0\r\nHost: localhost\r\nAuthorization: AWS4-HMAC-SHA256 ' "$path" >&3
      printf 'Credential=test/20260101/us-east-1/%s/aws4_request, ' "$service" >&3
      printf 'SignedHeaders=host, Signature=0\r\n\r\n' >&3
      IFS= read -r -t 10 answer <&3
    } 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$LOCALSTACK_PORT" || return 0
  done <<'END'
cloudformation /?Action=ListStacks&Version=2010-05-15
lambda /2015-03-31/functions/
apigateway /restapis
END
)

# require_guard: stops unless the emulator refuses what a page of another site sends
# (init/web_guard.py).
require_guard() {
  refuses_web_pages || fail "the emulator on port $LOCALSTACK_PORT accepts requests of web pages:" \
    'init/web_guard.py was not loaded; see its log'
}

refuses_web_pages() (
  {
    printf '%s\r\n' 'GET /_localstack/health HTTP/1.0' 'Host: localhost' \
      'Sec-Fetch-Site: cross-site' '' >&3
    IFS= read -r -t 5 answer <&3
  } 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$LOCALSTACK_PORT" && [[ $answer == *' 403 '* ]]
)
