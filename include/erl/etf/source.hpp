/// Where typed decoding reads from: the bytes of an external term, or a term. One interface for
/// both.
///
/// A source stands before a term. Each `read` takes one term; each `enter` takes the head of a
/// tuple, list or map, whose parts follow. On a mismatch the source stays where it is, notes what
/// was expected and what came, and returns false; whoever gets false adds its place in the target
/// type with `under` and returns false as well.
#pragma once

#include <erl/etf/codec.hpp>
#include <erl/etf/named_atom.hpp>
#include <erl/etf/term.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace erl {

namespace detail {

std::string tuple_text(std::size_t arity);
std::string tagged_text(std::string_view name, std::size_t fields);
std::string record_text(const named_atom& module, const named_atom& name);

} // namespace detail

/// A set of term kinds, for `source::is`.
using kind_set = std::uint32_t;
constexpr kind_set kinds(std::same_as<term_kind> auto... kind) noexcept {
  return ((kind_set{1} << static_cast<unsigned>(kind)) | ...);
}

/// A cursor over a term that is being decoded. Lives as long as one decode; it borrows its input.
class source {
  enum class place : std::uint8_t { bytes, string, single, tuple, list, map, record, cell };

public:
  /// Levels of nesting that typed decoding goes into. It recurses over the *type*, and only a type
  /// that contains itself can get deeper than a few levels.
  static constexpr std::uint32_t max_depth = 512;

  /// 131 and a term. Bytes after it are ignored.
  explicit source(std::span<const std::byte> external);
  source(std::span<const std::byte> bytes, const decode_options& options);
  /// A borrowed term. A part that becomes a `term` is copied.
  explicit source(term_ref value) noexcept;
  /// An owned term. A part that becomes a `term` shares its memory.
  explicit source(const term& owner) noexcept : source(owner, owner) {}
  /// A part of an owned term, likewise.
  source(const term& owner, term_ref part) noexcept;
  source(const source&) = delete;
  source& operator=(const source&) = delete;
  ~source() {
    if (error_ != nullptr)
      discard_error();
  }

  /// Keeps no record of errors: for those who only ask whether a term fits.
  void quiet() noexcept { quiet_ = true; }
  /// True when the input cannot be read at all.
  bool failed() const noexcept { return failed_; }
  /// The error. Only after a failure, and not when `quiet`.
  decode_error take_error();
  /// Bytes taken so far.
  std::size_t consumed() const noexcept;

  bool read(bool& value);
  /// Of integers those that a double represents exactly.
  bool read(double& value);
  bool read(atom& value);
  bool read(pid& value);
  bool read(port& value);
  bool read(reference& value);
  bool read(bigint& value);
  bool read(term& value);
  /// Borrowed; from a term only.
  bool read(term_ref& value);
  /// A binary, copied.
  bool read(std::string& value);
  bool read(std::vector<std::byte>& value);
  /// A binary, borrowed from the input, which must not be compressed.
  /// (Not overloads of `read`: g++ would ask of every type that is read whether it could become one
  /// of these, and that takes it longer than all the rest of a small program.)
  bool read_text(std::string_view& value);
  bool read_bytes(std::span<const std::byte>& value);
  /// An integer from `low` to `high`.
  bool read_signed(std::int64_t& value, std::int64_t low, std::int64_t high);
  bool read_unsigned(std::uint64_t& value, std::uint64_t high);
  /// This atom and no other.
  bool read_exactly(const detail::named_atom& name);
  /// One of these atoms: its index. `names.count`, and nothing taken, for any other term.
  std::size_t read_one_of(detail::named_atoms names);
  /// Takes `undefined` or `nil`; false, and nothing taken, for any other term.
  bool take_absent() noexcept;
  /// Takes any term.
  bool skip();

  /// What must be put back when the parts of a tuple, list or map have been read.
  class scope {
    friend class source;
    std::size_t left_ = 0;
    std::size_t min_size_ = 1;
    const std::byte* values_ = nullptr;
    const term* owner_ = nullptr;
    term_ref here_{};
    std::uint32_t index_ = 0;
    place where_ = place::bytes;
    enum class list_state : std::uint8_t { closed, open, broken } list_ = list_state::closed;

  public:
    /// Parts that are known to follow; never more than the input can hold.
    std::size_t left() const noexcept { return left_; }
  };

  bool enter_tuple(scope& saved, std::size_t arity);
  /// `{name, ...}` with `fields` elements after the name, which is taken.
  bool enter_tagged(scope& saved, const detail::named_atom& name, std::size_t fields);
  /// A proper list. `min_size`: the fewest bytes that an element takes.
  bool enter_list(scope& saved, std::size_t min_size);
  /// `min_size`: the fewest bytes that a pair takes. Key, value, key, value... follow.
  bool enter_map(scope& saved, std::size_t min_size);
  /// A native record. Its fields follow as the pairs of a map do, but that `cross` must be called
  /// between a field's name and its value, and again behind the value.
  bool enter_record(scope& saved, const detail::named_atom& module, const detail::named_atom& name);
  void cross(scope& saved) noexcept {
    if (in_bytes())
      std::swap(at_, saved.values_);
  }
  /// A list of at least one element: its head and its tail follow. `room` must live until
  /// `leave_cell`: where the tail is no term of its own in the bytes, the list is put there, and
  /// nothing can be borrowed from it.
  bool enter_cell(scope& saved, term& room);
  bool leave_cell(scope& saved);
  /// Does another element (of a list) or pair (of a map) follow?
  bool more(scope& saved) {
    if (saved.left_ == 0)
      return saved.list_ == scope::list_state::open && continue_list(saved);
    --saved.left_;
    return true;
  }
  /// After the last part. False when a list turned out to be improper.
  bool leave(scope& saved);

  /// Questions about the next term; nothing is taken.
  bool is(kind_set kinds) const noexcept;
  bool is_binary() const noexcept;
  bool is_tuple(std::size_t arity) const noexcept;
  bool is_tagged(const detail::named_atom& name, std::size_t fields) const noexcept;
  bool is_atom(const detail::named_atom& name) const noexcept;
  /// `undefined` or `nil`.
  bool is_absent() const noexcept;
  /// A list of at least one element.
  bool is_cell() const noexcept;
  bool is_record(const detail::named_atom& module, const detail::named_atom& name) const noexcept;
  /// A map with `'__struct__' => module`.
  bool is_struct(const detail::named_atom& module) const;

  /// Where the source stands.
  class position {
    friend class source;
    const std::byte* at_;
    term_ref here_;
    std::uint32_t index_;
    std::uint32_t depth_;
    std::size_t claimable_;
    place where_;
    bool quiet_;
  };
  position tell() const noexcept;
  void go_back(const position& to) noexcept;

  /// Inside its scope the source keeps no record of errors; at the end it stands where it stood.
  class probe {
  public:
    explicit probe(source& from) noexcept : from_(from), start_(from.tell()) {
      from.quiet();
      ++from.probes_;
    }
    probe(const probe&) = delete;
    probe& operator=(const probe&) = delete;
    ~probe() {
      --from_.probes_;
      from_.go_back(start_);
    }

  private:
    source& from_;
    position start_;
  };

  /// Questions inside questions end here: where alternatives begin with alternatives, each level
  /// would multiply their number.
  bool may_probe() const noexcept { return probes_ < 4; }

  /// Notes an error at the next term; returns false. `expected`: what should have come, `float`, or
  /// empty.
  bool fail(etf_errc code, std::string_view expected);
  /// Puts a field or an index before the path of the error; returns false.
  bool under(std::string_view field);
  bool under(std::size_t index);

private:
  bool in_bytes() const noexcept { return where_ <= place::string; }
  std::size_t rest() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  int tag() const noexcept;
  term_ref peek() const noexcept;
  void advance() noexcept;
  void start(std::span<const std::byte> bytes, const decode_options& options);
  void expand(std::span<const std::byte> bytes);
  void look_into(term_ref value, place where) noexcept;
  bool descend(scope& saved);
  bool descend_in_bytes(scope& saved, std::size_t size);
  bool claim(std::size_t count, std::size_t min_size) noexcept;
  bool open_part(scope& saved);
  bool continue_list(scope& saved);
  struct tuple_head {
    std::size_t arity = 0;
    std::size_t size = 0;
  };
  tuple_head head_of_tuple() const noexcept;
  const std::byte* after_atom(const std::byte* at, const detail::named_atom& name) const noexcept;
  const std::byte* after_record_name(const detail::named_atom& module,
                                     const detail::named_atom& name) const noexcept;
  bool take(const detail::named_atom& name) noexcept;
  bool read_binary(std::span<const std::byte>& value);
  bool read_bare(term& value);
  bool read_limited(atom& value);
  bool read_other_signed(std::int64_t& value, std::int64_t low, std::int64_t high);
  template <class T>
  bool read_identifier(T& value, std::optional<T> (term_ref::*get)() const noexcept, term_kind kind,
                       std::string_view name);
  const std::byte* known_atom(const std::byte* at, atom& value) const noexcept;
  bool fail_at(const std::byte* at, etf_errc code);
  std::string describe(decode_error& malformed) const;
  void discard_error() noexcept;
  decode_options bare_options() const noexcept;

  const std::byte* begin_ = nullptr;
  const std::byte* at_ = nullptr;
  const std::byte* end_ = nullptr;
  term_ref here_{};
  std::uint32_t index_ = 0;
  std::uint32_t depth_ = 0;
  std::uint32_t max_depth_ = max_depth;
  std::uint32_t probes_ = 0;
  place where_ = place::bytes;
  bool quiet_ = false;
  bool failed_ = false;
  bool inflated_ = false;
  /// Elements' bytes that lists and maps may still announce: all of the input, once.
  std::size_t claimable_ = 0;
  /// Bytes that questions about the next term may still pass over, so that asking at every level of
  /// a nested term takes no more than a few times its size.
  mutable std::size_t askable_ = 0;
  std::uint32_t new_atoms_ = 0;
  const decode_options* options_ = nullptr;
  const term* owner_ = nullptr;
  decode_error* error_ = nullptr;
  term expanded_;
};

} // namespace erl
