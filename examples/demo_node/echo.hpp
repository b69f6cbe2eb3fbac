/// `echo`: answers with what it is given, now or later.
#pragma once

#include <erl/erl.hpp>
#include <erl/etf/codec.hpp>
#include <erl/etf/std_duration.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace demo {

class echo : public erl::gen_server<echo> {
public:
  struct same {
    erl::term what;
    using erl_shape = erl::tagged_shape<"echo">;
  };
  struct delayed {
    std::chrono::milliseconds time;
    erl::term what;
    using erl_shape = erl::tagged_shape<"delay">;
  };
  struct to_bytes {
    erl::term what;
    using erl_shape = erl::tagged_shape<"t2b">;
  };
  struct from_bytes {
    std::span<const std::byte> bytes;
    using erl_shape = erl::tagged_shape<"b2t">;
  };
  struct echo_to {
    erl::pid receiver;
    erl::term what;
    using erl_shape = erl::tagged_shape<"echo_to">;
  };
  struct size_of {
    erl::pid receiver;
    erl::reference tag;
    std::span<const std::byte> bytes;
    using erl_shape = erl::tagged_shape<"size">;
  };
  using plain = std::tuple<erl::pid, erl::reference, erl::term>;
  /// A delayed reply's time has come.
  struct due {
    std::uint64_t number;
    using erl_shape = erl::tagged_shape<"$due">;
  };

  using calls = erl::messages<same, delayed, erl::is<"whoami">, to_bytes, from_bytes>;
  using casts = erl::messages<echo_to>;
  using infos = erl::messages<due, size_of, plain>;

  erl::term handle_call(same request) { return std::move(request.what); }
  void handle_call(delayed request, erl::caller from) {
    waiting_.emplace(++last_, std::pair(std::move(from), std::move(request.what)));
    self().send_after(request.time, self().self(), due{last_});
  }
  std::tuple<erl::pid, erl::atom> handle_call(erl::is<"whoami">) {
    return {self().self(), self().node()};
  }
  std::vector<std::byte> handle_call(to_bytes request) {
    std::vector<std::byte> bytes;
    erl::encode_external(request.what, bytes);
    return bytes;
  }
  erl::term handle_call(from_bytes request) {
    const auto value = erl::decode_external(request.bytes);
    if (value)
      return erl::to_term(std::tuple(erl::is<"ok">{}, *value));
    return erl::to_term(std::tuple(erl::is<"error">{}, erl::is<"badarg">{}));
  }

  void handle_cast(echo_to request) {
    self().send(request.receiver, std::tuple(erl::is<"echo_cast">{}, std::move(request.what)));
  }

  void handle_info(due which) {
    if (auto found = waiting_.extract(which.number))
      found.mapped().first.reply(found.mapped().second);
  }
  void handle_info(size_of message) {
    self().send(message.receiver, std::tuple(message.tag, message.bytes.size()));
  }
  void handle_info(plain message) {
    auto& [receiver, tag, what] = message;
    self().send(receiver, std::tuple(tag, std::move(what)));
  }

private:
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, std::pair<erl::caller, erl::term>> waiting_;
};

} // namespace demo
