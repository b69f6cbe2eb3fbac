#include "epmd/registry.hpp"

#include <algorithm>

namespace erl::epmd {

namespace {
constexpr std::uint32_t least_creation = 4; // 0 is a wildcard, 1..3 belong to nodes before OTP 23
}

registry::slots::const_iterator registry::live(std::string_view name) const {
  return std::ranges::find(live_, name,
                           [](const slot& s) { return std::string_view(s.node.name); });
}

registry::slots registry::take_slot(std::string_view name, std::uint32_t now) {
  slots taken;
  const auto known =
      std::ranges::find(old_, name, [](const slot& s) { return std::string_view(s.node.name); });
  if (known != old_.end()) {
    taken.splice(taken.end(), old_, known);
    return taken;
  }
  if (old_.size() > max_remembered)
    taken.splice(taken.end(), old_, old_.begin());
  else
    taken.emplace_back();
  taken.front().creation = now;
  return taken;
}

std::optional<std::uint32_t> registry::add(const wire::register_request& wanted, int fd,
                                           std::uint32_t now) {
  if (!wire::is_name(wanted.name) || wanted.extra.size() > wire::max_extra ||
      live(wanted.name) != live_.end())
    return std::nullopt;
  auto taken = take_slot(wanted.name, now);
  auto& mine = taken.front();
  mine.creation = std::max(mine.creation + 1, least_creation);
  mine.fd = fd;
  mine.node = {.name = std::string(wanted.name),
               .port = wanted.port,
               .type = wanted.type,
               .protocol = wanted.protocol,
               .highest = wanted.highest,
               .lowest = wanted.lowest,
               .extra = std::string(wanted.extra)};
  live_.splice(live_.begin(), taken);
  return live_.front().creation;
}

void registry::remove(int fd) {
  const auto found = std::ranges::find(live_, fd, &slot::fd);
  if (found != live_.end())
    old_.splice(old_.end(), live_, found);
}

const node_info* registry::find(std::string_view name) const {
  const auto found = live(name);
  return found == live_.end() ? nullptr : &found->node;
}

std::optional<int> registry::holder(std::string_view name) const {
  const auto found = live(name);
  return found == live_.end() ? std::nullopt : std::optional(found->fd);
}

std::string registry::names_text() const {
  std::string text;
  for (const auto& one : live_)
    text.append("name ")
        .append(one.node.name)
        .append(" at port ")
        .append(std::to_string(one.node.port)) += '\n';
  return text;
}

std::string registry::dump_text() const {
  std::string text;
  for (const auto& one : live_) {
    text.append("active name     <").append(one.node.name).append("> at port ");
    text.append(std::to_string(one.node.port)).append(", fd = ").append(std::to_string(one.fd));
    text.append("\n\0", 2);
  }
  for (const auto& one : old_) {
    text.append("old/unused name <").append(one.node.name).append(">, port = ");
    text.append(std::to_string(one.node.port)).append(", fd = ").append(std::to_string(one.fd));
    text.append(" \n\0", 3);
  }
  return text;
}

} // namespace erl::epmd
