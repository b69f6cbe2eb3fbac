#include "dist/link.hpp"

#include <algorithm>
#include <utility>

namespace erl::dist {

namespace {

constexpr std::size_t handshake_step = 1024;
/// A peer that reads as fast as this node writes must not keep it from everything else.
constexpr std::size_t bytes_a_flush = 256 * 1024;
/// Frames above this size are read into the memory where their message stays.
constexpr std::size_t longest_gathered = 16 * 1024;
/// Behind a long frame, what is read together with the begin of the next one, which may be long
/// too.
constexpr std::size_t after_long_frame = 4096;

std::string seconds_text(duration time) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

} // namespace

link::link(driver& io, timer_queue& timers, challenge_set& challenges, const link_options& options,
           link_events& events)
    : io_(io), timers_(timers), challenges_(challenges), events_(events), options_(options),
      reader_(options.limits.frame), ticker_(options.ticks, true), timer_(*this) {}

link::~link() {
  *over_ = true;
  timers_.cancel(timer_);
}

void link::dial(const endpoint& address, std::string peer) {
  machine_.emplace<initiator>(handshake(), std::move(peer));
  peer_ = machine().peer();
  phase_ = phase::connecting;
  timers_.arm(timer_, io_.now() + options_.limits.handshake_time);
  stream_ = io_.connect(address, *this);
}

void link::accept(accept_events::incoming& connection) {
  machine_.emplace<acceptor>(handshake());
  phase_ = phase::handshaking;
  timers_.arm(timer_, io_.now() + options_.limits.handshake_time);
  stream_ = connection.accept(*this);
  run_handshake();
}

handshake_options link::handshake() {
  challenge_ = challenges_.draw(io_);
  handshake_options chosen;
  chosen.name = options_.name;
  chosen.flags = options_.flags;
  chosen.creation = options_.creation;
  chosen.cookie = options_.cookie;
  chosen.challenge = challenge_.challenge();
  chosen.outstanding = &challenges_;
  return chosen;
}

handshake_machine& link::machine() {
  if (auto* out = std::get_if<initiator>(&machine_))
    return *out;
  return std::get<acceptor>(machine_);
}

void link::connected() {
  phase_ = phase::handshaking;
  run_handshake();
}

std::span<std::byte> link::read_space() {
  if (phase_ != phase::up)
    return reader_.space(handshake_step);
  if (messages_->is_open())
    return messages_->space();
  const auto space = reader_.space();
  return std::exchange(long_frame_, false) ? space.first(std::min(space.size(), after_long_frame))
                                           : space;
}

void link::received(std::size_t size) {
  traffic_.read += size;
  if (messages_ && messages_->is_open()) {
    if (!messages_->filled(size))
      return;
    ++counters_.frames_read;
    long_frame_ = true;
    take_message(messages_->close(atoms_));
    return;
  }
  reader_.filled(size);
  if (phase_ == phase::handshaking)
    run_handshake();
  else if (phase_ == phase::up)
    run_frames();
}

void link::run_handshake() {
  const auto over = over_;
  auto bytes = reader_.unread();
  while (run_handshake_step(bytes)) {
  }
  if (!*over && phase_ == phase::up)
    run_frames();
}

bool link::run_handshake_step(bytes_view& bytes) {
  const auto over = over_;
  const auto before = bytes.size();
  auto* out = std::get_if<initiator>(&machine_);
  auto* in = std::get_if<acceptor>(&machine_);
  const auto action = out != nullptr ? out->resume(bytes) : in->resume(bytes);
  reader_.consume(before - bytes.size());
  switch (action.what) {
  case handshake_action::more:
    return false;
  case handshake_action::send:
    queue_.append(action.bytes);
    flush();
    break;
  case handshake_action::decide: {
    auto decision = events_.name_received(*this, machine().peer());
    if (!*over)
      in->decide(std::move(decision));
    break;
  }
  case handshake_action::still_wanted: {
    const bool wanted = events_.still_wanted(*this);
    if (!*over)
      out->answer(wanted);
    break;
  }
  case handshake_action::replace_old:
    events_.replace_old(*this);
    break;
  case handshake_action::done:
    go_up();
    return false;
  case handshake_action::failed:
    fail_handshake(machine().error());
    return false;
  }
  return !*over;
}

void link::go_up() {
  peer_ = machine().peer();
  const auto& own = peer_.assigned_name.empty() ? options_.name : peer_.assigned_name;
  const auto self = atom::intern(own);
  const auto peer = atom::intern(peer_.name);
  if (!self || !peer)
    return fail({.reason = close_reason::too_many_atoms,
                 .handshake = {},
                 .text = "no room in the atom table for the peer's name"});
  machine_.emplace<std::monostate>();
  challenge_.release();
  context_ = {.self = *self,
              .creation = peer_.assigned_name.empty() ? options_.creation : peer_.assigned_creation,
              .peer = *peer,
              .common = peer_.common,
              .decode = options_.decode,
              .budget = &atoms_};
  atoms_.left = options_.limits.new_atoms;
  messages_.emplace(peer_.common, options_.limits);
  writer_.emplace(peer_.common, queue_);
  phase_ = phase::up;
  ticker_ = ticker(options_.ticks, !peer_.visible());
  last_write_ = io_.now();
  timers_.arm(timer_, last_write_ + options_.ticks.interval());
  events_.up(*this, peer_);
}

void link::run_frames() {
  const auto over = over_;
  while (!*over) {
    const auto frame = reader_.next();
    if (frame.what == frame_reader::outcome::more) {
      if (frame.announced > longest_gathered &&
          reader_.unread().size() >= 4 + message_reader::least_begin)
        open_long_frame(frame.announced);
      return;
    }
    if (frame.what == frame_reader::outcome::too_long)
      return fail({.reason = close_reason::frame_too_long,
                   .handshake = {},
                   .text = "the peer announced a frame of " + std::to_string(frame.announced) +
                           " bytes; at most " + std::to_string(options_.limits.frame) +
                           " are accepted (connection_limits::frame)"});
    ++counters_.frames_read;
    if (frame.body.empty())
      on_tick_received();
    else if (!take_message(messages_->read(frame.body, atoms_)))
      return;
  }
}

void link::open_long_frame(std::size_t length) {
  if (const auto opened = messages_->open(reader_.begin_of_frame(), length); !opened)
    refuse(opened.error().text, opened.error().atoms_exhausted);
}

/// Goes on with what a frame has brought. False if nothing more may be delivered.
bool link::take_message(const std::expected<message_reader::result, message_reader::error>& found) {
  const auto over = over_;
  if (!found)
    return refuse(found.error().text, found.error().atoms_exhausted);
  if (found->what == message_reader::outcome::part)
    return true;
  auto message = decode_control(found->message, context_);
  messages_->release();
  if (!message)
    return refuse(message.error().text, message.error().atoms_exhausted);
  ++counters_.messages_read;
  events_.message(*this, std::move(*message));
  return !*over;
}

/// Always false: nothing more may be delivered.
bool link::refuse(std::string_view text, bool atoms_exhausted) {
  fail({.reason = atoms_exhausted ? close_reason::too_many_atoms : close_reason::protocol_error,
        .handshake = {},
        .text = std::string(text)});
  return false;
}

void link::on_tick_received() {
  ++counters_.ticks_read;
  if (!ticker::answers(io_.now(), last_write_, queue_.empty()))
    return;
  queue_tick();
  flush();
}

void link::on_timer() {
  if (phase_ == phase::connecting)
    return fail({.reason = close_reason::unreachable,
                 .handshake = {},
                 .text = "no connection within " + seconds_text(options_.limits.handshake_time)});
  if (phase_ == phase::handshaking)
    return fail_handshake(machine().out_of_time());

  traffic_.queue_empty = queue_.empty();
  const auto verdict = ticker_.check(traffic_);
  if (verdict == ticker::verdict::dead)
    return fail({.reason = close_reason::tick_timeout,
                 .handshake = {},
                 .text = "nothing came from the peer for about " +
                         seconds_text(options_.ticks.time) + " (net_tick_timeout)"});
  const auto most_checks =
      (options_.limits.unfinished_age - duration(1)) / options_.ticks.interval() + 1;
  if (!messages_->age(most_checks))
    return fail({.reason = close_reason::protocol_error,
                 .handshake = {},
                 .text = "a message in fragments did not go on for " +
                         seconds_text(options_.limits.unfinished_age) +
                         " (connection_limits::unfinished_age)"});
  timers_.arm(timer_, io_.now() + options_.ticks.interval());
  if (verdict == ticker::verdict::send_tick)
    queue_tick();
  flush();
}

void link::queue_tick() {
  ++counters_.ticks_written;
  queue_.append(tick_frame);
}

void link::keep_alive() {
  const auto patience = std::min(options_.ticks.interval(), ticker::longest_silence);
  if (phase_ != phase::up || io_.now() - last_write_ < patience)
    return;
  if (queue_.empty())
    queue_tick();
  written_alone_ += write_queue();
}

bool link::may_send(const control_message& message) const {
  const bool to_process = message.target == target_kind::process;
  switch (message.kind) {
  case signal_kind::link_exit:
  case signal_kind::unlink:
  case signal_kind::unlink_id:
    // Sent to an earlier incarnation of the peer, these make OTP close the connection.
    return message.to.node == context_.peer && message.to.creation == peer_.creation;
  case signal_kind::message:
  case signal_kind::exit_to:
  case signal_kind::monitor:
  case signal_kind::demonitor:
    return !to_process || message.to.node == context_.peer;
  case signal_kind::link:
  case signal_kind::unlink_id_ack:
  case signal_kind::down:
  case signal_kind::group_leader:
  case signal_kind::spawn_reply:
    return message.to.node == context_.peer;
  case signal_kind::spawn_request:
    return true;
  }
  return false;
}

bool link::send(control_message message) {
  if (phase_ != phase::up || overflow_ || !may_send(message) || !writer_->write(std::move(message)))
    return false;
  ++counters_.messages_written;
  congested_ = congested_ || queue_.size() >= options_.limits.high_water;
  overflow_ = queued_bytes() > options_.limits.waiting_bytes;
  return true;
}

void link::flush() {
  if (overflow_ && phase_ == phase::up)
    return fail(
        {.reason = close_reason::output_overflow,
         .handshake = {},
         .text =
             "more than " + std::to_string(options_.limits.waiting_bytes) +
             " bytes wait for a peer that does not read them (connection_limits::waiting_bytes)"});
  std::size_t written = std::exchange(written_alone_, 0);
  while (!socket_full_ && stream_ != nullptr && written < bytes_a_flush) {
    if (writer_)
      writer_->proceed();
    if (queue_.empty())
      break;
    written += write_queue();
  }
  if (written == 0)
    return;
  const auto over = over_;
  on_socket_progress();
  if (!*over && written >= bytes_a_flush && queued_bytes() != 0 && !socket_full_)
    events_.unfinished(*this);
}

/// Offers the socket the first pieces of the queue; how many bytes it has taken.
std::size_t link::write_queue() {
  output_queue::chain pieces;
  const auto count = queue_.gather(pieces);
  std::size_t offered = 0;
  for (const auto& piece : std::span(pieces).first(count))
    offered += piece.size();
  const auto taken = stream_->write(std::span(pieces).first(count));
  socket_full_ = taken < offered;
  traffic_.written += taken;
  queue_.taken(taken);
  if (taken != 0)
    last_write_ = io_.now();
  return taken;
}

void link::flush_all() {
  const auto over = over_;
  for (auto before = SIZE_MAX; !*over && queued_bytes() < before;) {
    before = queued_bytes();
    flush();
  }
}

void link::on_socket_progress() {
  if (phase_ != phase::up)
    return;
  const auto over = over_;
  if (congested_ && queue_.size() <= options_.limits.low_water) {
    congested_ = false;
    events_.drained(*this);
  }
  if (!*over)
    events_.written(*this);
}

void link::writable() {
  socket_full_ = false;
  flush();
}

void link::closed(std::error_code reason) {
  const auto because = reason ? ": " + reason.message() : std::string();
  if (phase_ == phase::connecting)
    return fail(
        {.reason = close_reason::unreachable, .handshake = {}, .text = "cannot connect" + because});
  if (phase_ == phase::handshaking) {
    auto error = machine().closed_by_peer();
    error.text += because;
    return fail_handshake(error);
  }
  if (phase_ == phase::up)
    fail({.reason = reason ? close_reason::connection_lost : close_reason::peer_closed,
          .handshake = {},
          .text = reason ? "the connection was lost" + because : "the peer closed the connection"});
}

void link::fail_handshake(const handshake_error& error) {
  peer_ = machine().peer();
  fail({.reason = close_reason::handshake_failed, .handshake = error.code, .text = error.text});
}

void link::fail(const link_closed& how) {
  shut();
  events_.closed(*this, how);
}

void link::close() { shut(); }

void link::shut() {
  *over_ = true;
  phase_ = phase::closed;
  timers_.cancel(timer_);
  stream_.reset();
  challenge_.release();
  writer_.reset();
  queue_ = {};
  congested_ = false;
}

link_counters link::counters() const {
  link_counters all = counters_;
  if (phase_ != phase::up)
    return all;
  all.frames_written = writer_->frames() + counters_.ticks_written;
  all.fragments_written = writer_->fragments();
  all.fragments_read = messages_->fragments();
  all.unfinished = messages_->unfinished();
  all.unfinished_bytes = messages_->unfinished_bytes();
  all.new_atoms = options_.limits.new_atoms - atoms_.left;
  return all;
}

endpoint link::peer_address() const { return stream_ != nullptr ? stream_->peer() : endpoint{}; }

} // namespace erl::dist
