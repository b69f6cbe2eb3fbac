# shellcheck shell=bash
# What every script here shares: where the checkout is, how to say things, how to fail. Sourced, never run.

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # for the scripts that source this
readonly checkout

# A minimal system has no locale; tools that print names then fail or print question marks.
export LC_ALL=C.UTF-8

say() { printf '==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }

fail() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  shift
  local line
  for line in "$@"; do printf '    %s\n' "$line" >&2; done
  exit 1
}

# Addresses of package mirrors belong to the machine: what is printed or logged names none.
without_addresses() { sed -u -E 's#(mirror\+)?[a-z]+://[^ "]*#<mirror>#g'; }

# as_root COMMAND...: runs it as root, or says how to.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    fail "needs root for: $*" 'There is no sudo either: run this script as root.'
  fi
}

# configure BUILD_FOLDER OPTION...: with meson, unless that has been done; shows its output only when it fails. A folder
# that was configured here with other options is made anew.
configure() {
  local build=$1 log
  shift
  if [ -e "$build/build.ninja" ]; then
    [ -e "$build/configured_with" ] && [ "$(cat "$build/configured_with")" != "$*" ] || return 0
    rm -rf "$build"
  fi
  say "configuring ${build#"$checkout"/}"
  mkdir -p "$build"
  log=$build/configure.log
  if ! meson setup "$build" "$checkout" "$@" >"$log" 2>&1; then
    mapfile -t lines < <(grep -E 'ERROR' "$log" || tail -n 15 "$log")
    fail 'meson could not configure the build' "${lines[@]}" "The whole output is in $log."
  fi
  echo "$*" >"$build/configured_with"
}

# build_targets BUILD_FOLDER [TARGET...]: shows a line now and then when nobody watches a terminal.
build_targets() {
  local build=$1
  shift
  if [ -t 1 ]; then
    ninja -C "$build" "$@" || fail 'the build failed'
  else
    # Compilers' words are shown; of ninja's own lines, every twentieth.
    NINJA_STATUS='[%f/%t] ' ninja -C "$build" "$@" |
      awk '/^\[[0-9]+\/[0-9]+\] / { if (++n % 20 == 0) { print "    " $1; fflush() } next } { print; fflush() }' ||
      fail 'the build failed'
  fi
}
