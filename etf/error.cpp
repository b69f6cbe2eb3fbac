#include <erl/etf/error.hpp>

namespace erl {

std::string_view to_text(etf_errc code) noexcept {
  switch (code) {
  case etf_errc::none:
    return "no error";
  case etf_errc::truncated:
    return "the bytes end inside a term";
  case etf_errc::length_beyond_input:
    return "a length beyond the end of the bytes";
  case etf_errc::bad_version:
    return "no version byte 131";
  case etf_errc::bad_tag:
    return "unknown tag";
  case etf_errc::bad_utf8:
    return "invalid UTF-8";
  case etf_errc::atom_too_long:
    return "an atom of more than 255 characters";
  case etf_errc::too_many_new_atoms:
    return "too many new atoms";
  case etf_errc::atom_table_full:
    return "the atom table is full";
  case etf_errc::bad_float:
    return "not a float";
  case etf_errc::bad_bit_string:
    return "bad bit string";
  case etf_errc::duplicate_key:
    return "the same map key twice";
  case etf_errc::bad_identifier:
    return "bad pid, port or reference";
  case etf_errc::bad_fun:
    return "bad fun";
  case etf_errc::bad_record:
    return "bad native record";
  case etf_errc::bad_atom_reference:
    return "an atom reference without an atom";
  case etf_errc::bad_compression:
    return "corrupt compressed data";
  case etf_errc::too_deep:
    return "nested too deep";
  case etf_errc::too_large:
    return "too large";
  case etf_errc::arity_too_large:
    return "too many elements";
  case etf_errc::integer_too_large:
    return "integer too large";
  case etf_errc::trailing_bytes:
    return "bytes after the term";
  case etf_errc::wrong_type:
    return "another type was expected";
  case etf_errc::out_of_range:
    return "out of range";
  case etf_errc::wrong_arity:
    return "another number of elements was expected";
  case etf_errc::wrong_value:
    return "another value was expected";
  case etf_errc::missing_key:
    return "a key is missing";
  case etf_errc::bad_syntax:
    return "syntax error";
  case etf_errc::unknown_key:
    return "an unknown key";
  }
  return "unknown error";
}

std::string decode_error::message() const {
  std::string result = path;
  if (!result.empty())
    result += ": ";
  result += detail.empty() ? to_text(code) : std::string_view(detail);
  if (offset != 0) {
    result += " (at byte ";
    result += std::to_string(offset);
    result += ')';
  }
  return result;
}

} // namespace erl
