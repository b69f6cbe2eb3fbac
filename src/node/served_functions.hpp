/// The functions that other nodes may start processes of.
#pragma once

#include <erl/served_function.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace erl {

/// A table by module, name and arity. Any thread.
class served_functions {
public:
  void add(atom module, atom name, unsigned arity, owned<detail::served_function> function);
  /// The body of a process that runs `module:name(arguments...)`. Where nothing can be run, one
  /// that exits as OTP's would: `undef` for a function that is not served.
  owned_body body_for(atom module, atom name, const term& arguments) const;

private:
  struct key {
    atom module;
    atom name;
    std::size_t arity;
    bool operator==(const key&) const = default;
  };
  struct hash {
    std::size_t operator()(const key& k) const noexcept {
      return std::hash<atom>()(k.module) ^ std::hash<atom>()(k.name) * 31 ^ k.arity;
    }
  };

  mutable std::mutex mutex_;
  std::unordered_map<key, std::shared_ptr<const owned<detail::served_function>>, hash> table_;
};

} // namespace erl
