#!/bin/sh
# Every public header compiles alone, included twice, without a warning, and brings no costly header in.
#
#   headers_alone.sh CHECKOUT COMPILER...
set -eu

# one WORK HEADER COMPILER...: in the folder include.
one() {
  base=$1/$(echo "$2" | tr / _)
  printf '#include <%s>\n#include <%s>\n' "$2" "$2" >"$base.cpp"
  header=$2
  shift 2
  if ! "$@" -std=c++23 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fsyntax-only -I. -MD -MF "$base.d" \
    "$base.cpp" 2>"$base.log"; then
    { echo "$header does not compile alone:" && cat "$base.log"; } >"$base.failed"
  elif tr ' ' '\n' <"$base.d" | grep -E '/boost/|/openssl/|/cxxopts|/(iostream|chrono|regex)$' >"$base.log"; then
    { echo "$header includes, directly or not:" && cat "$base.log"; } >"$base.failed"
  fi
}

if [ "$1" = --one ]; then
  shift
  one "$@"
  exit
fi

script=$(cd "$(dirname "$0")" && pwd)/${0##*/}
cd "$1/include"
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
find . -name '*.hpp' | sed 's|^\./||' | sort >"$work/headers"
xargs -P "$(nproc)" -I '{}' sh "$script" --one "$work" '{}' "$@" <"$work/headers"
set -- "$work"/*.failed
if [ -e "$1" ]; then
  cat "$@"
  exit 1
fi
count=$(wc -l <"$work/headers")
[ "$count" -gt 0 ] || { echo 'no header was found' && exit 1; }
echo "$count public headers compile alone"
