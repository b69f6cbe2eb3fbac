/// Everything that a program with processes, servers and supervisors on a node needs.
#pragma once

#include <erl/blocking.hpp>
#include <erl/call.hpp>
#include <erl/etf/decode.hpp>
#include <erl/etf/encode.hpp>
#include <erl/etf/print.hpp>
#include <erl/etf/shape.hpp>
#include <erl/etf/term.hpp>
#include <erl/gen_server.hpp>
#include <erl/log.hpp>
#include <erl/node.hpp>
#include <erl/process.hpp>
#include <erl/supervisor.hpp>
