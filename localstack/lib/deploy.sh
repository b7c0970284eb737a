# Builds the functions and deploys the template with SAM. Sourced by ../local.
# shellcheck shell=bash

BUILD=$STATE_DIR/build
BUCKET=order-pipeline-artifacts # as samconfig.toml says

clients() { "$ROOT/bin/$1" "${@:2}"; }

# stack_folder: prints the folder with what was deployed of this stack, the store that it counts
# into and its outputs.
stack_folder() { printf '%s\n' "$STATE_DIR/stacks/$STACK_NAME"; }

build() {
  exclusively # sam build keeps notes beside the template
  cd "$ROOT"
  if [[ $EMULATOR == localstack ]]; then load_services & fi
  # The Makefile's build targets take both from the environment: a Lambda architecture in SAM's
  # words, and a folder that keeps the linked functions, so that an unchanged one is not linked
  # again.
  local architecture
  architecture=$("${MODE}_architecture")
  mkdir -p "$TOOLS/functions/$architecture"
  FUNCTION_ARCH=$architecture LINKED=$TOOLS/functions/$architecture clients samlocal build \
    --config-file "$ROOT/samconfig.toml" --config-env local --build-dir "$BUILD"
}

# deploy hands the built template to CloudFormation, unless exactly that was deployed to this stack
# before.
deploy() {
  cd "$ROOT"
  local redis=$REDIS_URL password fingerprint parameters arn name folder
  folder=$(stack_folder)
  if [[ -z $redis ]]; then
    take_database
    redis=$(own_database "$("${MODE}_redis_url")")
  fi
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
  if [[ $(cat "$folder/deployed" 2>/dev/null) == "$fingerprint" ]] && stack_complete; then
    prepare "$ENDPOINT" "$STACK_NAME" # stops where a resource was deleted
    note 'unchanged'
    return
  fi
  mkdir -p "$folder"
  rm -f "$folder/deployed"
  url_without_password "$redis" >"$folder/store"
  # The functions read the password from Secrets Manager, as on AWS: a parameter would show in
  # describe-stacks and in the process list. An empty one means a Redis without a password.
  arn=$(printf '%s' "$password" | prepare "$ENDPOINT" "$STACK_NAME" "$BUCKET")
  parameters+=("RedisSecretArn=$arn")
  clients samlocal deploy --config-file "$ROOT/samconfig.toml" --config-env local \
    --stack-name "$STACK_NAME" --template-file "$BUILD/template.yaml" \
    --parameter-overrides "${parameters[@]}"
  printf '%s' "$fingerprint" >"$folder/deployed"
}

prepare() { "$TOOLS/clients/bin/python" "$LIB/prepare.py" "$@"; }

# take_database: gives this stack a database of the local Redis, so that stacks beside each other
# count apart. The file lists the stacks in the order of their databases.
take_database() {
  [[ -f $DATABASES ]] || echo order-pipeline >"$DATABASES"
  grep -qxF "$STACK_NAME" "$DATABASES" || echo "$STACK_NAME" >>"$DATABASES"
  (($(database_number) < 16)) || fail "Redis has 16 databases, and $DATABASES names more stacks;" \
    "use another STATE_DIR for $STACK_NAME"
}

# require_own_store: two stacks that count into one store would add up in the same figures.
require_own_store() {
  local store file name
  store=$(url_without_password "$REDIS_URL")
  for file in "$STATE_DIR"/stacks/*/store; do
    name=$(basename "$(dirname "$file")")
    [[ -f $file && $name != "$STACK_NAME" && $(<"$file") == "$store" ]] || continue
    ! STACK_NAME=$name stack_complete || fail "the stack $name counts into $store;" \
      "give $STACK_NAME another database or Redis with REDIS_URL"
  done
}

# deployed_stacks: prints the names of the stacks that were deployed here.
deployed_stacks() {
  local folder
  for folder in "$STATE_DIR"/stacks/*/; do
    if [[ -f $folder/deployed ]]; then basename "$folder"; fi
  done
}

stack_status() {
  clients awslocal cloudformation describe-stacks --stack-name "$STACK_NAME" \
    --query 'Stacks[0].StackStatus' --output text 2>/dev/null
}

stack_complete() { [[ $(stack_status) =~ ^(CREATE|UPDATE)_COMPLETE$ ]]; }

save_outputs() {
  clients awslocal cloudformation describe-stacks --stack-name "$STACK_NAME" --output text \
    --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]' >"$(stack_folder)/outputs"
}

# output NAME: prints that output of the stack; nothing when there is none.
output() {
  local file
  file=$(stack_folder)/outputs
  [[ ! -r $file ]] || awk -v key="$1" '$1 == key { print $2 }' "$file"
}
