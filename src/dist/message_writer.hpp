/// From messages to frames: the distribution header with its atom references, and fragments.
///
/// A message of more than 64 KB goes out in fragments where the peer takes them: one at a time
/// while the queue is short, those of several messages in turn, and at least one for each 64 KB of
/// other messages, so that neither waits long for the other. What its sender sends after it waits
/// for it: signals from one process arrive in the order they were sent.
#pragma once

#include "dist/atom_cache.hpp"
#include "dist/control.hpp"
#include "dist/frame.hpp"
#include <erl/etf/byte_chain.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

namespace erl::dist {

class message_writer {
public:
  /// `out` outlives it.
  message_writer(flag_set common, output_queue& out);

  /// Sends a message: into the queue, or to those that wait. False if the peer cannot take it (see
  /// `encode_control`), or if a part of it has 4 GB or more.
  bool write(control_message&& message);
  /// Goes on with unfinished messages as long as the queue is short.
  void proceed();

  /// Bytes of what is not in the queue yet: of all, and of what one process has sent.
  std::size_t waiting_bytes() const { return waiting_bytes_; }
  std::size_t waiting_bytes(const pid& sender) const;
  /// Fragments that were put into the queue.
  std::uint64_t fragments() const { return fragments_; }
  /// The same of frames, fragments included.
  std::uint64_t frames() const { return whole_ + fragments_; }

private:
  /// How much of a payload is in the queue: the pieces before `piece`, and `offset` bytes of it.
  struct position {
    std::size_t piece = 0;
    std::size_t offset = 0;
  };
  /// A message that waits for another one of its sender, and what it counts for.
  struct waiting {
    control_message message;
    std::size_t bytes = 0;
  };
  /// A sender with a message that goes out in fragments.
  struct sequence {
    pid sender;
    std::uint64_t number = 0;
    std::uint64_t left = 0;                    ///< fragments that are not in the queue
    std::size_t rest = 0;                      ///< their bytes
    std::shared_ptr<const byte_chain> payload; ///< null before the first fragment
    position done;
    std::deque<waiting> behind; ///< what the sender has sent since
    std::size_t behind_bytes = 0;
  };
  using sequences = std::list<sequence>;

  bool encode(const control_message& message);
  bool try_encode(const control_message& message);
  void abandon();
  std::size_t references_size() const;
  std::byte* put_references(std::byte* at) const;
  bool wait(sequence& s, control_message&& message);
  control_message next_behind(sequence& s);
  bool put(control_message&& message);
  void put_whole();
  void begin(sequence& s);
  void begin_pending();
  void put_fragment(sequence& s);
  void append(const std::shared_ptr<const byte_chain>& payload, position& done, std::size_t size);
  void go_on(sequences& in, sequences::iterator s);

  flag_set common_;
  framing framing_;
  output_queue& out_;
  std::unique_ptr<sent_atoms> atoms_; ///< null where there is no cache
  // The message that was encoded last.
  std::vector<std::byte> control_;
  byte_chain payload_;

  sequences active_;                                       ///< the next one to go on comes first
  sequences pending_;                                      ///< wait for their turn to begin
  std::unordered_map<pid, sequences::iterator> by_sender_; ///< of both
  std::uint64_t last_number_ = 0;
  std::size_t waiting_bytes_ = 0;
  std::size_t since_fragment_ = 0; ///< bytes of whole messages since the last fragment
  std::uint64_t fragments_ = 0;
  std::uint64_t whole_ = 0;
};

} // namespace erl::dist
