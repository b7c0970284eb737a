# Builds the functions and deploys the template with SAM. Sourced by ../local.
# shellcheck shell=bash

BUILD=$STATE_DIR/build
BUCKET=order-pipeline-artifacts # as samconfig.toml says

clients() { "$ROOT/bin/$1" "${@:2}"; }

build() {
  exclusively # sam build keeps notes beside the template
  cd "$ROOT"
  # A Lambda architecture in SAM's words; the Makefile's build targets take it from the environment.
  FUNCTION_ARCH=$("${MODE}_architecture") clients samlocal build \
    --config-file "$ROOT/samconfig.toml" --config-env local --build-dir "$BUILD"
}

# deploy hands the built template to CloudFormation, unless exactly that was deployed to this stack
# before.
deploy() {
  cd "$ROOT"
  local redis=$REDIS_URL password fingerprint parameters arn name
  [[ -n $redis ]] || redis=$(own_database "$("${MODE}_redis_url")")
  password=$(redis_password)
  parameters=(
    "RedisUrl=$(url_without_password "$redis")"
    "RedisCluster=$REDIS_CLUSTER"
    "LedgerShards=$LEDGER_SHARDS"
    "TimeZone=$TIME_ZONE"
    "LogLevel=$LOG_LEVEL"
    "RetryDelaySeconds=$RETRY_DELAY_SECONDS"
    "ReplayDelaySeconds=$REPLAY_DELAY_SECONDS"
    "Architecture=$("${MODE}_architecture")"
    "LocalEndpoint=$ENDPOINT"
    ApiAccess=public
    Canary=false
  )
  fingerprint=$({
    printf '%s\n' "$STACK_NAME" "${parameters[@]}" "$password"
    find "$BUILD" -type f | LC_ALL=C sort | while IFS= read -r name; do
      printf '%s ' "$name"
      checksum <"$name"
    done
  } | checksum)
  if [[ $(cat "$STATE_DIR/deployed" 2>/dev/null) == "$fingerprint" ]] && stack_complete; then
    note 'unchanged'
    return
  fi
  rm -f "$STATE_DIR/deployed"
  discard_broken_stack
  # The functions read the password from Secrets Manager, as on AWS: a parameter would show in
  # describe-stacks and in the process list. An empty one means a Redis without a password.
  arn=$(printf '%s' "$password" |
    "$TOOLS/clients/bin/python" "$LIB/prepare.py" "$ENDPOINT" "$BUCKET" "$STACK_NAME/redis")
  parameters+=("RedisSecretArn=$arn")
  clients samlocal deploy --config-file "$ROOT/samconfig.toml" --config-env local \
    --stack-name "$STACK_NAME" --template-file "$BUILD/template.yaml" \
    --parameter-overrides "${parameters[@]}"
  printf '%s' "$fingerprint" >"$STATE_DIR/deployed"
}

# own_database URL: prints the URL with a database for this stack alone, so that two stacks beside
# each other count apart. The file lists them in the order of their databases.
own_database() {
  local list=$STATE_DIR/databases number
  [[ -f $list ]] || echo order-pipeline >"$list"
  grep -qxF "$STACK_NAME" "$list" || echo "$STACK_NAME" >>"$list"
  number=$(($(grep -nxF "$STACK_NAME" "$list" | cut -d : -f 1) - 1))
  ((number < 16)) || fail "Redis has 16 databases, and $list names more stacks;" \
    "use another STATE_DIR for $STACK_NAME"
  printf '%s/%d\n' "${1%/*}" "$number"
}

stack_status() {
  clients awslocal cloudformation describe-stacks --stack-name "$STACK_NAME" \
    --query 'Stacks[0].StackStatus' --output text 2>/dev/null
}

stack_complete() { [[ $(stack_status) =~ ^(CREATE|UPDATE)_COMPLETE$ ]]; }

# A stack that failed to come up cannot be updated. It holds no data, so it is deleted first.
discard_broken_stack() {
  case $(stack_status) in
    '' | CREATE_COMPLETE | UPDATE_COMPLETE) ;;
    *)
      clients awslocal cloudformation delete-stack --stack-name "$STACK_NAME"
      clients awslocal cloudformation wait stack-delete-complete --stack-name "$STACK_NAME"
      ;;
  esac
}

save_outputs() {
  clients awslocal cloudformation describe-stacks --stack-name "$STACK_NAME" --output text \
    --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]' >"$STATE_DIR/outputs"
}

# output NAME: prints that output of the stack; nothing when there is none.
output() {
  [[ -r $STATE_DIR/outputs ]] || return 0
  awk -v key="$1" '$1 == key { print $2 }' "$STATE_DIR/outputs"
}
