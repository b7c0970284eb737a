# Docker mode: LocalStack and Redis in containers. Sourced by ../local. Nothing here may need Linux:
# it also runs on macOS.
# shellcheck shell=bash

REDIS_IMAGE=redis:7.2-alpine # the last series under the BSD licence
LAMBDA_IMAGE=public.ecr.aws/lambda/provided:al2023
DOCKER_PROBLEM= # why Docker cannot be used, once ask_docker has found out
DOCKER_ARCH=    # the daemon's architecture, once ask_docker has found one
DOCKER_SECONDS=15 # how long the daemon has for an answer

# ask_docker: whether Docker can be used. If not, DOCKER_PROBLEM says why and DOCKER_REMEDY what to
# do.
ask_docker() {
  local said rc=0
  DOCKER_PROBLEM='' DOCKER_REMEDY=''
  if ! command -v docker >/dev/null; then
    no_docker 'the docker command is not installed' 'install Docker'
    return 1
  fi
  said=$(limited "$DOCKER_SECONDS" docker version --format '{{.Server.Arch}}' 2>&1) || rc=$?
  if ((rc == 124)); then
    no_docker "the Docker daemon does not answer within $DOCKER_SECONDS s" 'restart Docker'
  elif ((rc != 0)) && [[ $said == *'permission denied'* ]]; then
    no_docker "you have no permission to use Docker's socket" \
      "add yourself to its group (sudo usermod -aG docker \$USER) and log in again"
  elif ((rc != 0)); then
    no_docker 'no Docker daemon answers' 'start Docker'
  elif ! limited "$DOCKER_SECONDS" docker compose version >/dev/null 2>&1; then
    no_docker 'Docker answers, but "docker compose" is not installed' 'install the compose plugin'
  else
    DOCKER_ARCH=${said##*$'\n'}
    return 0
  fi
  return 1
}

no_docker() {
  DOCKER_PROBLEM=$1
  DOCKER_REMEDY=$2
}

require_docker() {
  local otherwise=', or run without Docker: MODE=host make deploy-local'
  if on_macos; then otherwise=; fi
  ask_docker || fail "MODE=docker, but $DOCKER_PROBLEM; $DOCKER_REMEDY$otherwise"
}

# limited SECONDS COMMAND...: ends the command after that time, and returns 124 then.
limited() {
  local seconds=$1 pid
  shift
  "$@" 9>&- &
  pid=$!
  if wait_until "$seconds" process_ended "$pid"; then
    wait "$pid"
  else
    kill "$pid" 2>/dev/null || true
    return 124
  fi
}

process_ended() { ! kill -0 "$1" 2>/dev/null; }

# docker_socket: prints the path of the daemon's socket, as containers are to mount it.
docker_socket() {
  local host=${DOCKER_HOST:-} system
  if [[ -n ${DOCKER_SOCKET:-} ]]; then
    printf '%s\n' "$DOCKER_SOCKET"
    return
  fi
  [[ -n $host ]] ||
    host=$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null) || host=
  case $host in
    ssh://* | tcp://* | http*)
      fail "the Docker daemon $host may run on another machine;" \
        'the deployment needs one on this machine, or DOCKER_SOCKET=<its socket there>'
      ;;
  esac
  system=$(docker info --format '{{.OperatingSystem}}' 2>/dev/null) || system=
  # Where the daemon runs in a virtual machine, the path is one inside that.
  if on_macos || [[ $system == 'Docker Desktop' || $host != unix://* ]]; then
    printf '/var/run/docker.sock\n'
  else
    printf '%s\n' "${host#unix://}"
  fi
}

compose() {
  PROJECT=$PROJECT STATE_DIR=$STATE_DIR LOCALSTACK_PORT=$LOCALSTACK_PORT REDIS_PORT=$REDIS_PORT \
    LOCALSTACK_IMAGE=$LOCALSTACK_IMAGE REDIS_IMAGE=$REDIS_IMAGE LAMBDA_IMAGE=$LAMBDA_IMAGE \
    REDIS_PASSWORD=$(redis_password) DOCKER_SOCKET=${SOCKET:-/var/run/docker.sock} \
    docker compose --file "$ROOT/localstack/compose.yaml" "$@"
}

docker_redis_url() { printf 'redis://redis:6379/0\n'; }

docker_architecture() {
  case $DOCKER_ARCH in
    amd64 | x86_64) echo x86_64 ;;
    *) echo arm64 ;;
  esac
}

docker_install() {
  local image images=("$LOCALSTACK_IMAGE" "$LAMBDA_IMAGE")
  if [[ -z $REDIS_URL ]]; then images+=("$REDIS_IMAGE"); fi
  for image in "${images[@]}"; do
    docker image inspect "$image" >/dev/null 2>&1 || step "pull $image" docker_pull "$image"
  done
}

docker_pull() {
  docker pull --quiet "$1" ||
    fail "the image $1 could not be pulled: $(tail -n 1 "$STATE_DIR/step.log")"
}

# docker_check stops before anything is changed when the containers could not start.
docker_check() {
  local host owner
  host=$(url_part host "$REDIS_URL")
  if [[ $host =~ ^(localhost|127\..*|\[::1\])$ ]]; then
    fail "REDIS_URL names $host, which in Docker mode is each function's own container;" \
      'write host.docker.internal for a Redis on this machine that listens beyond loopback,' \
      'or use MODE=host'
  fi
  owner=$(docker ps --all --filter "name=^$PROJECT-(localstack|redis)\$" \
    --format '{{.Label "orderpipeline.state-dir"}}' | sed -n '/./{p;q;}')
  [[ -z $owner || $owner == "$STATE_DIR" ]] ||
    fail "PROJECT=$PROJECT belongs to the deployment in $owner;" \
      'choose another name, or leave PROJECT out'
  require_port LOCALSTACK_PORT localstack
  if [[ -z $REDIS_URL ]]; then require_port REDIS_PORT redis; fi
  SOCKET=$(docker_socket)
  if docker_runs localstack && ! docker_same_image; then
    step "try $LOCALSTACK_IMAGE" docker_try_image
  fi
}

docker_runs() {
  [[ $(docker inspect --format '{{.State.Running}}' "$PROJECT-$1" 2>/dev/null) == true ]]
}

docker_same_image() {
  [[ $(docker inspect --format '{{.Image}}' "$PROJECT-localstack" 2>/dev/null) == \
    "$(docker image inspect --format '{{.Id}}' "$LOCALSTACK_IMAGE" 2>/dev/null)" ]]
}

# docker_try_image: whether LocalStack comes up from another image, before the one that runs is
# replaced by it.
docker_try_image() {
  local problem=
  docker rm --force "$PROJECT-trial" >/dev/null 2>&1 || true
  docker run --detach --name "$PROJECT-trial" --env LOCALSTACK_AUTH_TOKEN --env DISABLE_EVENTS=1 \
    --env SKIP_SSL_CERT_DOWNLOAD=1 --health-interval 1s --health-timeout 3s --health-retries 90 \
    --health-cmd 'curl --fail --silent --max-time 2 http://127.0.0.1:4566/_localstack/health' \
    "$LOCALSTACK_IMAGE" ||
    fail "$LOCALSTACK_IMAGE does not start; the running deployment was left as it is"
  docker_wait trial || problem=$(docker_problem trial)
  docker logs --tail 15 "$PROJECT-trial" || true
  docker rm --force --volumes "$PROJECT-trial" >/dev/null
  [[ -z $problem ]] ||
    fail "$LOCALSTACK_IMAGE does not come up: $problem. The running deployment was left as it is"
}

# docker_state NAME: prints the container's status, its health and what its health check wrote.
docker_state() {
  docker inspect --format \
    '{{.State.Status}} {{with .State.Health}}{{.Status}} {{range .Log}}{{.Output}}{{end}}{{end}}' \
    "$PROJECT-$1" 2>/dev/null
}

# docker_wait NAME...: waits until the containers are healthy. It gives up at once when one has
# ended, or lacks the program that the health check calls, as an image of something else does.
docker_wait() {
  local name
  for name in "$@"; do
    wait_until 100 docker_settled "$name" || return 1
    [[ $(docker_state "$name") == 'running healthy'* ]] || return 1
  done
}

docker_settled() {
  case $(docker_state "$1") in
    'running healthy'* | 'running '*'not found'*) return 0 ;;
    created* | restarting* | 'running starting'*) return 1 ;;
    *) return 0 ;;
  esac
}

# docker_problem NAME...: prints why the first container that is not healthy is not.
docker_problem() {
  local name state
  for name in "$@"; do
    state=$(docker_state "$name") || continue
    case $state in
      'running healthy'* | created*) continue ;;
      running*'not found'*)
        printf '%s runs, but its image is another than it should be: its health check said: %s' \
          "$PROJECT-$name" "$(last_words <<<"${state#running * }")"
        ;;
      running*) printf '%s runs but does not answer' "$PROJECT-$name" ;;
      *)
        printf '%s ended with exit code %s; its last lines: %s' "$PROJECT-$name" \
          "$(docker inspect --format '{{.State.ExitCode}}' "$PROJECT-$name")" \
          "$(docker logs --tail 30 "$PROJECT-$name" 2>&1 | last_words)"
        ;;
    esac
    return
  done
  docker_reason
}

# last_words: the last lines of the standard input that are not empty, in one line.
last_words() { grep '[^ ]' | tail -n 4 | tr '\n' ' ' | cut -c 1-500 | sed 's/[ .]*$//'; }

docker_up() {
  printf '%s\n' "$PROJECT" >"$DOCKER_USED"
  step "start containers of $PROJECT" docker_start
}

docker_start() {
  local services=(localstack)
  if [[ -z $REDIS_URL ]]; then services+=(redis); fi
  # A LocalStack that ended left its functions' containers behind.
  docker_runs localstack || remove_function_containers
  if ! compose up --detach "${services[@]}" || ! docker_wait "${services[@]}"; then
    compose logs --tail 15 || true
    fail "the containers of $PROJECT did not come up: $(docker_problem "${services[@]}")." \
      "What Docker and the containers wrote is in $STATE_DIR/step.log"
  fi
  [[ -z $REDIS_URL ]] || compose rm --stop --force redis
  wait_until 90 localstack_answers ||
    fail "LocalStack does not answer on port $LOCALSTACK_PORT; see: docker logs $PROJECT-localstack"
  require_guard
}

# docker_reason: the last line of Docker's own output that says what went wrong.
docker_reason() {
  local reason said='^(error|container .* (is unhealthy|exited)|dependency failed)|: error'
  reason=$(grep -iE "$said" "$STATE_DIR/step.log" | tail -n 1) || true
  printf '%s' "${reason:-no reason was given}"
}

remove_function_containers() {
  local ids
  ids=$({
    docker ps --all --quiet --filter "label=orderpipeline.functions=$PROJECT"
    docker ps --all --quiet --filter "name=^$PROJECT-localstack-lambda-"
  } | sort -u)
  # shellcheck disable=SC2086 # one word for each container
  [[ -z $ids ]] || docker rm --force --volumes $ids >/dev/null
}

# docker_down [--volumes]: removes the containers and the network; with --volumes also what Redis
# holds.
docker_down() {
  # LocalStack first, so that it starts no further function. It keeps nothing beyond its process
  # anyway.
  docker rm --force --volumes "$PROJECT-localstack" "$PROJECT-trial" >/dev/null 2>&1 || true
  remove_function_containers
  compose down --remove-orphans "$@"
  docker volume rm --force "${PROJECT}_localstack" >/dev/null
}

docker_status() {
  local name state
  for name in localstack redis; do
    [[ $name == redis && -n $REDIS_URL ]] && continue
    state=$(docker inspect --format '{{.State.Status}}' "$PROJECT-$name" 2>/dev/null) ||
      state='no container'
    if [[ $state == running ]] && "${name}_answers"; then
      say "  $name: runs (container $PROJECT-$name; docker logs $PROJECT-$name)"
    elif [[ $state == running ]]; then
      say "  $name: container $PROJECT-$name runs but does not answer;" \
        "see: docker logs $PROJECT-$name"
    else
      say "  $name: does not run ($state)"
    fi
  done
}
