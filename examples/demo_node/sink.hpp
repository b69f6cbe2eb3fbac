/// `sink`: keeps what it is given in the order in which it comes.
#pragma once

#include <erl/erl.hpp>

#include <unordered_map>
#include <utility>
#include <vector>

namespace demo {

class sink : public erl::gen_server<sink> {
public:
  struct put {
    erl::term tag;
    erl::term what;
    using erl_shape = erl::tagged_shape<"put">;
  };
  struct take {
    erl::term tag;
    using erl_shape = erl::tagged_shape<"take">;
  };
  // `pid` is for this project's own tests.
  using calls = erl::messages<put, take, erl::is<"pid">>;
  using casts = erl::messages<put>;
  using infos = erl::messages<put>;

  void handle_call(put request) { keep(request); }
  std::vector<erl::term> handle_call(take request) {
    auto found = kept_.extract(request.tag);
    return found ? std::move(found.mapped()) : std::vector<erl::term>();
  }
  erl::pid handle_call(erl::is<"pid">) { return self().self(); }
  void handle_cast(put request) { keep(request); }
  void handle_info(put request) { keep(request); }

private:
  // Copies, so that small parts do not keep large messages.
  void keep(const put& request) {
    auto found = kept_.find(request.tag);
    if (found == kept_.end())
      found = kept_.try_emplace(erl::term::copy(request.tag)).first;
    found->second.push_back(erl::term::copy(request.what));
  }

  std::unordered_map<erl::term, std::vector<erl::term>> kept_;
};

} // namespace demo
