/// What a process receives.
#pragma once

#include <erl/etf/decode.hpp>
#include <erl/etf/detail/blocks.hpp>
#include <erl/etf/encode.hpp>
#include <erl/etf/shape.hpp>
#include <erl/etf/term.hpp>

#include <optional>
#include <utility>

namespace erl {

namespace runtime {
class mailbox;
}

namespace detail {

/// A C++ object in a message.
class native_object : public in_blocks {
public:
  native_object() = default;
  native_object(const native_object&) = delete;
  native_object& operator=(const native_object&) = delete;
  virtual ~native_object() = default;
  virtual term encode() const = 0;
  /// The object, if this is its type's tag.
  virtual void* get(const void* tag) noexcept = 0;
};

/// Its address stands for a type.
template <class T> inline constexpr char native_tag = 0;

template <class T> class native_value final : public native_object {
public:
  static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__, "send_object: T is over-aligned");
  explicit native_value(T value) : value_(std::move(value)) {}
  term encode() const override { return to_term(value_); }
  void* get(const void* tag) noexcept override { return tag == &native_tag<T> ? &value_ : nullptr; }

private:
  T value_;
};

struct message_node;
void free_message(message_node* node) noexcept;
const term& message_body(const message_node* node);
void* object_in(const message_node* node, const void* tag) noexcept;
} // namespace detail

/// One received message, or nothing when the wait timed out. Owned by the process that received it;
/// one word.
class [[nodiscard]] message {
public:
  message() noexcept = default;
  explicit message(detail::message_node* node) noexcept : node_(node) {}
  message(message&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  message& operator=(message&& other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~message() {
    if (node_ != nullptr)
      detail::free_message(node_);
  }

  /// False when the wait timed out.
  explicit operator bool() const noexcept { return node_ != nullptr; }
  /// The term that was sent, or that stands for the object that was. The message must not be empty.
  const term& body() const { return detail::message_body(node_); }
  /// The message as a `T`, or nothing if it has another shape (or timed out).
  template <class T> std::optional<T> as() const {
    return node_ == nullptr ? std::nullopt : try_decode<T>(body());
  }
  /// The object that was sent with `process::send_object`, if it was one of this type, and came
  /// from this node.
  template <class T> T* object() const noexcept {
    return node_ == nullptr ? nullptr
                            : static_cast<T*>(detail::object_in(node_, &detail::native_tag<T>));
  }
  /// Moves the object out, or decodes a message that came as a term.
  template <class T> std::optional<T> take() {
    if (T* here = object<T>())
      return std::move(*here);
    return as<T>();
  }

private:
  friend runtime::mailbox;
  detail::message_node* node_ = nullptr;
};

/// `{'DOWN', Monitor, process, Object, Reason}`: a monitored process has ended, or could not be
/// reached.
struct down {
  reference monitor;
  atom type;
  term object; ///< the pid, or `{Name, Node}` when it was monitored by name
  term reason;
};

/// `{spawn_reply, Request, ok | error, Pid | Reason}`: the answer to `process::spawn_request`.
struct spawn_reply {
  reference request;
  atom outcome; ///< `ok` or `error`
  term result;  ///< the pid, or why there is none, among others `noconnection` and `notsup`
};

/// `{'EXIT', From, Reason}`: an exit signal that reached a process which traps exits.
struct exit_signal {
  pid from;
  term reason;
};

/// `{nodedown, Node}`: the connection to a watched node is gone, or could not be made.
struct nodedown {
  atom node;
};

/// What `node_up` and `node_lost` tell beside the name.
struct node_details {
  atom node_type;                           ///< `visible` or `hidden`
  std::optional<atom> nodedown_reason = {}; ///< of `node_lost`, among others `connection_closed`
};

/// `{nodeup, Node, Details}`, for those who monitor nodes: there is a connection. Comes before
/// anything that the node sends to the same process.
struct node_up {
  atom node;
  node_details details;
};

/// `{nodedown, Node, Details}`, for those who monitor nodes: the connection is gone.
struct node_lost {
  atom node;
  node_details details;
};

/// `{timeout, Timer, Message}`: what `process::start_timer` sends.
struct timer_expired {
  reference timer;
  term message;
};

/// `{dead_letter, To, Message}`, for those who watch: `Message` found no receiver. `To` is a pid, a
/// name or an alias.
struct dead_letter {
  term to;
  term message;
};

/// `{monitor, Process, long_message_queue, IsLong}`, for the process that watches mailboxes: OTP's
/// `system_monitor` sends the same.
struct mailbox_alarm {
  pid process;
  atom what;
  bool is_long = false;
};

template <> inline constexpr auto shape<down> = tagged<"DOWN">;
template <> inline constexpr auto shape<spawn_reply> = tagged<"spawn_reply">;
template <> inline constexpr auto shape<exit_signal> = tagged<"EXIT">;
template <> inline constexpr auto shape<nodedown> = tagged<"nodedown">;
template <> inline constexpr auto shape<node_details> = map_shape;
template <> inline constexpr auto shape<node_up> = tagged<"nodeup">;
template <> inline constexpr auto shape<node_lost> = tagged<"nodedown">;
template <> inline constexpr auto shape<timer_expired> = tagged<"timeout">;
template <> inline constexpr auto shape<dead_letter> = tagged<"dead_letter">;
template <> inline constexpr auto shape<mailbox_alarm> = tagged<"monitor">;

/// Matches a message that is any of `Ts`, for `process::receive`.
template <class... Ts> struct is_any_of {
  bool operator()(term_ref body) const { return (matches<Ts>(body) || ...); }
};
template <class... Ts> inline constexpr is_any_of<Ts...> any_of{};

} // namespace erl
