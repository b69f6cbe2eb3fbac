/// Carries out commands: gives orders to puppets, and does things to nodes and connections.
#pragma once

#include "scene.hpp"

#include <functional>

namespace properties {

class actor {
public:
  explicit actor(scene& all);
  /// Throws `violation` if one has been found meanwhile.
  void perform(const command& c);

private:
  using order_to = std::function<void(erl::process&)>;
  struct sending {
    bool may_vanish = false;
    bool suspend = true;
    std::uint32_t size = 0; ///< of a large message
  };

  void spawn(int node);
  void fill(int node);
  bool has_room(int node) const;
  puppet& add(int node);
  puppet& picked(std::uint32_t number);
  void act(const command& c, puppet& who, puppet& other);
  void act_in_crowd(const command& c);
  bool act_on_nodes(const command& c);
  void order(puppet& who, order_to what);

  // By a puppet, inside its process (deeds.cpp).
  void send(puppet& from, puppet& to, const erl::destination& where, const sending& how,
            erl::process& self);
  void send_to_name(puppet& who, const puppet& other, erl::atom name, erl::process& self);
  void spawn_child(puppet& parent, std::uint32_t how, erl::process& self);
  void spawn_there(puppet& parent, std::uint32_t how, erl::process& self);
  void link(puppet& who, puppet& other, erl::process& self);
  void unlink(puppet& who, puppet& other, erl::process& self);
  void monitor(puppet& who, puppet& other, erl::alias_mode mode, erl::process& self);
  void monitor_name(puppet& who, const puppet& other, erl::atom name, erl::process& self);
  void demonitor(puppet& who, std::uint32_t which, bool flush, erl::process& self);
  void start_timer(puppet& who, std::uint32_t milliseconds, erl::process& self);
  static void cancel_timer(puppet& who, erl::process& self);
  static void trap(puppet& who, bool on, erl::process& self);
  static void add_alias(puppet& who, const erl::reference& ref, erl::alias_mode mode);
  static void unalias(puppet& who, std::uint32_t which, erl::process& self);
  static void close(const puppet& who, open_alias& alias);

  scene& all_;
  std::uint64_t wakes_ = 0; ///< what the fault against goes_on is made of
};

} // namespace properties
