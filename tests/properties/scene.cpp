#include "scene.hpp"

#include <random>

namespace properties {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t large_places = 400;

} // namespace

std::span<const std::byte> carried(int sender, std::int64_t number, std::size_t size) {
  static const std::vector<std::byte> noise = [] {
    constexpr std::size_t offsets = 4096;
    std::mt19937 random; // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in all runs
    std::vector<std::byte> made(most_carried + offsets);
    for (std::byte& each : made)
      each = static_cast<std::byte>(random());
    return made;
  }();
  const auto offset = static_cast<std::size_t>(sender * 61 + number * 7) % 4096;
  return std::span(noise).subspan(offset, size);
}

scene::scene(std::uint64_t seed, const kind& what, tally& tallied)
    : size(what.size), planted(what.planted), counted(tallied), world(seed) {
  const std::uint64_t count = is_large() ? 2 : 1 + world.random() % 3;
  for (std::uint64_t i = 0; i < count; ++i)
    nodes.push_back({&world.add_node("n" + std::to_string(i) + "@sim", {.tick_time = 4s}), 1});
  if (is_large())
    places.assign(large_places, -1);
}

puppet& scene::add(int node) {
  puppets.push_back(std::make_unique<puppet>());
  puppet& p = *puppets.back();
  p.number = static_cast<int>(puppets.size() - 1);
  p.node = node;
  p.life = nodes[static_cast<std::size_t>(node)].life;
  return p;
}

void scene::enters(puppet& who) {
  who.in_scene = true;
  alive.push_back(who.number);
  for (auto i = static_cast<std::size_t>(who.node); i < places.size(); i += nodes.size())
    if (places[i] < 0) {
      places[i] = who.number;
      who.place = static_cast<int>(i);
      return;
    }
}

void scene::leaves(const puppet& who) {
  std::erase(alive, who.number);
  if (who.place >= 0)
    places[static_cast<std::size_t>(who.place)] = -1;
}

void scene::begins(puppet& who, const erl::pid& self) {
  who.self = self;
  who.begun = true;
  by_pid.emplace(self, who.number);
}

int scene::number_of(const erl::pid& who) const {
  const auto found = by_pid.find(who);
  return found == by_pid.end() ? -1 : found->second;
}

std::uint32_t scene::epoch(int from, erl::atom to) const {
  const auto& node = *nodes[static_cast<std::size_t>(from)].node;
  return node.running() ? erl::sim::system_of(node).at(0).epoch_of(to) : 0;
}

bool scene::may_be_missing(const puppet& from, const sent_message& m, const puppet& to) const {
  return m.may_vanish || m.life != node_of(from).life ||
         m.epoch != epoch(from.node, name_of_node(to));
}

} // namespace properties
