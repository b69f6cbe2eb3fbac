#include "epmd/session.hpp"

namespace erl::epmd {

namespace {
constexpr std::size_t prefix = 2;
constexpr std::size_t first_read = prefix + wire::max_body;
} // namespace

std::size_t session::wanted() const noexcept {
  if (answered_)
    return 1;
  return (size_ != 0 ? size_ : first_read) - bytes_.size();
}

action session::feed(std::string_view bytes, std::uint32_t now) {
  if (answered_ || bytes.size() > wanted()) {
    ended();
    registered_ = false;
    return {.next = action::step::close};
  }
  bytes_ += bytes;
  if (size_ == 0 && bytes_.size() >= prefix) {
    const auto body = static_cast<std::size_t>(static_cast<unsigned char>(bytes_[0]) << 8 |
                                               static_cast<unsigned char>(bytes_[1]));
    if (body == 0 || body > wire::max_body || bytes_.size() > prefix + body)
      return {.next = action::step::close};
    size_ = prefix + body;
  }
  if (size_ == 0 || bytes_.size() < size_)
    return {};
  auto result = serve(std::string_view(bytes_).substr(prefix), now);
  answered_ = true;
  bytes_ = {};
  return result;
}

action session::serve(std::string_view body, std::uint32_t now) {
  const auto wanted = wire::decode_request(body);
  if (!wanted)
    return {.next = action::step::close};
  if (const auto* registration = std::get_if<wire::register_request>(&*wanted))
    return serve(*registration, now);
  if (const auto* lookup = std::get_if<wire::lookup_request>(&*wanted))
    return serve(*lookup);
  if (std::holds_alternative<wire::names_request>(*wanted))
    return serve(wire::names_request{});
  if (!local_)
    return {.next = action::step::close};
  if (std::holds_alternative<wire::dump_request>(*wanted))
    return serve(wire::dump_request{});
  if (const auto* stop = std::get_if<wire::stop_request>(&*wanted))
    return serve(*stop);
  return serve(wire::kill_request{});
}

action session::serve(const wire::register_request& wanted, std::uint32_t now) {
  if (!local_)
    return {.next = action::step::close};
  const auto creation = registry_.add(wanted, fd_, now);
  registered_ = creation.has_value();
  const wire::registered answer{registered_, creation.value_or(wire::error_creation)};
  return {.next = action::step::keep, .reply = wire::encode_registered(answer, wanted.highest)};
}

action session::serve(const wire::lookup_request& wanted) const {
  const auto* node = registry_.find(wanted.name);
  return {.next = action::step::close,
          .reply = node != nullptr ? wire::encode_found(*node) : wire::encode_not_found()};
}

action session::serve(wire::names_request) const {
  action result{.next = action::step::close};
  wire::put_u32(result.reply, rules_.port);
  result.reply += registry_.names_text();
  return result;
}

action session::serve(wire::dump_request) const {
  action result{.next = action::step::close};
  wire::put_u32(result.reply, rules_.port);
  result.reply += registry_.dump_text();
  return result;
}

action session::serve(wire::kill_request) const {
  if (!rules_.relaxed && !registry_.empty())
    return {.next = action::step::close, .reply = "NO"};
  return {.next = action::step::stop, .reply = "OK"};
}

action session::serve(const wire::stop_request& wanted) const {
  if (!rules_.relaxed)
    return {.next = action::step::close};
  const auto holder = registry_.holder(wanted.name);
  return {
      .next = action::step::close, .reply = holder ? "STOPPED" : "NOEXISTSTOPPED", .drop = holder};
}

} // namespace erl::epmd
