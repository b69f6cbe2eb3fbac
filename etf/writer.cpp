#include "etf/put.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/codec.hpp>
#include <erl/etf/writer.hpp>

namespace erl::etf {

namespace {

/// A vector as an output.
class vector_output {
public:
  vector_output(std::vector<std::byte>& out, atom_cache_writer* cache) noexcept
      : out_(out), cache_(cache) {}

  std::byte* room(std::size_t size) {
    std::size_t used = out_.size();
    out_.resize(used + size);
    return out_.data() + used;
  }
  void filled(const std::byte* end) { out_.resize(static_cast<std::size_t>(end - out_.data())); }
  void append(std::span<const std::byte> bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }
  void atom(erl::atom value) {
    const int index = cache_ == nullptr ? -1 : cache_->reference(value);
    if (index < 0)
      return put<vector_output>(*this).atom(value.text());
    filled(store8(store8(room(2), tag::atom_cache_ref), static_cast<std::uint64_t>(index)));
  }

private:
  std::vector<std::byte>& out_;
  atom_cache_writer* cache_;
};

} // namespace

/// Writes with one `put` call.
template <class Write> void writer::with_output(Write write) {
  vector_output output(*out_, cache_);
  write(put<vector_output>(output));
}

void writer::version() { out_->push_back(static_cast<std::byte>(etf::version)); }

void writer::atom(erl::atom value) { vector_output(*out_, cache_).atom(value); }

void writer::boolean(bool value) { atom(value ? atoms::true_ : atoms::false_); }

void writer::integer(std::int64_t value) {
  with_output([&](auto put) { put.integer(value); });
}

void writer::unsigned_integer(std::uint64_t value) {
  with_output([&](auto put) { put.unsigned_integer(value); });
}

void writer::big_integer(bool negative, std::span<const std::uint64_t> magnitude) {
  with_output([&](auto put) { put.big_integer(negative, magnitude); });
}

void writer::floating(double value) {
  with_output([&](auto put) { put.floating(value); });
}

void writer::binary(std::span<const std::byte> bytes) {
  with_output([&](auto put) { put.binary(bytes); });
}

void writer::text(std::string_view text) { binary(std::as_bytes(std::span(text))); }

void writer::bit_string(std::span<const std::byte> bytes, unsigned bits) {
  with_output([&](auto put) { put.bit_string(bytes, bits); });
}

void writer::pid(const erl::pid& value) {
  with_output([&](auto put) { put.pid(value); });
}

void writer::port(const erl::port& value) {
  with_output([&](auto put) { put.port(value); });
}

void writer::reference(const erl::reference& value) {
  with_output([&](auto put) { put.reference(value); });
}

void writer::external_fun(erl::atom module, erl::atom function, std::uint8_t arity) {
  with_output([&](auto put) { put.external_fun(module, function, arity); });
}

void writer::nil() { out_->push_back(static_cast<std::byte>(tag::nil)); }

void writer::tuple(std::size_t arity) {
  with_output([&](auto put) { put.tuple(arity); });
}

void writer::list(std::size_t elements) {
  with_output([&](auto put) { put.list(elements); });
}

void writer::byte_list(std::span<const std::byte> bytes) {
  with_output([&](auto put) { put.byte_list(bytes.size()); });
  out_->insert(out_->end(), bytes.begin(), bytes.end());
}

void writer::map(std::size_t pairs) {
  with_output([&](auto put) { put.map(pairs); });
}

void writer::record(erl::atom module, erl::atom name, bool exported, std::size_t fields) {
  with_output([&](auto put) { put.record(module, name, exported, fields); });
}

} // namespace erl::etf
