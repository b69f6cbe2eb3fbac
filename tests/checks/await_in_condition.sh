#!/bin/sh
# co_await stands alone as a statement or initialises a named local: checks the code and the documentation's snippets
# below the folder given.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:?the folder to check}"
# The test of the shapes themselves has to spell them out.
find . \( -name '.?*' -o -name 'build*' -o -name subprojects \) -prune -o \
  \( -name '*.[ch]pp' -o -name '*.md' \) ! -name coroutine_shapes_test.cpp -print |
  sort | xargs awk -f "$here/await_in_condition.awk"
