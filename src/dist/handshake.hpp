/// The distribution handshake as two state machines without I/O.
///
/// Whoever drives a machine feeds it what has arrived, in whatever pieces, and does what the
/// returned action says:
///
///     auto action = machine.resume(bytes);           // takes from the front of `bytes` what it
///     can use while (action.what == handshake_action::send) { write(action.bytes); action =
///     machine.resume(bytes); }
///
/// A machine never takes more than its own messages: after `done`, what is left of `bytes` are
/// frames of the connected phase. Nothing of an unproved peer becomes an atom, and its messages are
/// bounded. The deadline is the driver's.
#pragma once

#include "dist/handshake_messages.hpp"

#include <optional>
#include <string>
#include <utility>

namespace erl::dist {

/// Why a handshake failed.
enum class handshake_errc {
  malformed = 1,    ///< the peer sent something that is not the expected handshake message
  message_too_long, ///< the peer announced a handshake message of more than 1 KB
  bad_name,         ///< the peer's name, or ours, is not the name of a node
  wrong_peer,       ///< the node that answered is not the one that was dialled
  flags_missing,    ///< the peer lacks mandatory flags
  not_allowed,      ///< the peer refuses this node
  simultaneous,     ///< the peer uses its own connection attempt instead ("nok")
  abandoned,    ///< a peer that has a connection to us already was told that this one is not meant
  wrong_cookie, ///< the cookies of both nodes differ
  reflected,    ///< the peer presented a challenge that this node itself has drawn
  refused,      ///< this node does not want the peer
  name_not_assigned,  ///< this node asked for a name and got none, or got one for another host
  peer_closed,        ///< the peer closed the connection in the middle
  timed_out,          ///< the peer was silent, or too slow
  digest_unavailable, ///< the cryptographic library refuses MD5
};

/// A failed handshake: what happened, and in `text` what the cause may be and what helps.
struct handshake_error {
  handshake_errc code = handshake_errc::malformed;
  std::string text;
};

/// What this node says about itself in one handshake.
struct handshake_options {
  std::string name; ///< full node name, UTF-8; for NAME_ME the host alone
  flag_set flags = advertised(false);
  std::uint32_t creation = 0;
  std::string cookie;          ///< the cookie's bytes
  std::uint32_t challenge = 0; ///< this handshake's challenge, unpredictable and in `outstanding`
  flag_set mandatory = flags::mandatory_26; ///< what the peer has to have
  /// The challenges of all handshakes of this node; may be null in tests. Outlives the machine.
  const challenge_set* outstanding = nullptr;
  unsigned prefix_bytes = 2; ///< width of the length before each message: 2, or 4 inside TLS
};

/// What is known about the other side.
struct peer_info {
  std::string name;    ///< UTF-8. Untrusted text until the handshake is done
  flag_set flags = 0;  ///< the peer's, the digest flag spelled out
  flag_set common = 0; ///< what both sides have: everything in the connected phase depends on it
  std::uint32_t creation = 0; ///< the peer's incarnation
  bool named_by_us = false;   ///< acceptor: the peer asked for a name and has been given `name`
  std::string assigned_name;  ///< initiator that asked for a name: what it is called from now on
  std::uint32_t assigned_creation = 0;

  /// Both nodes are visible, so the connection counts for nodes(), global and pg.
  bool visible() const { return (common & flags::published) != 0; }
};

/// What the driver of a machine has to do next.
struct handshake_action {
  enum kind {
    more,         ///< wait for bytes, then resume
    send,         ///< write `bytes` (valid until the next call), then resume
    decide,       ///< acceptor: `peer()` is known; call `decide()`, then resume
    still_wanted, ///< initiator: the peer has a connection to us already; call `answer()`, then
                  ///< resume
    replace_old,  ///< acceptor: proved; end the old connection to this name, then resume
    done,         ///< both sides are proved; frames follow
    failed,       ///< close; `error()` says why
  };
  kind what = more;
  bytes_view bytes{};
};

/// An acceptor's verdict on a peer that has given its name.
struct handshake_decision {
  handshake_status status = handshake_status::ok;
  std::optional<std::string> cookie{}; ///< this peer's cookie, where it differs from the default
  std::string name{};                  ///< with `named`: the full name for the peer
  std::uint32_t creation = 0;          ///< with `named`: its creation, 4 or more
  std::string reason{};                ///< with `not_allowed`: for the error's text
};

/// What both machines share: messages out of a byte stream, and the outcome.
class handshake_machine {
public:
  const peer_info& peer() const { return peer_; }
  const handshake_error& error() const { return error_; }

  /// What it means that the connection ends, or that time runs out, in the current state.
  handshake_error closed_by_peer() const;
  handshake_error out_of_time() const;

protected:
  enum class state {
    start,
    send_name,
    status,
    deciding,
    sending_status,
    alive_question,
    alive_answer,
    sending_alive_answer,
    challenge,
    complement,
    challenge_reply,
    replacing,
    challenge_ack,
    finished,
    failed,
  };

  explicit handshake_machine(handshake_options options) : options_(std::move(options)) {}
  ~handshake_machine() = default;

  /// One whole message off the front of what has arrived; nothing while it is incomplete, or after
  /// `fail`.
  std::optional<bytes_view> take_message(bytes_view& bytes);
  template <class Message> handshake_action send(const Message& message, state next);
  handshake_action fail(handshake_errc code, std::string text);
  handshake_action fail_malformed(std::string_view expected, bytes_view message);
  bool own_name_is_sound() const;
  bool is_reflected(std::uint32_t challenge) const;
  /// Records the peer's flags; fails if mandatory ones are missing.
  bool accept_flags(flag_set received);

  handshake_options options_;
  peer_info peer_;
  handshake_error error_;
  state state_ = state::start;
  std::vector<std::byte> in_;
  std::vector<std::byte> out_;
  bool proof_sent_ = false;
};

/// The side that dials.
class initiator final : public handshake_machine {
public:
  /// `peer` is the full name of the node that is dialled. With NAME_ME in the flags, `options.name`
  /// is the host.
  initiator(handshake_options options, std::string peer);

  /// Goes on with what has arrived: takes from the front of `bytes`. The first call sends the name.
  handshake_action resume(bytes_view& bytes);
  /// Answers `still_wanted`.
  void answer(bool still_wanted);

private:
  handshake_action on_message(bytes_view message);
  handshake_action on_status(bytes_view message);
  handshake_action on_challenge(bytes_view message);
  handshake_action on_ack(bytes_view message);

  std::string dialled_;
  bool wanted_ = true;
};

/// The side that is called.
class acceptor final : public handshake_machine {
public:
  explicit acceptor(handshake_options options);

  /// Goes on with what has arrived: takes from the front of `bytes`.
  handshake_action resume(bytes_view& bytes);
  /// Answers `decide`.
  void decide(handshake_decision decision);

private:
  handshake_action on_message(bytes_view message);
  handshake_action on_name(bytes_view message);
  handshake_action on_decision();
  handshake_action on_alive_answer(bytes_view message);
  handshake_action on_complement(bytes_view message);
  handshake_action on_reply(bytes_view message);
  handshake_action send_challenge();
  handshake_action send_ack();

  std::optional<handshake_decision> decision_;
  bool old_form_ = false;
  flag_set received_flags_ = 0;
  std::uint32_t their_challenge_ = 0;
};

} // namespace erl::dist
