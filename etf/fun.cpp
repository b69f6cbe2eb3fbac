#include <erl/etf/fun.hpp>

#include <utility>

namespace erl {

std::optional<fun> fun::from(term value) {
  if (!value.is_fun())
    return std::nullopt;
  fun result;
  result.value_ = std::move(value);
  return result;
}

std::uint8_t fun::arity() const noexcept {
  if (const auto closure = value_.to_closure())
    return closure->arity;
  return value_.to_external_fun().value_or(external_fun()).arity;
}

namespace detail {

namespace {

constexpr kind_set kinds_of(const bit_string*) noexcept { return kinds(term_kind::bitstring); }
constexpr kind_set kinds_of(const void*) noexcept { return kinds(term_kind::fun); }

bool take(const term& whole, external_fun& value) {
  const auto found = whole.to_external_fun();
  value = found.value_or(external_fun());
  return found.has_value();
}

bool take(const term& whole, fun& value) {
  auto found = fun::from(whole);
  value = std::move(found).value_or(fun());
  return whole.is_fun();
}

bool take(const term& whole, bit_string& value) {
  const auto bits = whole.to_bits().value_or(term_ref::bits());
  value.bytes.assign(bits.bytes.begin(), bits.bytes.end());
  value.size = bits.size;
  return whole.is_bitstring();
}

} // namespace

template <class T, fixed_text Text> bool leaf_decoder<T, Text>::read(source& from, T& value) {
  if (!from.is(kinds_of(static_cast<const T*>(nullptr))))
    return from.fail(etf_errc::wrong_type, Text.view());
  const source::position start = from.tell();
  term whole;
  if (!from.read(whole))
    return false;
  if (take(whole, value))
    return true;
  from.go_back(start);
  return from.fail(etf_errc::wrong_type, Text.view());
}

template <class T, fixed_text Text> bool leaf_decoder<T, Text>::fits(source& from) {
  source::probe attempt(from);
  T value;
  return read(from, value);
}

template struct leaf_decoder<external_fun, "external fun">;
template struct leaf_decoder<fun, "fun">;
template struct leaf_decoder<bit_string, "bit string">;

} // namespace detail

void encoder<bit_string>::write(sink& to, const bit_string& value) {
  to.write(term::bit_string(value.bytes, value.size));
}

} // namespace erl
