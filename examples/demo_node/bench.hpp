/// `bench`: does as little as a server can, so that a measurement sees the way there and back.
#pragma once

#include "arithmetic.hpp"
#include <erl/erl.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <utility>

namespace demo {

class bench : public erl::gen_server<bench> {
public:
  struct add {
    erl::term a, b;
    using erl_shape = erl::tagged_shape<"add">;
  };
  struct same {
    erl::term what;
    using erl_shape = erl::tagged_shape<"echo">;
  };
  struct sync {
    erl::pid receiver;
    erl::reference tag;
    using erl_shape = erl::tagged_shape<"sync">;
  };
  struct binary {
    std::span<const std::byte> bytes;
    using erl_shape = erl::tagged_shape<"bin">;
  };
  using calls = erl::messages<add, same>;
  using infos = erl::messages<sync, binary>;

  erl::term handle_call(add request) { return sum(request.a, request.b); }
  erl::term handle_call(same request) { return std::move(request.what); }
  void handle_info(sync message) {
    self().send(message.receiver,
                std::tuple(message.tag, std::exchange(count_, 0), std::exchange(bytes_, 0)));
  }
  void handle_info(binary message) {
    ++count_;
    bytes_ += message.bytes.size();
  }
  void handle_info(erl::term_ref) { ++count_; }

private:
  std::uint64_t count_ = 0;
  std::uint64_t bytes_ = 0;
};

} // namespace demo
