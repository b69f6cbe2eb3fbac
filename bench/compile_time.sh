#!/usr/bin/env bash
# What does a small program pay for our headers? Prints the user time of `g++ -O2 -c` for hello world (a node with one
# gen_server, examples/hello.cpp) beside that for an empty file with the same standard headers: the median of five.
#
#   bench/compile_time.sh [FILE]        CXX chooses another compiler
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C
file=${1:-examples/hello.cpp}
[ -e "$file" ] || { echo "there is no $file" >&2 && exit 1; }
CXX=${CXX:-g++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The standard headers that FILE and our headers name themselves: those in the tree of inclusions whose parent is ours.
"$CXX" -std=c++23 -Iinclude -H -fsyntax-only "$file" 2>&1 | awk '
  /^\.+ / {
    depth = length($1)
    ours[depth] = $2 ~ /^include\//
    if (!ours[depth] && (depth == 1 || ours[depth - 1])) {
      sub(/.*\/c\+\+\/[0-9]+\//, "", $2)
      if ($2 !~ /^\//) print "#include <" $2 ">"
    }
  }' | sort -u >"$work/empty.cpp"
count=$(wc -l <"$work/empty.cpp")
echo 'int main() {}' >>"$work/empty.cpp"

median() {
  local TIMEFORMAT=%U
  for _ in 1 2 3 4 5; do
    { time "$CXX" -std=c++23 -O2 -Iinclude -c "$1" -o "$work/out.o"; } 2>&1
  done | sort -n | sed -n 3p
}

ours=$(median "$file")
standard=$(median "$work/empty.cpp")
size=$("$CXX" -std=c++23 -Iinclude -E "$file" | wc -l)
printf '%-46s %6s s user, %d lines after the preprocessor\n' "$file" "$ours" "$size"
printf '%-46s %6s s user\n' "an empty main with the same $count standard headers" "$standard"
awk -v a="$ours" -v b="$standard" 'BEGIN { printf "ratio %.2f\n", a / b }'
