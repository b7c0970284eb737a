# Builds the functions and deploys the template with SAM. Sourced by ../local.
# shellcheck shell=bash

# A Lambda architecture in SAM's words, for this machine; the Makefile's build targets take it from the environment.
export FUNCTION_ARCH
FUNCTION_ARCH=$(if [[ $(uname -m) == x86_64 ]]; then echo x86_64; else echo arm64; fi)

BUILD=$STATE_DIR/build
STACK=order-pipeline            # as samconfig.toml says
BUCKET=order-pipeline-artifacts # the same

clients() { "$ROOT/bin/$1" "${@:2}"; }

build() {
  exclusively # sam build keeps notes of its own beside the template
  cd "$ROOT"
  clients samlocal build --config-file "$ROOT/samconfig.toml" --config-env local --build-dir "$BUILD"
}

# deploy hands the built template to CloudFormation, unless exactly that was deployed to this stack before.
deploy() {
  cd "$ROOT"
  local redis=$REDIS_URL fingerprint parameters
  [[ -n $redis ]] || redis=$("${MODE}_redis_url")
  parameters=("RedisUrl=$redis" "RedisCluster=$REDIS_CLUSTER" "LedgerShards=$LEDGER_SHARDS" "LogLevel=$LOG_LEVEL"
    "RetryDelaySeconds=$RETRY_DELAY_SECONDS" "Architecture=$FUNCTION_ARCH" "LocalEndpoint=$ENDPOINT"
    ApiAccess=public Canary=false)
  fingerprint=$({ printf '%s\n' "${parameters[@]}" && find "$BUILD" -type f -print0 | sort -z | xargs -0 sha256sum; } | sha256sum)
  if [[ $(cat "$STATE_DIR/deployed" 2>/dev/null) == "$fingerprint" ]] && stack_complete; then
    note 'unchanged'
    return
  fi
  rm -f "$STATE_DIR/deployed"
  discard_broken_stack
  clients awslocal s3 mb "s3://$BUCKET" || true # there already: then s3 mb fails, and deploy says so if it was not that
  clients samlocal deploy --config-file "$ROOT/samconfig.toml" --config-env local \
    --template-file "$BUILD/template.yaml" --parameter-overrides "${parameters[@]}"
  printf '%s' "$fingerprint" >"$STATE_DIR/deployed"
}

stack_status() {
  clients awslocal cloudformation describe-stacks --stack-name "$STACK" --query 'Stacks[0].StackStatus' --output text 2>/dev/null
}

stack_complete() { [[ $(stack_status) =~ ^(CREATE|UPDATE)_COMPLETE$ ]]; }

# A stack that failed to come up cannot be updated; it holds no data, so it is deleted and made anew.
discard_broken_stack() {
  case $(stack_status) in
    '' | CREATE_COMPLETE | UPDATE_COMPLETE) ;;
    *)
      clients awslocal cloudformation delete-stack --stack-name "$STACK"
      clients awslocal cloudformation wait stack-delete-complete --stack-name "$STACK"
      ;;
  esac
}

save_outputs() {
  clients awslocal cloudformation describe-stacks --stack-name "$STACK" --output text \
    --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]' >"$STATE_DIR/outputs"
}

output() { [[ ! -r $STATE_DIR/outputs ]] || awk -v key="$1" '$1 == key { print $2 }' "$STATE_DIR/outputs"; }
