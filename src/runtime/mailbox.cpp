#include "runtime/mailbox.hpp"

#include <utility>

namespace erl {

namespace detail {
void free_message(message_node* node) noexcept { delete node; }

const term& message_body(const message_node* node) {
  if (!node->encoded) [[unlikely]] {
    node->body = node->object->encode();
    node->encoded = true;
  }
  return node->body;
}

message make_message(term body, owned<native_object> token) {
  return message(new message_node{.body = std::move(body), .object = std::move(token)});
}

message make_message(owned<native_object> object) {
  return message(new message_node{.encoded = false, .object = std::move(object)});
}

void* object_in(const message_node* node, const void* tag) noexcept {
  return node->object ? node->object->get(tag) : nullptr;
}

} // namespace detail

namespace runtime {

void mailbox::push(term&& body, bool kept) {
  append(new detail::message_node{.body = std::move(body), .kept = kept});
}

void mailbox::push_traced(term&& body, bool kept, owned<detail::native_object> token) {
  append(
      new detail::message_node{.body = std::move(body), .kept = kept, .object = std::move(token)});
}

void mailbox::push(message m) noexcept { append(std::exchange(m.node_, nullptr)); }

void mailbox::append(detail::message_node* node) noexcept {
  *last_ = node;
  last_ = &node->next;
  ++size_;
}

void mailbox::push_in_front(term body, bool kept, owned<detail::native_object> token) {
  auto* node = new detail::message_node{
      .next = *urgent_end_, .body = std::move(body), .kept = kept, .object = std::move(token)};
  *urgent_end_ = node;
  if (last_ == urgent_end_)
    last_ = &node->next;
  saved_ = &first_; // also before those that came so and were not looked at yet
  mark_ = nullptr;  // or it would be behind the mark
  urgent_end_ = &node->next;
  ++size_;
}

message mailbox::take_oldest() noexcept {
  constexpr int most_looked_at = 16;
  detail::message_node** link = &first_;
  const auto stays = [&] { return (*link)->kept || *link == looked_at_; };
  for (int i = 0; i < most_looked_at && *link != nullptr && stays(); ++i)
    link = &(*link)->next;
  detail::message_node* node = *link;
  if (node == nullptr || stays())
    return {};
  *link = node->next;
  for (auto* place : {&last_, &saved_, &mark_, &urgent_end_})
    if (*place == &node->next)
      *place = link;
  --size_;
  return message(node);
}

message mailbox::take(const receive_pattern& pattern) {
  while (detail::message_node* node = *saved_) {
    if (pattern.match != nullptr) {
      looked_at_ = node;
      const bool fits = pattern.match(pattern.context, detail::message_body(node));
      looked_at_ = nullptr;
      const bool moved =
          *saved_ != node; // the pattern has sent to this mailbox, with high priority
      if (!fits) {
        if (!moved)
          saved_ = &node->next;
        continue;
      }
      while (*saved_ != node)
        saved_ = &(*saved_)->next;
    }
    *saved_ = node->next;
    if (last_ == &node->next)
      last_ = saved_;
    if (mark_ == &node->next)
      mark_ = saved_;
    if (urgent_end_ == &node->next)
      urgent_end_ = saved_;
    --size_;
    return message(node);
  }
  return {};
}

std::size_t mailbox::memory() const noexcept {
  std::size_t result = 0;
  for (const detail::message_node* node = first_; node != nullptr; node = node->next)
    result += sizeof *node + node->body.memory();
  return result;
}

void mailbox::clear() noexcept {
  while (detail::message_node* node = first_) {
    first_ = node->next;
    delete node;
  }
  last_ = saved_ = urgent_end_ = &first_;
  mark_ = nullptr;
  size_ = 0;
}

} // namespace runtime
} // namespace erl
