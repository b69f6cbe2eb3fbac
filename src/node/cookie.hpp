/// The cookie: where it comes from, and when its file is trusted.
#pragma once

#include <erl/node.hpp>

#include <expected>
#include <string>

namespace erl {

/// The cookie of `options`, of the environment variable ERLPP_COOKIE, or of `.erlang.cookie` in the
/// home directory (or in
/// `$XDG_CONFIG_HOME/erlang`), in this order. The file must be this user's and unreadable to
/// everybody else. If there is none, one is made with 256 random bits. No error message contains
/// the cookie.
std::expected<std::string, node_error> find_cookie(const node_options& options);

} // namespace erl
