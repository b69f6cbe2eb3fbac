#include "dist/flags.hpp"
#include <erl/connection_info.hpp>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace erl {

namespace {

using row = std::vector<std::string>;
using named_counts = std::initializer_list<std::pair<std::string_view, std::uint64_t>>;

/// Whole seconds, minutes, hours: `3d04h`, `4h05m`, `6m07s`, `8s`, and below one `90ms`.
std::string time_text(duration time) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  if (ms < 1000)
    return std::to_string(ms) + "ms";
  struct unit {
    std::int64_t seconds;
    char name;
  };
  constexpr std::array<unit, 4> units{{{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}}};
  const std::int64_t seconds = ms / 1000;
  const auto* const first =
      std::ranges::find_if(units, [&](const unit& each) { return seconds >= each.seconds; });
  std::string text = std::to_string(seconds / first->seconds) + first->name;
  if (const auto* const next = first + 1; next != units.end()) {
    const auto rest = std::to_string(seconds % first->seconds / next->seconds);
    text += (rest.size() == 1 ? "0" : "") + rest + next->name;
  }
  return text;
}

/// Up to five characters: `12345`, `123K`, `45M`.
std::string short_text(std::uint64_t value) {
  constexpr std::string_view units = "KMGTPE";
  if (value < 100'000)
    return std::to_string(value);
  std::size_t unit = 0;
  for (value /= 1000; value >= 10'000; value /= 1000)
    ++unit;
  return std::to_string(value) + units[unit];
}

std::string address_text(const connection_info& c) {
  const bool colons = c.address.find(':') != std::string::npos;
  return (colons ? "[" + c.address + "]" : c.address) + ":" + std::to_string(c.port);
}

std::string table(const std::vector<row>& rows) {
  constexpr std::size_t texts = 3; // columns that begin at the left
  std::vector<std::size_t> widths(rows.front().size());
  for (const row& each : rows)
    for (std::size_t i = 0; i < each.size(); ++i)
      widths[i] = std::max(widths[i], each[i].size());
  std::string text;
  for (const row& each : rows) {
    for (std::size_t i = 0; i < each.size(); ++i) {
      const std::string gap(widths[i] - each[i].size(), ' ');
      text += (i == 0 ? "" : "  ") + (i < texts ? each[i] + gap : gap + each[i]);
    }
    text += '\n';
  }
  return text;
}

/// `name` and a number, unless that is 0.
void count(std::string& text, std::string_view name, std::uint64_t value) {
  if (value != 0)
    text += std::string(name) + ": " + std::to_string(value) + "\n";
}

void failures(std::string& text, const std::string& what, const connection_failures& f) {
  for (const auto& [name, value] : named_counts{{"wrong cookie", f.wrong_cookie},
                                                {"flags missing", f.flags_missing},
                                                {"this node's own name", f.same_name},
                                                {"not allowed by the peer", f.not_allowed},
                                                {"bad name", f.bad_name},
                                                {"malformed handshake", f.malformed},
                                                {"own challenge handed back", f.reflected},
                                                {"timed out", f.timed_out},
                                                {"peer hung up", f.hung_up},
                                                {"given up for another connection", f.given_up},
                                                {"unreachable", f.unreachable},
                                                {"over a limit", f.over_limit},
                                                {"other", f.other}})
    count(text, what + ", " + std::string(name), value);
}

} // namespace

std::uint64_t connection_failures::total() const {
  return wrong_cookie + flags_missing + same_name + not_allowed + bad_name + malformed + reflected +
         timed_out + hung_up + given_up + unreachable + over_limit + other;
}

std::uint64_t connection_losses::over_limit() const {
  return frame_too_long + too_many_atoms + too_many_relations + output_overflow;
}

std::uint64_t connection_losses::total() const {
  return closed_by_peer + network + silent + disconnected + replaced + illegal_frame + over_limit();
}

std::string to_text(std::span<const connection_info> connections) {
  std::vector<row> rows{{"node", "kind", "address", "age", "in bytes", "frames", "msgs",
                         "out bytes", "frames", "msgs", "waiting", "stopped", "busy", "for",
                         "unfinished", "atoms"}};
  for (const connection_info& c : connections)
    rows.push_back(
        {c.name, c.visible ? "visible" : "hidden", (c.incoming ? "< " : "> ") + address_text(c),
         time_text(c.age), short_text(c.received.bytes), short_text(c.received.frames),
         short_text(c.received.messages), short_text(c.sent.bytes), short_text(c.sent.frames),
         short_text(c.sent.messages), short_text(c.waiting_bytes), short_text(c.stopped_senders),
         short_text(c.times_busy), time_text(c.busy_time), short_text(c.unfinished_messages),
         short_text(c.new_atoms)});
  return table(rows);
}

std::string to_text(const connection_info& c) {
  const auto way = [](const connection_info::traffic& t) {
    return std::to_string(t.bytes) + " bytes, " + std::to_string(t.frames) + " frames (" +
           std::to_string(t.ticks) + " ticks, " + std::to_string(t.fragments) + " fragments), " +
           std::to_string(t.messages) + " messages\n";
  };
  return "node: " + c.name + (c.visible ? ", visible\n" : ", hidden\n") +
         "address: " + address_text(c) + (c.incoming ? ", it dialled\n" : ", dialled from here\n") +
         "connected for: " + time_text(c.age) + "\nreceived: " + way(c.received) +
         "sent: " + way(c.sent) + "waiting: " + std::to_string(c.waiting_bytes) +
         " bytes\nsenders stopped: " + std::to_string(c.stopped_senders) + " now, " +
         std::to_string(c.stops) + " times\nbusy: " + std::to_string(c.times_busy) + " times, " +
         time_text(c.busy_time) + "\nunfinished: " + std::to_string(c.unfinished_messages) +
         " messages, " + std::to_string(c.unfinished_bytes) +
         " bytes\nnew atoms: " + std::to_string(c.new_atoms) +
         "\nflags: " + dist::hexadecimal(c.flags) + " " + c.flag_names + "\n";
}

std::string to_text(const connection_history& history) {
  std::string text;
  count(text, "accepted", history.accepted);
  count(text, "dialled", history.dialled);
  failures(text, "refused", history.refused);
  failures(text, "failed", history.failed);
  const connection_losses& l = history.lost;
  for (const auto& [name, value] :
       named_counts{{"closed by the peer", l.closed_by_peer},
                    {"error of the network", l.network},
                    {"silent peer", l.silent},
                    {"disconnected", l.disconnected},
                    {"replaced by a new connection", l.replaced},
                    {"illegal frame", l.illegal_frame},
                    {"frame too long", l.frame_too_long},
                    {"too many atoms", l.too_many_atoms},
                    {"too many links and monitors", l.too_many_relations},
                    {"too much waited", l.output_overflow}})
    count(text, "lost, " + std::string(name), value);
  return text;
}

} // namespace erl
