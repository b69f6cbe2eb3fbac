#include "dist/handshake.hpp"

#include "dist/bytes.hpp"

namespace erl::dist {

namespace {

std::string quoted(std::string_view name) {
  return "'" + printable(std::as_bytes(std::span(name))) + "'";
}

constexpr std::string_view check_cookie =
    "compare ~/.erlang.cookie, or -setcookie, of both nodes; the cookie is case-sensitive";

constexpr std::string_view no_md5 =
    "the cryptographic library refuses MD5, which the distribution handshake needs (FIPS mode?)";

} // namespace

std::optional<bytes_view> handshake_machine::take_message(bytes_view& bytes) {
  const std::size_t prefix = options_.prefix_bytes;
  const auto take_until = [&](std::size_t size) {
    const auto taken = bytes.first(std::min(bytes.size(), size - std::min(size, in_.size())));
    in_.insert(in_.end(), taken.begin(), taken.end());
    bytes = bytes.subspan(taken.size());
    return in_.size() >= size;
  };
  if (!take_until(prefix))
    return std::nullopt;
  const std::size_t length =
      prefix == 4 ? number_at<std::uint32_t>(in_.data()) : number_at<std::uint16_t>(in_.data());
  if (length > max_handshake_message) {
    fail(handshake_errc::message_too_long,
         "the peer announced a handshake message of " + std::to_string(length) +
             " bytes; whatever it is, it does not speak the Erlang distribution protocol");
    return std::nullopt;
  }
  if (!take_until(prefix + length))
    return std::nullopt;
  return bytes_view(in_).subspan(prefix);
}

template <class Message>
handshake_action handshake_machine::send(const Message& message, state next) {
  out_.assign(options_.prefix_bytes, std::byte{0});
  if constexpr (std::is_same_v<Message, bool>)
    append_alive_answer(out_, message);
  else
    append(out_, message);
  const auto length = static_cast<std::uint32_t>(out_.size() - options_.prefix_bytes);
  for (unsigned i = 0; i < options_.prefix_bytes; ++i)
    out_[i] = static_cast<std::byte>(length >> (8U * (options_.prefix_bytes - 1 - i)));
  in_.clear();
  state_ = next;
  return {.what = handshake_action::send, .bytes = out_};
}

handshake_action handshake_machine::fail(handshake_errc code, std::string text) {
  error_ = {.code = code, .text = std::move(text)};
  state_ = state::failed;
  return {.what = handshake_action::failed};
}

handshake_action handshake_machine::fail_malformed(std::string_view expected, bytes_view message) {
  return fail(handshake_errc::malformed, "expected the handshake message '" +
                                             std::string(expected) + "', got \"" +
                                             printable(message) + "\"");
}

bool handshake_machine::own_name_is_sound() const {
  const bool form = (options_.flags & flags::name_me) != 0 ? is_host_name(options_.name)
                                                           : is_node_name(options_.name);
  return form && to_latin1(options_.name).has_value();
}

bool handshake_machine::is_reflected(std::uint32_t challenge) const {
  return options_.outstanding != nullptr && options_.outstanding->contains(challenge);
}

bool handshake_machine::accept_flags(flag_set received) {
  peer_.flags = expand_digest(received);
  peer_.common = peer_.flags & options_.flags;
  const auto missing = options_.mandatory & ~peer_.flags;
  if (missing == 0)
    return true;
  fail(handshake_errc::flags_missing,
       "cannot talk to " + quoted(peer_.name) + ": " + describe_missing(missing));
  return false;
}

handshake_error handshake_machine::closed_by_peer() const {
  switch (state_) {
  case state::failed:
    return error_;
  case state::challenge_ack:
    return {handshake_errc::wrong_cookie,
            "the peer closed the connection on our proof of the cookie: the cookies differ; " +
                std::string(check_cookie)};
  case state::status:
    return {handshake_errc::peer_closed,
            "the peer closed the connection on our name: is it an Erlang node (OTP 25 or later), "
            "and does it speak TLS where we do not, or the other way round?"};
  case state::challenge_reply:
    return {handshake_errc::peer_closed, "the peer " + quoted(peer_.name) +
                                             " closed the connection on our challenge: it did not "
                                             "expect this node's name, or misses one of our flags"};
  default:
    return {handshake_errc::peer_closed,
            "the peer closed the connection in the middle of the handshake"};
  }
}

handshake_error handshake_machine::out_of_time() const {
  switch (state_) {
  case state::failed:
    return error_;
  case state::start:
  case state::send_name:
    return {handshake_errc::timed_out, "the peer did not give its name in time"};
  case state::status:
    return {handshake_errc::timed_out,
            "the peer did not answer our name in time: is it an Erlang node, and is it running?"};
  default:
    return {handshake_errc::timed_out, "the peer did not finish the handshake in time"};
  }
}

initiator::initiator(handshake_options options, std::string peer)
    : handshake_machine(std::move(options)), dialled_(std::move(peer)) {
  peer_.name = dialled_;
}

handshake_action initiator::resume(bytes_view& bytes) {
  switch (state_) {
  case state::start: {
    if (!own_name_is_sound() || !is_node_name(dialled_) || !to_latin1(dialled_))
      return fail(handshake_errc::bad_name, "cannot connect " + quoted(options_.name) + " with " +
                                                quoted(dialled_) +
                                                ": a node name is name@host in Latin-1 characters");
    const bool asks = (options_.flags & flags::name_me) != 0;
    if (asks)
      options_.flags &= ~flags::published;
    return send(send_name_message{.old_form = false,
                                  .flags = options_.flags,
                                  .creation = asks ? 0 : options_.creation,
                                  .name = options_.name},
                state::status);
  }
  case state::alive_answer:
    if (wanted_)
      return send(true, state::challenge);
    error_ = {handshake_errc::abandoned,
              "the peer has a connection to this node already, and this attempt was given up"};
    return send(false, state::failed);
  case state::alive_question:
    return {.what = handshake_action::still_wanted};
  case state::finished:
    return {.what = handshake_action::done};
  case state::failed:
    return {.what = handshake_action::failed};
  default:
    break;
  }
  while (const auto message = take_message(bytes)) {
    const auto action = on_message(*message);
    if (action.what != handshake_action::more)
      return action;
  }
  return {.what = state_ == state::failed ? handshake_action::failed : handshake_action::more};
}

handshake_action initiator::on_message(bytes_view message) {
  switch (state_) {
  case state::status:
    return on_status(message);
  case state::challenge:
    return on_challenge(message);
  default:
    return on_ack(message);
  }
}

void initiator::answer(bool still_wanted) {
  if (state_ != state::alive_question)
    return;
  wanted_ = still_wanted;
  state_ = state::alive_answer;
}

handshake_action initiator::on_status(bytes_view message) {
  const auto parsed = parse_status(message);
  if (!parsed)
    return fail_malformed("status", message);
  const bool asks = (options_.flags & flags::name_me) != 0;
  in_.clear();
  switch (parsed->status) {
  case handshake_status::not_allowed:
    return fail(handshake_errc::not_allowed,
                quoted(dialled_) +
                    " does not allow this node: either its net_kernel:allow/1 list "
                    "lacks " +
                    quoted(options_.name) + ", or it demands a distribution flag that we lack");
  case handshake_status::nok:
    return fail(handshake_errc::simultaneous,
                quoted(dialled_) + " is connecting to this node and uses that connection instead");
  case handshake_status::alive:
    state_ = state::alive_question;
    return {.what = handshake_action::still_wanted};
  case handshake_status::named:
    if (!asks || !is_node_name(parsed->name) || host_part(parsed->name) != options_.name ||
        parsed->creation < 4)
      return fail(handshake_errc::name_not_assigned,
                  "the peer assigned this node the name " + quoted(parsed->name) +
                      (asks ? ", which is not a name for this host" : ", which was not asked for"));
    peer_.assigned_name = parsed->name;
    peer_.assigned_creation = parsed->creation;
    state_ = state::challenge;
    return {.what = handshake_action::more};
  default:
    if (asks)
      return fail(handshake_errc::name_not_assigned,
                  quoted(dialled_) + " does not assign names to nodes that ask for one");
    state_ = state::challenge;
    return {.what = handshake_action::more};
  }
}

handshake_action initiator::on_challenge(bytes_view message) {
  const auto parsed = parse_challenge(message);
  if (!parsed)
    return fail_malformed("challenge", message);
  if (parsed->name != dialled_)
    return fail(handshake_errc::wrong_peer,
                "dialled " + quoted(dialled_) + " and reached " + quoted(parsed->name) +
                    ": a node is reached only by the exact name it has itself");
  peer_.creation = parsed->creation;
  if (!accept_flags(parsed->flags))
    return {.what = handshake_action::failed};
  if (is_reflected(parsed->challenge))
    return fail(handshake_errc::reflected,
                "the peer presented one of this node's own challenges: either it is this node "
                "itself, or somebody tries to get in without the cookie");
  const auto proof = challenge_digest(options_.cookie, parsed->challenge);
  if (!proof)
    return fail(handshake_errc::digest_unavailable, std::string(no_md5));
  return send(challenge_reply_message{.challenge = options_.challenge, .digest = *proof},
              state::challenge_ack);
}

handshake_action initiator::on_ack(bytes_view message) {
  const auto parsed = parse_challenge_ack(message);
  if (!parsed)
    return fail_malformed("challenge_ack", message);
  const auto expected = challenge_digest(options_.cookie, options_.challenge);
  if (!expected)
    return fail(handshake_errc::digest_unavailable, std::string(no_md5));
  if (!same_digest(*expected, parsed->digest))
    return fail(handshake_errc::wrong_cookie,
                quoted(dialled_) + " does not know the cookie: " + std::string(check_cookie));
  in_.clear();
  state_ = state::finished;
  return {.what = handshake_action::done};
}

acceptor::acceptor(handshake_options options) : handshake_machine(std::move(options)) {}

handshake_action acceptor::resume(bytes_view& bytes) {
  switch (state_) {
  case state::start:
    if (!is_node_name(options_.name) || !to_latin1(options_.name))
      return fail(handshake_errc::bad_name, quoted(options_.name) +
                                                " cannot accept connections: a node name is "
                                                "name@host in Latin-1 characters");
    state_ = state::send_name;
    break;
  case state::deciding:
    return decision_ ? on_decision() : handshake_action{.what = handshake_action::decide};
  case state::sending_status:
    return send_challenge();
  case state::replacing:
    return send_ack();
  case state::finished:
    return {.what = handshake_action::done};
  case state::failed:
    return {.what = handshake_action::failed};
  default:
    break;
  }
  while (const auto message = take_message(bytes)) {
    const auto action = on_message(*message);
    if (action.what != handshake_action::more)
      return action;
  }
  return {.what = state_ == state::failed ? handshake_action::failed : handshake_action::more};
}

handshake_action acceptor::on_message(bytes_view message) {
  switch (state_) {
  case state::send_name:
    return on_name(message);
  case state::alive_answer:
    return on_alive_answer(message);
  case state::complement:
    return on_complement(message);
  default:
    return on_reply(message);
  }
}

void acceptor::decide(handshake_decision decision) {
  if (state_ == state::deciding && !decision_)
    decision_ = std::move(decision);
}

handshake_action acceptor::on_name(bytes_view message) {
  auto parsed = parse_send_name(message);
  if (!parsed)
    return fail_malformed("send_name", message);
  const bool asks = !parsed->old_form && (parsed->flags & flags::name_me) != 0;
  if (asks ? !is_host_name(parsed->name) : !is_node_name(parsed->name))
    return fail(handshake_errc::bad_name, "the peer calls itself " + quoted(parsed->name) +
                                              ", which is not the name of a node");
  old_form_ = parsed->old_form;
  received_flags_ = parsed->flags;
  peer_.name = std::move(parsed->name);
  peer_.creation = parsed->creation;
  peer_.named_by_us = asks;
  in_.clear();
  // The high half of the flags of an old send_name comes with the complement, and is checked then.
  const flag_set unknown_yet = old_form_ ? ~flag_set{0xFFFFFFFF} : 0;
  if (!accept_flags(received_flags_ | (unknown_yet & options_.mandatory)))
    return send(status_message{.status = handshake_status::not_allowed, .name = {}}, state::failed);
  state_ = state::deciding;
  return {.what = handshake_action::decide};
}

handshake_action acceptor::on_decision() {
  auto& decision = *decision_;
  if (decision.cookie)
    options_.cookie = *decision.cookie;
  const bool refuses = decision.status == handshake_status::not_allowed;
  const bool names = decision.status == handshake_status::named;
  if (!refuses && (names != peer_.named_by_us || (names && !is_node_name(decision.name))))
    return fail(handshake_errc::name_not_assigned,
                "no name could be assigned to the peer on host " + quoted(peer_.name));
  const status_message status{
      .status = decision.status, .name = decision.name, .creation = decision.creation};
  switch (decision.status) {
  case handshake_status::not_allowed:
    error_ = {handshake_errc::refused,
              "refused " + quoted(peer_.name) +
                  (decision.reason.empty() ? std::string() : ": " + decision.reason)};
    return send(status, state::failed);
  case handshake_status::nok:
    error_ = {handshake_errc::simultaneous,
              "both nodes were connecting to each other; this node's own attempt is used"};
    return send(status, state::failed);
  case handshake_status::alive:
    return send(status, state::alive_answer);
  case handshake_status::named:
    peer_.name = decision.name;
    peer_.creation = decision.creation;
    options_.flags = (options_.flags | flags::name_me) & ~flags::published;
    peer_.common = peer_.flags & options_.flags;
    return send(status, state::sending_status);
  default:
    return send(status, state::sending_status);
  }
}

handshake_action acceptor::on_alive_answer(bytes_view message) {
  const auto answer = parse_alive_answer(message);
  if (!answer)
    return fail_malformed("status true or false", message);
  if (!*answer)
    return fail(handshake_errc::abandoned,
                quoted(peer_.name) + " is connected already and did not mean a second connection");
  return send_challenge();
}

handshake_action acceptor::send_challenge() {
  return send(challenge_message{.flags = options_.flags,
                                .challenge = options_.challenge,
                                .creation = options_.creation,
                                .name = options_.name},
              old_form_ ? state::complement : state::challenge_reply);
}

handshake_action acceptor::on_complement(bytes_view message) {
  const auto parsed = parse_complement(message);
  if (!parsed)
    return fail_malformed("complement", message);
  peer_.creation = parsed->creation;
  received_flags_ |= flag_set{parsed->high_flags} << 32U;
  in_.clear();
  if (!accept_flags(received_flags_))
    return {.what = handshake_action::failed};
  state_ = state::challenge_reply;
  return {.what = handshake_action::more};
}

handshake_action acceptor::on_reply(bytes_view message) {
  const auto parsed = parse_challenge_reply(message);
  if (!parsed)
    return fail_malformed("challenge_reply", message);
  const auto expected = challenge_digest(options_.cookie, options_.challenge);
  if (!expected)
    return fail(handshake_errc::digest_unavailable, std::string(no_md5));
  if (!same_digest(*expected, parsed->digest))
    return fail(handshake_errc::wrong_cookie,
                quoted(peer_.name) + " does not know the cookie: " + std::string(check_cookie));
  if (is_reflected(parsed->challenge))
    return fail(handshake_errc::reflected,
                quoted(peer_.name) + " presented one of this node's own challenges");
  their_challenge_ = parsed->challenge;
  if (decision_->status == handshake_status::alive) {
    in_.clear();
    state_ = state::replacing;
    return {.what = handshake_action::replace_old};
  }
  return send_ack();
}

handshake_action acceptor::send_ack() {
  const auto proof = challenge_digest(options_.cookie, their_challenge_);
  if (!proof)
    return fail(handshake_errc::digest_unavailable, std::string(no_md5));
  return send(challenge_ack_message{.digest = *proof}, state::finished);
}

} // namespace erl::dist
