/// A process's mailbox: a FIFO with a save pointer, touched by the owning scheduler only.
///
/// A selective receive looks at each message once: `saved_` points behind the last one that the
/// receive under way has refused, and only later ones are looked at when more arrive. A new receive
/// starts from the oldest message again.
#pragma once

#include <erl/etf/detail/blocks.hpp>
#include <erl/message.hpp>
#include <erl/owned.hpp>

#include <cstddef>
#include <cstdint>

namespace erl {

namespace detail {
struct message_node {
  static void* operator new(std::size_t size) { return take_block(size); }
  static void operator delete(void* node, std::size_t size) noexcept { give_block(node, size); }

  message_node* next = nullptr;
  mutable term body;
  bool kept = false; ///< a full mailbox does not drop it
  /// Set: the message is this, and has no body before `message_body` asks it.
  mutable bool encoded = true;
  owned<native_object> object;
};

message make_message(term body, owned<native_object> token = {});
message make_message(owned<native_object> object);
} // namespace detail

namespace runtime {

/// Which message a receive waits for; no function: any.
struct receive_pattern {
  bool (*match)(const void* context, term_ref body) = nullptr;
  const void* context = nullptr;
};

class mailbox {
public:
  mailbox() = default;
  mailbox(const mailbox&) = delete;
  mailbox& operator=(const mailbox&) = delete;
  ~mailbox() { clear(); }

  void push(term&& body, bool kept = false);
  void push(message m) noexcept;
  /// With its trace token.
  void push_traced(term&& body, bool kept, owned<detail::native_object> token);
  /// In front of all messages but those that came so before. A receive under way looks at it.
  void push_in_front(term body, bool kept, owned<detail::native_object> token = {});
  /// The next receive looks from the oldest message on.
  void rewind() noexcept { saved_ = &first_; }
  /// Remembers the end: what comes from now on is behind the mark. Returns its number.
  std::uint64_t mark() noexcept {
    mark_ = last_;
    return ++marks_;
  }
  /// After `rewind`: passes over what is before the mark, if it is the latest one.
  void skip_to(std::uint64_t mark) noexcept {
    if (mark == marks_ && mark_ != nullptr)
      saved_ = mark_;
  }
  /// Takes the first message behind the save pointer that matches, or moves the save pointer to the
  /// end.
  message take(const receive_pattern& pattern);
  /// Takes the oldest message that need not be kept, whatever the receive under way has seen.
  /// Nothing if the first ones must all be kept: the search is short.
  message take_oldest() noexcept;
  bool empty() const noexcept { return first_ == nullptr; }
  /// True if there are messages that the receive under way has not looked at.
  bool unseen() const noexcept { return *saved_ != nullptr; }
  std::size_t size() const noexcept { return size_; }
  /// Bytes of all messages.
  std::size_t memory() const noexcept;
  void clear() noexcept;

private:
  void append(detail::message_node* node) noexcept;

  detail::message_node* first_ = nullptr;
  detail::message_node** last_ = &first_;
  detail::message_node** saved_ = &first_;
  detail::message_node** mark_ = nullptr;
  detail::message_node** urgent_end_ = &first_;     // behind those that were pushed in front
  const detail::message_node* looked_at_ = nullptr; // by a pattern, which may send to this mailbox
  std::uint64_t marks_ = 0;
  std::size_t size_ = 0;
};

} // namespace runtime
} // namespace erl
