/// Look-ups on an io_context, for a program that has one. `lookup` and `names` in
/// <erl/epmd/client.hpp> block on them.
#pragma once

#include "epmd/exchange.hpp"
#include <erl/epmd/client.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace erl::epmd {

using found_node = std::move_only_function<void(std::expected<node_info, error>)>;
using found_names = std::move_only_function<void(std::expected<std::vector<listed_node>, error>)>;

/// Asks where `name` listens. `done` is called once from `io`'s thread, never from within this
/// call, and within `to.timeout`. The result can be ignored, or used to cancel. Call from `io`'s
/// thread, or before it runs.
std::weak_ptr<exchange> async_lookup(boost::asio::io_context& io, const target& to,
                                     std::string name, found_node done);

/// Asks who is there; otherwise as `async_lookup`.
std::weak_ptr<exchange> async_names(boost::asio::io_context& io, target to, found_names done);

/// The target for options of the public interface, or why its port is none.
std::expected<target, error> make_target(std::string_view host, const query_options& options);

/// Why `name` is no name to register or look up, or null.
const char* name_problem(std::string_view name) noexcept;

} // namespace erl::epmd
