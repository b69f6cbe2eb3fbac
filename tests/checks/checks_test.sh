#!/bin/sh
# The checks themselves: each passes a good file and rejects every bad one.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0

# expect pass|reject CHECK FILE TEXT [ARGUMENT...]: what CHECK says of a tree that holds just this FILE.
expect() {
  verdict=$1 check=$2 file=$3 text=$4
  shift 4
  rm -rf "$work/tree"
  mkdir -p "$work/tree/${file%/*}" "$work/tree/include/erl"
  echo '#pragma once' >"$work/tree/include/erl/duration.hpp"
  printf '%s\n' "$text" >"$work/tree/$file"
  if sh "$here/$check.sh" "$work/tree" "$@" >"$work/log" 2>&1; then got=pass; else got=reject; fi
  if [ "$got" != "$verdict" ]; then
    echo "$check should $verdict $file:"
    printf '%s\n' "$text"
    cat "$work/log"
    exit 1
  fi
  passed=$((passed + 1))
}

expect pass layering etf/a.cpp '#include <erl/etf/term.hpp>
#include "etf/b.hpp"
#include <zlib.h>
#include <vector>'
expect reject layering etf/a.cpp '#include "runtime/process.hpp"'
expect reject layering etf/a.cpp '#  include <erl/epmd/client.hpp>'
expect pass layering epmd/a.cpp '#include <boost/asio/io_context.hpp>'
expect reject layering epmd/a.cpp '#include <erl/etf/atom.hpp>'
expect reject layering src/base/a.cpp '#include <erl/etf/atom.hpp>'
expect pass layering src/runtime/a.cpp '#include "base/driver.hpp"
#include <erl/etf/term.hpp>
#include <erl/duration.hpp>
#include <thread>'
expect reject layering src/runtime/a.cpp '#include "dist/link.hpp"'
expect reject layering src/runtime/a.cpp '#include <boost/asio.hpp>'
expect reject layering src/runtime/a.hpp '#include <sys/socket.h>'
expect reject layering src/runtime/a.hpp '#include "elsewhere/a.hpp"'
expect reject layering src/dist/a.cpp '#include "runtime/system.hpp"'
expect reject layering src/dist/a.cpp '#include <erl/process.hpp>'
expect pass layering src/dist/a.cpp '#include <openssl/evp.h>'
expect pass layering src/dist/a_test.cpp '#include "runtime/system.hpp"'
expect reject layering src/otp/a.cpp '#include "dist/link.hpp"'
expect pass layering src/node/a.cpp '#include "otp/supervisor.hpp"
#include "dist/link.hpp"
#include <boost/asio.hpp>'
expect reject layering src/node/a.cpp '#include <iostream>'
expect pass layering src/cli/a.cpp '#include <cxxopts.hpp>
#include <iostream>'
expect reject layering src/new/a.cpp ''
expect pass layering include/erl/process.hpp '#include <erl/etf/term.hpp>
#include <vector>'
expect reject layering include/erl/process.hpp '#include "runtime/process.hpp"'
expect reject layering include/erl/process.hpp '#include <functional>'
expect reject layering include/erl/process.hpp '#include <map>'
expect pass layering include/erl/etf/std_map.hpp '#include <map>'
expect reject layering include/erl/process.hpp '#include <erl/node.hpp>'
expect reject layering include/erl/nobodys.hpp '#include <vector>'

expect pass await_in_condition src/a.cpp 'task<> f() {
  auto m = co_await receive();  // while (co_await x) is what the comment says
  if (m) co_await g("if (co_await");
  for (;;) { auto n = co_await g(1'\''000); if (n == '\''('\'') co_return; }
  const char* text = R"(while (co_await f()))";
}'
expect reject await_in_condition src/a.cpp 'task<> f() { for (;;) { if (co_await e() == 0) co_return; } }'
expect reject await_in_condition src/a.cpp 'task<> f() { for (;;) { if ((co_await e()) == 0) break; } }'
expect reject await_in_condition src/a.cpp 'task<> f() { while (
  co_await e() != 0) {} }'
expect reject await_in_condition src/a.cpp 'task<> f() { if (auto v = co_await e(); v == 0) co_return; }'
expect reject await_in_condition src/a.cpp 'task<> f() { do {} while (co_await e() != 0); }'
expect reject await_in_condition src/a.cpp 'task<> f() { switch (co_await e()) { default: break; } }'
expect reject await_in_condition src/a.cpp 'task<> f() { if (!co_await e()) co_return; }'
expect reject await_in_condition include/a.hpp 'task<> f() { for (; co_await e();) {} }'
# shellcheck disable=SC2016 # Markdown's quotes
expect pass await_in_condition docs/a.md 'Never write `if (co_await x)`.'
expect reject await_in_condition docs/a.md '```cpp
if (co_await x) f();
```'

expect pass headers_alone include/a.hpp '#pragma once
#include <vector>
inline std::vector<int> f() { return {}; }' "$@"
expect reject headers_alone include/a.hpp 'inline int f() { return 0; }' "$@"
expect reject headers_alone include/a.hpp '#pragma once
inline std::string f() { return {}; }' "$@"
expect reject headers_alone include/a.hpp '#pragma once
inline int f(long long x) { return x; }' "$@"
expect reject headers_alone include/a.hpp '#pragma once
#include <iostream>' "$@"

echo "the checks told $passed trees apart"
