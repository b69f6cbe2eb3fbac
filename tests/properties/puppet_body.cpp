#include "puppet_body.hpp"

#include "judge.hpp"

#include <utility>

namespace properties {

using erl::process;
using erl::term;

namespace {

class puppet_body final : public erl::body {
public:
  puppet_body(scene& owner, puppet& who) : all_(owner), who_(who) {}
  puppet_body(const puppet_body&) = delete;
  puppet_body& operator=(const puppet_body&) = delete;
  ~puppet_body() override {
    who_.block = nullptr;
    who_.ended = true;
    all_.leaves(who_);
  }

  outcome run(process& self) override {
    if (who_.block == nullptr)
      begin(self);
    const outcome result = work(self);
    all_.counted.suspended += who_.block->must_wait ? 1 : 0;
    return result;
  }

private:
  void begin(process& self) {
    who_.block = &static_cast<erl::runtime::process_block&>(self);
    if (!who_.begun)
      all_.begins(who_, self.self());
    if (!who_.in_scene)
      all_.enters(who_);
  }

  outcome work(process& self) {
    while (!who_.orders.empty()) {
      if (erl::detail::slice_is_over(self))
        return outcome::yielded;
      const auto what = std::move(who_.orders.front());
      who_.orders.pop_front();
      protect([&] { what(self); });
      if (who_.block->pending_exit)
        return outcome::waiting;
    }
    while (const erl::message m = erl::detail::next_message(self))
      protect([&] {
        ++who_.received;
        if (const numbered* object = m.object<numbered>())
          judge(all_, who_, *object);
        else
          judge(all_, who_, m.body());
      });
    return erl::detail::slice_is_over(self) ? outcome::yielded : outcome::waiting;
  }

  /// Keeps what goes wrong, but for the exits of puppets: it would only end this one.
  template <class Action> void protect(Action action) {
    try {
      action();
    } catch (const violation& v) {
      if (!all_.first)
        all_.first = v;
    } catch (const std::exception& unexpected) {
      if (!all_.first)
        all_.first = violation(invariant::none, unexpected.what());
    }
  }

  scene& all_;
  puppet& who_;
};

class puppet_function final : public erl::detail::served_function {
public:
  explicit puppet_function(scene& all) : all_(all) {}
  erl::owned_body body_for(term arguments) const override {
    return make_puppet_body(all_, all_.at(erl::decode<int>(arguments.head()).value()));
  }

private:
  scene& all_;
};

} // namespace

erl::owned_body make_puppet_body(scene& all, puppet& who) {
  return erl::owned_body(new puppet_body(all, who));
}

void serve_puppets(scene& all, erl::sim::node& node) {
  erl::sim::served_by(node).add(served_module, served_name, 1,
                                erl::owned<erl::detail::served_function>(new puppet_function(all)));
}

} // namespace properties
