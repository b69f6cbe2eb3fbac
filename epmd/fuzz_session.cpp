/// libFuzzer: clients of one daemon state say anything, in any segments and any order.
///
/// The input is a list of steps: a byte that picks the client and the size of its next segment,
/// then the segment.
#include "epmd/session.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

using namespace erl::epmd;

namespace {

constexpr int most_clients = 4;

void check(bool holds) {
  if (!holds)
    std::abort();
}

class clients {
public:
  explicit clients(bool relaxed) : rules_{.port = 4369, .relaxed = relaxed} {}

  void say(int who, std::string_view bytes) {
    auto& client = all_[static_cast<std::size_t>(who)];
    if (!client)
      client.emplace(names_, rules_, who, who != 0); // the first one is a stranger
    while (client && !bytes.empty()) {
      const auto wanted = client->wanted();
      check(wanted > 0 && wanted <= wire::max_body + 2);
      const auto segment = bytes.substr(0, wanted);
      bytes.remove_prefix(segment.size());
      obey(who, client->feed(segment, 1'795'000'000));
    }
  }

  void hang_up() {
    for (auto& client : all_)
      if (client)
        client->ended();
    check(names_.empty());
    check(names_.remembered() <= registry::max_remembered + 1);
  }

private:
  void obey(int who, const action& what) {
    check(what.reply.size() < 64 * 1024);
    if (what.drop)
      end(*what.drop);
    if (what.next == action::step::close || what.next == action::step::stop)
      end(who);
    check(what.next != action::step::stop || rules_.relaxed || names_.empty());
    check(!all_[0] || !all_[0]->registered());
  }

  void end(int who) {
    auto& client = all_[static_cast<std::size_t>(who)];
    if (client)
      client->ended();
    client.reset();
  }

  registry names_;
  session_rules rules_;
  std::array<std::optional<session>, most_clients> all_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty())
    return 0;
  clients all((input[0] & 1) != 0);
  input.remove_prefix(1);
  while (!input.empty()) {
    const auto step = static_cast<unsigned char>(input[0]);
    const auto segment = input.substr(1, step >> 2);
    all.say(step & 3, segment);
    input.remove_prefix(1 + segment.size());
  }
  all.hang_up();

  // What a client of another daemon makes of the same bytes.
  const std::string_view answer(reinterpret_cast<const char*>(data), size);
  (void)wire::decode_registered(answer);
  (void)wire::decode_lookup(answer);
  (void)wire::decode_names(answer, true);
  return 0;
}
