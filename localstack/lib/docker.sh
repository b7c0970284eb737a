# Docker mode: LocalStack and Redis in containers. Sourced by ../local.
# shellcheck shell=bash

export PROJECT=${PROJECT:-order-pipeline}

docker_redis_url() { printf 'redis://redis:6379/0\n'; }

docker_answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
compose_installed() { docker compose version >/dev/null 2>&1; }

compose() {
  LOCALSTACK_PORT=$LOCALSTACK_PORT REDIS_PORT=$REDIS_PORT LOCALSTACK_IMAGE=$LOCALSTACK_IMAGE \
    docker compose --file "$ROOT/localstack/compose.yaml" "$@"
}

docker_possible() {
  docker_answers || fail "MODE=docker, but no Docker daemon answers; start it, or run without it: MODE=host make deploy-local"
  compose_installed || fail "MODE=docker, but \"docker compose\" is not installed; install the compose plugin, or run without it: MODE=host make deploy-local"
}

docker_install() { :; } # the images bring everything

docker_up() {
  step "start the containers of $PROJECT" docker_start
}

docker_start() {
  compose up --detach --wait --wait-timeout 300 || fail "the containers did not come up; if a port is taken choose another (LOCALSTACK_PORT=$((LOCALSTACK_PORT + 1)) REDIS_PORT=$((REDIS_PORT + 1)) make deploy-local), otherwise see $STATE_DIR/step.log"
  wait_until 90 localstack_answers || fail "LocalStack does not answer on port $LOCALSTACK_PORT; see: docker logs $PROJECT-localstack"
}

docker_down() { compose down; }

docker_status() { compose ps; }
