#include "epmd/client.hpp"

#include "epmd/wire.hpp"

#include <boost/asio/post.hpp>

#include <optional>
#include <utility>

namespace erl::epmd {

namespace asio = boost::asio;

namespace {

constexpr std::size_t most_lookup_bytes = 14 + wire::max_name + wire::max_extra;
constexpr std::size_t most_names_bytes = std::size_t{4} << 20;

/// A judge that leaves the decoded answer in `found`.
template <class Answer, class Decode> judge keep(std::shared_ptr<Answer> found, Decode decode) {
  return [found = std::move(found), decode](std::string_view bytes,
                                            bool ended) -> std::expected<verdict, const char*> {
    auto answer = decode(bytes, ended);
    if (!answer)
      return std::unexpected(answer.error().why);
    if (!*answer)
      return verdict::more;
    *found = std::move(**answer);
    return verdict::done;
  };
}

std::expected<node_info, error> check(node_info found, const target& to, std::string name) {
  if (found.port == 0)
    return std::unexpected(error{
        .code = errc::not_registered, .host = to.host, .port = to.port, .name = std::move(name)});
  if (found.name != name)
    return std::unexpected(error{.code = errc::bad_reply,
                                 .host = to.host,
                                 .port = to.port,
                                 .name = std::move(name),
                                 .cause = "the answer is about another node"});
  return found;
}

} // namespace

const char* name_problem(std::string_view name) noexcept {
  if (name.empty())
    return "it is empty";
  if (name.find('@') != std::string_view::npos)
    return "it has an @";
  if (!wire::is_name(name))
    return "it is too long, is not UTF-8 or has a NUL";
  return nullptr;
}

std::expected<target, error> make_target(std::string_view host, const query_options& options) {
  const auto port =
      options.port ? std::expected<std::uint16_t, error>(*options.port) : default_port();
  if (!port)
    return std::unexpected(port.error());
  if (*port == 0)
    return std::unexpected(error{.code = errc::bad_port, .host = std::string(host), .cause = "0"});
  return target{std::string(host), *port, options.timeout};
}

std::weak_ptr<exchange> async_lookup(asio::io_context& io, const target& to, std::string name,
                                     found_node done) {
  if (const char* problem = name_problem(name)) {
    asio::post(io, [done = std::move(done), failure = error{.code = errc::bad_name,
                                                            .host = to.host,
                                                            .port = to.port,
                                                            .name = std::move(name),
                                                            .cause = problem}]() mutable {
      done(std::unexpected(failure));
    });
    return {};
  }
  auto request = wire::encode(wire::lookup_request{name});
  auto found = std::make_shared<node_info>();
  auto decode = [](std::string_view bytes, bool) { return wire::decode_lookup(bytes); };
  return exchange::start(
      io, to, std::move(request), most_lookup_bytes, keep(found, decode),
      [found, to, name = std::move(name), done = std::move(done)](auto connection) mutable {
        if (connection) {
          boost::system::error_code gone;
          found->address = connection->remote_endpoint(gone).address().to_string();
          return done(check(std::move(*found), to, std::move(name)));
        }
        connection.error().name = std::move(name);
        done(std::unexpected(std::move(connection.error())));
      });
}

std::weak_ptr<exchange> async_names(asio::io_context& io, target to, found_names done) {
  auto found = std::make_shared<std::vector<listed_node>>();
  return exchange::start(io, std::move(to), wire::encode(wire::names_request{}), most_names_bytes,
                         keep(found, wire::decode_names),
                         [found, done = std::move(done)](auto connection) mutable {
                           if (connection)
                             done(std::move(*found));
                           else
                             done(std::unexpected(std::move(connection.error())));
                         });
}

std::expected<node_info, error> lookup(std::string_view host, std::string_view name,
                                       const query_options& options) {
  auto to = make_target(host, options);
  if (!to)
    return std::unexpected(std::move(to.error()));
  std::expected<node_info, error> result;
  asio::io_context io{1};
  async_lookup(io, *to, std::string(name), [&](auto found) { result = std::move(found); });
  io.run();
  return result;
}

std::expected<std::vector<listed_node>, error> names(std::string_view host,
                                                     const query_options& options) {
  auto to = make_target(host, options);
  if (!to)
    return std::unexpected(std::move(to.error()));
  std::expected<std::vector<listed_node>, error> result;
  asio::io_context io{1};
  async_names(io, std::move(*to), [&](auto found) { result = std::move(found); });
  io.run();
  return result;
}

} // namespace erl::epmd
