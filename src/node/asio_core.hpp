/// What the parts of the asio driver share: the io_context, and who gets a turn in the next pass.
#pragma once

#include "base/intrusive_list.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <array>
#include <cstddef>
#include <new>
#include <system_error>

#include <sys/uio.h>

namespace erl {

struct asio_core;

struct in_all;
struct in_turns;
struct in_to_arm;

/// A stream or a listener. Pending operations share it with its handle, so it outlives both.
class asio_source : public boost::intrusive_ref_counter<asio_source, boost::thread_unsafe_counter>,
                    public list_hook<in_all>,
                    public list_hook<in_turns>,
                    public list_hook<in_to_arm> {
public:
  explicit asio_source(asio_core& core);
  virtual ~asio_source() = default;

  /// Does what there is to do, without asking whether there is something.
  virtual void turn() = 0;
  /// Asks to be told of readiness.
  virtual void arm() = 0;
  /// Closes, without a word to the events.
  virtual void close() = 0;

protected:
  /// Takes a turn in the next pass.
  void want_turn();
  /// Asks for readiness at the end of this pass, or before the next one.
  void want_arm();
  bool has_turn() const { return list_hook<in_turns>::linked(); }
  void leave_lists() {
    list_hook<in_turns>::unlink();
    list_hook<in_to_arm>::unlink();
  }

  asio_core& core_;
};

/// Asking for readiness inside a pass would let a busy socket come round in it again and again:
/// `to_arm` holds it off until the pass is over, and so each source gets one turn a pass.
struct asio_core {
  boost::asio::io_context context{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE};
  intrusive_list<asio_source, in_all> all;
  intrusive_list<asio_source, in_turns> turns;
  intrusive_list<asio_source, in_to_arm> to_arm;
  bool happened = false; // an event was delivered since this was cleared
  struct traffic_seen {
    std::size_t received = 0; // bytes
    bool replied = false;     // something was written
  };
  traffic_seen traffic;             // since the owner last waited
  int small_reads = 0;              // in a row, without a large one between them
  std::array<iovec, 1024> gather{}; // IOV_MAX

  void arm_all() {
    while (asio_source* s = to_arm.pop_front()) {
      s->arm();
    }
  }
};

inline asio_source::asio_source(asio_core& core) : core_(core) { core.all.push_back(*this); }
inline void asio_source::want_turn() {
  if (!list_hook<in_turns>::linked()) {
    core_.turns.push_back(*this);
  }
}
inline void asio_source::want_arm() {
  if (!list_hook<in_to_arm>::linked()) {
    core_.to_arm.push_back(*this);
  }
}

/// Memory for the one pending operation of a kind that its owner has, so that asking for readiness
/// allocates nothing.
class operation_memory {
public:
  void* allocate(std::size_t size) {
    if (used_ || size > sizeof storage_) {
      return ::operator new(size);
    }
    used_ = true;
    return &storage_;
  }
  void deallocate(void* p) noexcept {
    if (p == &storage_) {
      used_ = false;
    } else {
      ::operator delete(p);
    }
  }

private:
  alignas(std::max_align_t) std::byte storage_[160];
  bool used_ = false;
};

template <class T> struct operation_allocator {
  using value_type = T;
  operation_memory* memory;

  explicit operation_allocator(operation_memory* m) : memory(m) {}
  template <class U>
  operation_allocator(const operation_allocator<U>& other) : memory(other.memory) {}
  T* allocate(std::size_t n) { return static_cast<T*>(memory->allocate(n * sizeof(T))); }
  void deallocate(T* p, std::size_t) noexcept { memory->deallocate(p); }
  template <class U> bool operator==(const operation_allocator<U>& other) const {
    return memory == other.memory;
  }
};

/// A completion handler: calls `Done` of `owner`, keeps it alive and puts the operation into
/// `memory`.
template <class Owner, auto Done> struct completion {
  using allocator_type = operation_allocator<void>;
  Owner owner;
  operation_memory* memory;

  allocator_type get_allocator() const noexcept { return allocator_type{memory}; }
  template <class... Results> void operator()(const Results&... results) const {
    ((*owner).*Done)(results...);
  }
};

using tcp = boost::asio::ip::tcp;
using tcp_socket = boost::asio::basic_stream_socket<tcp, boost::asio::io_context::executor_type>;
using tcp_acceptor =
    boost::asio::basic_socket_acceptor<tcp, boost::asio::io_context::executor_type>;

inline std::error_code errno_code(int code) { return {code, std::system_category()}; }
inline std::error_code to_std(const boost::system::error_code& ec) {
  return ec.category() == boost::system::system_category()
             ? errno_code(ec.value())
             : std::make_error_code(std::errc::io_error);
}

} // namespace erl
