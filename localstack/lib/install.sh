# Installs what is missing into $TOOLS, pinned by the lock files of ../requirements. Sourced by
# ../local.
# shellcheck shell=bash

REQUIREMENTS=$ROOT/localstack/requirements
UV=$TOOLS/uv/bin/uv
export UV_PYTHON_DOWNLOADS=manual
# uv does not read pip's settings; a package mirror that was set for pip holds for uv too.
if [[ -n ${PIP_INDEX_URL:-} ]]; then export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}; fi

# find_python CHECK CANDIDATE...: prints the first Python that runs and passes the check. A name on
# PATH may be a shim for a version that is not installed, so each is tried.
find_python() {
  local check=$1 python
  shift
  for python in "$@"; do
    if "$python" -c "$check" >/dev/null 2>&1; then
      "$python" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  return 1
}

any_python() {
  find_python "import sys; assert sys.version_info >= (3, 10); import $1" \
    python3 /usr/bin/python3 python3.13 python3.12 python3.11 \
    "$HOME"/.pyenv/versions/3.1[0-9]*/bin/python
}

# LocalStack needs 3.12 or 3.13; its lock file was made for these two.
find_newer_python() {
  local check='import sys; assert (3, 12) <= sys.version_info[:2] <= (3, 13)'
  find_python "$check; import ssl, sqlite3, ctypes" \
    python3.13 python3.12 python3 /usr/bin/python3 \
    "$HOME"/.pyenv/versions/3.13*/bin/python "$HOME"/.pyenv/versions/3.12*/bin/python \
    "$TOOLS"/python/*/bin/python3
}

# current FOLDER SOURCE...: whether the folder was wholly installed from exactly these lock files.
# The mark is written last, so that a run that was interrupted starts over.
current() {
  local folder=$1
  shift
  [[ -f $folder/.installed && $(cat "$@" | checksum) == "$(cat "$folder/.installed")" ]]
}

# checksum: SHA-256 of the standard input.
checksum() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi; }

installed() {
  local folder=$1
  shift
  cat "$@" | checksum >"$folder/.installed"
}

# exclusively: only one run at a time may change $TOOLS or bin/, whatever STATE_DIR it works on; the
# lock ends with the step's shell.
exclusively() {
  exec 8>"$TOOLS/lock"
  if command -v flock >/dev/null; then flock 8; fi
}

install_uv() {
  exclusively
  local lock=$REQUIREMENTS/uv.txt python
  current "$TOOLS/uv" "$lock" && return
  python=$(any_python pip) || {
    debian_package python3-pip 'Python 3.10 or newer with pip'
    python=$(any_python pip) || fail "no Python 3.10 or newer with pip was found; install one"
  }
  rm -rf "$TOOLS/uv"
  "$python" -m pip install --quiet --require-hashes --no-deps --target "$TOOLS/uv" -r "$lock"
  installed "$TOOLS/uv" "$lock"
}

# install_environment NAME: a virtual environment in $TOOLS/NAME from NAME.txt.
install_environment() {
  exclusively
  local name=$1 folder=$TOOLS/$1 build=$REQUIREMENTS/build.txt lock=$REQUIREMENTS/$1.txt python
  current "$folder" "$build" "$lock" && "$folder/bin/python" -V && return
  case $name in
    localstack | ministack | valkey | baseline) python=$(newer_python) ;;
    *)
      python=$(any_python ssl) || fail 'Python 3.10 or newer is needed and was not found;' \
        'install one, such as with: apt-get install python3'
      ;;
  esac
  rm -rf "$folder"
  "$UV" venv --quiet --python "$python" "$folder"
  "$UV" pip install --quiet --require-hashes --python "$folder" -r "$build"
  "$UV" pip sync --quiet --require-hashes --no-build-isolation --python "$folder" "$lock"
  installed "$folder" "$build" "$lock"
}

# newer_python: as find_newer_python, downloaded where there is none.
newer_python() {
  find_newer_python && return
  "$UV" python install --install-dir "$TOOLS/python" 3.13 >&2 && find_newer_python && return
  fail 'LocalStack needs Python 3.12 or 3.13, with ssl and sqlite3; none was found, and none' \
    'could be downloaded. Install one as python3.13 on PATH, or with: pyenv install 3.13'
}

# install_guard: cfn-guard and its rules, out of an archive inside their Python package.
install_guard() {
  install_environment guard
  local folder=$TOOLS/guard
  [[ ! -d $folder/package ]] || return 0
  tar -xzf "$folder"/lib/python3*/site-packages/cdklabs/cdk_validator_cfnguard/_jsii/*.tgz \
    -C "$folder" package/bin package/rules
}

# install_redis: a redis-server of this machine, else one of Debian where this is root, else Valkey
# from PyPI.
install_redis() {
  if find_redis_program redis-server; then return; fi
  if ((EUID == 0)) && command -v apt-get >/dev/null; then
    exclusively
    debian_package redis-server 'Redis 7 or newer'
  else
    install_environment valkey
    note 'Valkey 9.1 from PyPI: no redis-server is installed'
  fi
}

# install_stores: further stores for make test-stores, each as a redis-server in a folder for PATH.
install_stores() {
  install_environment valkey
  install_environment stores
  mkdir -p "$TOOLS"/store/{valkey-9.1,redis-8.2}
  ln -sfn "$(packaged_store valkey)" "$TOOLS/store/valkey-9.1/redis-server"
  ln -sfn "$(packaged_store stores)" "$TOOLS/store/redis-8.2/redis-server"
}

# What only the tests need: a browser, and npm for what the browser tests load into it.
install_browser() {
  exclusively
  local names=(chromium chromium-browser google-chrome google-chrome-stable)
  [[ -n ${CHROME:-} ]] || command -v "${names[@]}" >/dev/null || debian_package chromium 'Chromium'
  command -v npm >/dev/null || debian_package npm 'npm'
}

# promtool tests the alert rules. It is taken out of its Debian package, which up to Debian 12 is
# that of the Prometheus server: installing it would start one.
install_promtool() {
  exclusively
  local folder=$TOOLS/promtool
  if command -v promtool >/dev/null || [[ -x $folder/usr/bin/promtool ]]; then return; fi
  command -v apt-get >/dev/null || fail 'promtool is needed and was not found; install Prometheus'
  rm -rf "$folder"
  mkdir -p "$folder"
  cd "$folder"
  {
    download_promtool || { apt-get update && download_promtool; }
  } >&2 || fail 'promtool could not be downloaded; see why with: apt-get download promtool'
  dpkg-deb --fsys-tarfile prom*.deb | tar -x ./usr/bin/promtool
  rm prom*.deb
}

download_promtool() { apt-get download promtool || apt-get download prometheus; }

debian_package() {
  local package=$1 what=$2
  command -v apt-get >/dev/null || fail "$what is needed and was not found; install it"
  ((EUID == 0)) || fail "$what is needed and was not found;" \
    "install it with: sudo apt-get install -y $package"
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y --no-install-recommends "$package" || {
    apt-get update && apt-get install -y --no-install-recommends "$package"
  } || fail "$what could not be installed; see why with: apt-get install -y $package"
}

# compile_locks: what runs beside LocalStack is locked for Linux, the command lines for every
# platform.
compile_locks() {
  local name compile=("$UV" pip compile --quiet --generate-hashes --no-emit-index-url
    --custom-compile-command 'make lock')
  cd "$REQUIREMENTS"
  for name in build clients duckdb lint schemathesis template; do
    "${compile[@]}" --universal --python-version 3.10 "$name.in" --output-file "$name.txt"
  done
  "${compile[@]}" --universal --python-version 3.8 uv.in --output-file uv.txt
  "${compile[@]}" --universal --python-version 3.10 --no-deps guard.in --output-file guard.txt
  for name in localstack ministack valkey baseline; do
    "${compile[@]}" --python-platform linux --python-version 3.12 "$name.in" \
      --output-file "$name.txt"
  done
}

# Commands for PATH. They look up the port when they run, so that they always mean the deployment
# that runs.
install_bin() {
  exclusively
  mkdir -p "$ROOT/bin"
  local name
  for name in awslocal samlocal redis-cli; do
    ln -sfn ../localstack/lib/client "$ROOT/bin/$name"
  done
  # With the functions' build flags, so that what is compiled here need not be compiled again for
  # them.
  (
    cd "$ROOT"
    export CGO_ENABLED=0
    # shellcheck disable=SC2054 # the comma is part of Go's list of tags
    orderctl=(-trimpath -tags lambda.norpc,nethttpomithttp2 -o bin/orderctl ./localstack/orderctl)
    # -buildvcs: for orderctl --version. It fails where git refuses to read the folder.
    go build -buildvcs=auto "${orderctl[@]}" || go build -buildvcs=false "${orderctl[@]}"
  )
}
