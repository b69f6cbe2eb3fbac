// Throughput of our codec, on the documents of gen.escript.
//
//   etf_ours DIRECTORY SECONDS DOCUMENT...
//       prints implementation,operation,document,bytes,terms,ns
//   etf_ours --once OPERATION FILE
//       runs an operation twice, the second time in measured_once()
//   etf_ours --list                          prints the operations
//
// visit         every term read through a view
// tree          bytes to a term, and its end
// tree_shared   the same, large binaries shared with the input
// typed         bytes to a C++ struct (gen_call only)
// encode        term to a fresh vector
// encode_reuse  term to the same vector
// encode_chain  term to a fresh chain, which shares large binaries
#include <erl/etf/byte_chain.hpp>
#include <erl/etf/codec.hpp>
#include <erl/etf/cons.hpp>
#include <erl/etf/decode.hpp>
#include <erl/etf/view.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

struct addition {
  std::int64_t left = 0, right = 0;
  using erl_shape = erl::tagged_shape<"add">;
};

struct caller {
  erl::pid process;
  /// What goes back with the reply.
  erl::cons<erl::is<"alias">, erl::reference> tag;
  using erl_shape = erl::plain_tuple_shape;
};

struct call {
  caller from;
  addition request;
  using erl_shape = erl::tagged_shape<"$gen_call">;
};

struct document {
  std::string name;
  std::vector<std::byte> bytes;
  erl::shared_bytes shared;
  erl::term value;
  std::size_t terms = 0;
  /// Among them `[]`, where it is not the end of a list.
  std::size_t empty_lists = 0;
  std::vector<std::byte> out;
};

[[noreturn]] void fail(std::string_view what, const document& of) {
  std::fprintf(stderr, "etf_ours: %.*s: %s\n", static_cast<int>(what.size()), what.data(),
               of.name.c_str());
  std::exit(1);
}

void require(bool condition, std::string_view what, const document& of) {
  if (!condition)
    fail(what, of);
}

/// Makes the compiler believe that somebody looks at the value.
template <class T> void keep(const T& value) { asm volatile("" : : "r"(&value) : "memory"); }

/// Reads every term through a view, and keeps nothing. The count of those that are not `[]`.
std::size_t visited(std::span<const std::byte> bytes) {
  erl::view from(bytes);
  std::int64_t integer = 0;
  std::uint64_t large = 0;
  double number = 0;
  std::string_view text;
  erl::pid process;
  erl::reference reference;
  std::size_t terms = 0;
  for (std::size_t missing = 1; missing > 0; --missing) {
    ++terms;
    const auto kind = from.kind();
    bool taken = false;
    switch (kind.value_or(erl::term_kind::port)) {
    case erl::term_kind::integer:
      taken = from.take(integer);
      break;
    case erl::term_kind::big_integer:
      taken = from.take(large);
      break;
    case erl::term_kind::floating:
      taken = from.take(number);
      break;
    case erl::term_kind::atom:
      taken = from.take_name(text);
      break;
    case erl::term_kind::bitstring:
      taken = from.take(text);
      break;
    case erl::term_kind::pid:
      taken = from.take(process);
      break;
    case erl::term_kind::reference:
      taken = from.take(reference);
      break;
    case erl::term_kind::nil:
      taken = from.take_nil();
      --terms;
      break;
    case erl::term_kind::tuple:
      if (const auto arity = from.enter_tuple()) {
        missing += *arity;
        taken = true;
      }
      break;
    case erl::term_kind::map:
      if (const auto pairs = from.enter_map()) {
        missing += 2 * *pairs;
        taken = true;
      }
      break;
    case erl::term_kind::list:
      if (const auto elements = from.enter_list()) {
        missing += *elements + 1;
        taken = true;
      }
      break;
    default:
      break;
    }
    if (!taken)
      return 0;
  }
  return terms;
}

void visit(document& of) {
  require(visited(of.bytes) == of.terms - of.empty_lists, "reads otherwise through a view", of);
}

void tree(document& of) {
  const auto result = erl::decode_external(of.bytes);
  require(result.has_value(), "does not decode", of);
  keep(*result);
}

void tree_shared(document& of) {
  const auto result = erl::decode_prefix(of.shared.bytes(), {.owner = &of.shared});
  require(result.has_value(), "does not decode", of);
  keep(*result);
}

void typed(document& of) {
  const auto result = erl::decode<call>(of.bytes);
  require(result && result->request.left == 1 && result->request.right == 2, "is no call", of);
  keep(*result);
}

void encode(document& of) {
  std::vector<std::byte> out;
  erl::encode_external(of.value, out);
  keep(out);
}

void encode_reuse(document& of) {
  of.out.clear();
  erl::encode_external(of.value, of.out);
}

void encode_chain(document& of) {
  erl::byte_chain out;
  erl::encode(of.value, out);
  keep(out);
}

struct operation {
  const char* name;
  void (*run)(document&);
  /// The only document that it is for; null for all.
  const char* only = nullptr;
};

constexpr operation operations[] = {
    {"visit", visit},
    {"tree", tree},
    {"tree_shared", tree_shared, "bin16m"},
    {"typed", typed, "gen_call"},
    {"encode", encode},
    {"encode_reuse", encode_reuse},
    {"encode_chain", encode_chain},
};

/// Every term counts, the `[]` that ends a list excepted.
void count(erl::term_ref value, document& of) {
  ++of.terms;
  of.empty_lists += value.is_nil() ? 1 : 0;
  for (const erl::term_ref element : value.elements())
    count(element, of);
  for (std::size_t i = 0; i < value.map_size(); ++i) {
    count(value.map_key(i), of);
    count(value.map_value(i), of);
  }
  for (const erl::term_ref element : value.items())
    count(element, of);
  if (value.is_cons() && !value.list_tail().is_nil())
    count(value.list_tail(), of);
}

document load(const std::string& name, const std::string& path) {
  document result;
  result.name = name;
  std::ifstream file(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto bytes = std::as_bytes(std::span(text));
  result.bytes.assign(bytes.begin(), bytes.end());
  result.shared = erl::shared_bytes::copy(bytes);
  auto value = erl::decode_external(result.bytes);
  require(value.has_value(), "does not decode", result);
  result.value = *std::move(value);
  encode_reuse(result);
  require(result.out == result.bytes, "encodes to other bytes", result);
  count(result.value, result);
  return result;
}

double now() {
  return std::chrono::duration<double, std::nano>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Nanoseconds: the best of three thirds of the time.
double time_of(void (*run)(document&), document& of, double seconds) {
  long batch = 1;
  const auto run_batch = [&] {
    const double start = now();
    for (long i = 0; i < batch; ++i)
      run(of);
    return now() - start;
  };
  while (run_batch() < 1e7)
    batch *= 2;
  double best = 1e300;
  for (int third = 0; third < 3; ++third) {
    double spent = 0;
    long done = 0;
    for (; spent < seconds * 1e9 / 3; done += batch)
      spent += run_batch();
    best = std::min(best, spent / static_cast<double>(done));
  }
  return best;
}

void measure(document& of, double seconds) {
  for (const operation& each : operations) {
    if (each.only != nullptr && each.only != of.name)
      continue;
    std::printf("ours,%s,%s,%zu,%zu,%.1f\n", each.name, of.name.c_str(), of.bytes.size(), of.terms,
                time_of(each.run, of, seconds));
    std::fflush(stdout);
  }
}

/// The instruction count is that of this function.
extern "C" [[gnu::noinline]] void measured_once(void (*run)(document&), document& of) { run(of); }

int once(std::string_view name, const char* path) {
  document of = load(path, path);
  for (const operation& each : operations)
    if (each.name == name) {
      each.run(of);
      measured_once(each.run, of);
      return 0;
    }
  return 2;
}

} // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 1 && arguments[0] == "--list") {
    for (const operation& each : operations)
      std::printf("%s %s\n", each.name, each.only == nullptr ? "" : each.only);
    return 0;
  }
  if (arguments.size() < 3)
    return 2;
  if (arguments[0] == "--once")
    return once(arguments[1], argv[3]);
  for (std::size_t i = 2; i < arguments.size(); ++i) {
    document of = load(arguments[i], arguments[0] + "/" + arguments[i] + ".etf");
    measure(of, std::stod(arguments[1]));
  }
  return 0;
}
