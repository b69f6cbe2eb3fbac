#!/bin/sh
# check.sh SOURCE INCLUDE_DIR COMPILER...: compiling SOURCE must fail with exactly one error, the output must hold each
# text that SOURCE has after "// expect: ", and it must fit a screen.
source=$1 include=$2
shift 2
if output=$("$@" -std=c++23 -fsyntax-only -I"$include" "$source" 2>&1); then
  echo "$source compiles"
  exit 1
fi
count=$(printf '%s\n' "$output" | grep -c 'error:')
if [ "$count" -ne 1 ]; then
  printf '%s errors instead of one:\n%s\n' "$count" "$output"
  exit 1
fi
lines=$(printf '%s\n' "$output" | wc -l)
if [ "$lines" -gt 30 ]; then
  printf '%s lines to say it:\n%s\n' "$lines" "$output"
  exit 1
fi
sed -n 's|^// expect: ||p' "$source" | {
  while IFS= read -r text; do
    if ! printf '%s\n' "$output" | grep -qF -- "$text"; then
      printf 'not in the output: %s\n%s\n' "$text" "$output"
      exit 1
    fi
  done
}
