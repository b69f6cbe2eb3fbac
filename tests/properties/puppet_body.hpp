/// The processes of puppets.
#pragma once

#include "scene.hpp"

namespace properties {

/// Carries out the puppet's orders and has judged what it receives.
erl::owned_body make_puppet_body(scene& all, puppet& who);

/// Lets other nodes start puppets on this one, by their numbers.
void serve_puppets(scene& all, erl::sim::node& node);
inline const erl::atom served_module("puppets");
inline const erl::atom served_name("start");

} // namespace properties
