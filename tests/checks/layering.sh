#!/bin/sh
# Dependencies point one way: checks every #include of the layers below the folder given.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:?the folder to check}"
# Tests and what they share may include what they need.
for folder in include etf epmd src; do
  [ -d "$folder" ] && find "$folder" -name '*.[ch]pp' ! -name '*_test.[ch]pp' ! -name 'test_*' ! -name '*_fixture.hpp'
done | sort | xargs awk -v table="$here/public_headers" -f "$here/layering.awk"
