/// The golden vectors in tests/vectors, and bytes as hexadecimal text.
#pragma once

#include <boost/json.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace erl::test {

/// The path of tests/vectors.
std::string vectors_folder();

/// The objects of tests/vectors/`file`, one a line, in the file's order. Throws std::runtime_error
/// on a file that cannot be read.
std::vector<boost::json::object> load_vectors(const std::string& file);

/// What `object` has under `key`, which has to be a string.
std::string text(const boost::json::object& object, std::string_view key);

/// The bytes that `hex` stands for. Throws std::invalid_argument on anything that is not pairs of
/// hexadecimal digits.
std::vector<std::byte> from_hex(std::string_view hex);

/// `bytes` as lower-case hexadecimal digits.
std::string to_hex(std::span<const std::byte> bytes);

} // namespace erl::test
