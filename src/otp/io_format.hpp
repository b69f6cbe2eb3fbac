/// The text of chardata, and of `io_lib:format/2`.
#pragma once

#include <erl/etf/term.hpp>

#include <cstddef>
#include <string>

namespace erl {

/// How the binaries in chardata, and its numbers, are meant.
enum class io_encoding : std::uint8_t { unicode, latin1 };

/// Appends nested lists of characters and binaries in UTF-8. False if that is not what it is, or if
/// `out` gets longer than `most` bytes; then part of it may be there.
bool append_chars(term_ref chars, io_encoding in, std::size_t most, std::string& out);

/// Appends what `io_lib:format(Format, Arguments)` gives, on one line where that breaks long terms,
/// and without its limits of depth. False as with bad arguments there, or if `out` gets longer than
/// `most`.
bool append_format(term_ref format, term_ref arguments, std::size_t most, std::string& out);

} // namespace erl
