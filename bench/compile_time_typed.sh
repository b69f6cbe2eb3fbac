#!/usr/bin/env bash
# What do types of one's own cost the compiler? Prints the user time of `g++ -O2 -c` for a program that includes the
# headers of typed terms, and how much more a struct of 10 fields takes (decoded and encoded): the first one, which brings
# the code for the types of its fields along, and each of ten more with fields of the same types. The best of seven runs.
#
#   bench/compile_time_typed.sh [--count]   CXX chooses another compiler; --count counts g++'s instructions (valgrind)
#                                           in place of seconds: in millions, and free of noise
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C
CXX=${CXX:-g++}
unit=s
[ "${1:-}" != --count ] || unit=M
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

seconds() {
  local TIMEFORMAT=%U
  for _ in {1..7}; do
    { time "$CXX" -std=c++23 -O2 -Iinclude -c "$1" -o "$work/out.o"; } 2>&1
  done | sort -n | head -n 1
}

instructions() {
  valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null "$("$CXX" -print-prog-name=cc1plus)" -quiet \
    -imultiarch "$("$CXX" -print-multiarch)" -D_GNU_SOURCE -Iinclude -O2 -std=c++23 "$1" -o "$work/out.s" 2>&1 |
    awk '/I +refs/ { gsub(",", "", $NF); printf "%.0f\n", $NF / 1e6 }'
}

measure() { if [ $unit = s ]; then seconds "$1"; else instructions "$1"; fi; }

# program FILE TYPE...: a program that decodes and encodes each type; `NAME=SHAPE` is a struct, with the fields $fields.
program() {
  local file=$1 type shape i=0
  shift
  printf '#include <erl/etf/decode.hpp>\n#include <erl/etf/encode.hpp>\n' >"$file"
  for type in "$@"; do
    shape=${type#*=} type=${type%%=*} i=$((i + 1))
    [ "$shape" = "$type" ] ||
      printf 'struct %s { %s };\ntemplate <> inline constexpr auto erl::shape<%s> = erl::%s;\n' \
        "$type" "$fields" "$type" "$shape" >>"$file"
    printf 'std::expected<%s, erl::decode_error> get%d(std::span<const std::byte> b) { return erl::decode<%s>(b); }\n' \
      "$type" $i "$type" >>"$file"
    printf 'std::vector<std::byte> put%d(const %s& v) { return erl::encode(v); }\n' $i "$type" >>"$file"
  done
}

# shellcheck disable=SC2034 # named by $kind below
scalars='std::int64_t id; int count; std::uint16_t port; bool active; double weight; erl::atom kind; erl::pid owner;
  std::int64_t created; int retries; double rate;'
# shellcheck disable=SC2034
mixed='std::int64_t id; std::string name; bool active; double weight; std::optional<int> limit; erl::atom kind;
  erl::pid owner; std::uint16_t port; int count; std::optional<std::string> mail;'

program "$work/headers.cpp" int
headers=$(measure "$work/headers.cpp")
printf '%-58s %8s %s\n' 'the typed headers, an int decoded and encoded' "$headers" $unit
for kind in scalars mixed; do
  fields=${!kind}
  for shape in tagged map_shape; do
    structs=()
    for i in {0..10}; do
      case $shape in
        tagged) structs+=("type$i=tagged<\"thing$i\">") ;;
        *) structs+=("type$i=$shape") ;;
      esac
    done
    program "$work/one.cpp" int "${structs[0]}"
    program "$work/eleven.cpp" int "${structs[@]}"
    one=$(measure "$work/one.cpp")
    eleven=$(measure "$work/eleven.cpp")
    awk -v kind="10 fields, $kind, $shape: the first, each of ten more" -v unit=$unit -v a="$headers" -v b="$one" \
      -v c="$eleven" 'BEGIN { format = unit == "s" ? "%-58s %+8.3f %s, %+.3f %s\n" : "%-58s %+8d %s, %+d %s\n"
               printf format, kind, b - a, unit, (c - b) / 10, unit }'
  done
done
