#include "otp/io_format.hpp"
#include "otp/io_requests.hpp"
#include <erl/etf/encode.hpp>
#include <erl/etf/parse.hpp>
#include <erl/etf/print.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>

using namespace erl;

namespace {

/// The text and the reply, as text.
std::string asked(std::string_view request) {
  std::string text;
  const term reply = reply_to_io_request(*parse_term(request), text);
  return text + "|" + to_string(reply);
}

std::string formatted(std::string_view format, std::string_view arguments) {
  std::string text;
  const bool done = append_format(to_term(std::string(format)), *parse_term(arguments), 1000, text);
  return done ? text : "badarg";
}

} // namespace

TEST_CASE("format prints as io_lib does") {
  CHECK(formatted("a~nb~~", "[]") == "a\nb~");
  CHECK(formatted("~p ~w ~s ~ts", R"(["hi", "hi", "hi", <<"hé"/utf8>>])") ==
        "\"hi\" [104,105] hi hé");
  CHECK(formatted("~5w|~-5w|~2w", "[abc, abc, abc]") == "  abc|abc  |**");
  CHECK(formatted("~5s|~-5s|~2s|~5.2s", R"(["abc", "abc", "abc", "abc"])") ==
        "  abc|abc  |ab|   ab");
  CHECK(formatted("~b ~.16b ~.16B ~.16# ~5..0b", "[-10, 255, 255, 255, 42]") ==
        "-10 ff FF 16#FF 00042");
  CHECK(formatted("~b", "[123456789012345678901234567890]") == "123456789012345678901234567890");
  CHECK(formatted("~c~3c~tc", "[97, 98, 1047]") == "abbbЗ");
  CHECK(formatted("~f ~.2f ~e ~g", "[1.5, 1.5, 1.5, 1.5]") == "1.500000 1.50 1.50000e+0 1.500000");
  CHECK(formatted("~*.*.*s|~i|", "[6, 3, $-, \"abcd\", ignored]") == "---abc||");
  CHECK(formatted("~x ~X", "[255, \"0x\", 10, a]") == "0x255 a10");
  CHECK(formatted("~W ~P", "[[1], 3, \"a\", 3]") == "[1] \"a\"");
}

TEST_CASE("format refuses what io_lib refuses") {
  for (const auto* format : {"~", "~w ~w", "", "~s", "~q", "~99999999999w", "~.", "~-w"})
    CHECK(formatted(format, "[{}]") == "badarg");
  CHECK(formatted("~*w", "[a, b]") == "badarg");
  CHECK(formatted("~900w~900w", "[a, b]") == "badarg"); // more than may come out
  CHECK(formatted("x", "nolist") == "badarg");
}

TEST_CASE("requests print and are answered") {
  CHECK(asked(R"({put_chars, unicode, ["a", [<<"bé"/utf8>> | <<"c">>], 8364]})") == "abéc€|ok");
  CHECK(asked(R"({put_chars, latin1, ["a", <<233>>, 233]})") == "aéé|ok");
  CHECK(asked(R"({put_chars, "old"})") == "old|ok");
  CHECK(asked(R"({put_chars, unicode, io_lib, format, ["~p~n", [a]]})") == "a\n|ok");
  CHECK(asked(R"({put_chars, io_lib, fwrite, ["~p", [a]]})") == "a|ok");
  CHECK(asked("{put_chars, unicode, io_lib, write, [{a, \"b\"}]}") == "{a,[98]}|ok");
  CHECK(asked("{put_chars, unicode, io_lib, nl, []}") == "\n|ok");
  CHECK(asked("{put_chars, unicode, \"\\e[1m\\t\"}") == "\x1b[1m\t|ok"); // as they are
}

TEST_CASE("what cannot be printed is an error and prints nothing") {
  CHECK(asked("{put_chars, unicode, [atom]}") == "|{error,{put_chars,unicode,[atom]}}");
  CHECK(asked("{put_chars, latin1, [256]}") == "|{error,{put_chars,latin1,[256]}}");
  CHECK(asked("{put_chars, unicode, [55296]}") == "|{error,{put_chars,unicode,[55296]}}");
  for (const auto* wrong : {"<<16#c0,16#80>>", "<<16#e0,16#80,16#80>>", "<<16#ed,16#a0,16#80>>",
                            "<<16#f4,16#90,128,128>>", "<<16#e2,16#82>>", "<<\"a\",128>>"})
    CHECK(asked("{put_chars, unicode, [" + std::string(wrong) + "]}").starts_with("|{error,{put"));
  CHECK(asked("{put_chars, unicode, <<16#f0,16#9f,16#98,16#80,16#e2,16#82,16#ac>>}") == "😀€|ok");
  CHECK(asked("{put_chars, unicode, <<255>>}") == "|{error,{put_chars,unicode,<<\"ÿ\">>}}");
  CHECK(asked("{put_chars, unicode, io_lib, format, [\"~p\", []]}") == "|{error,format}");
  CHECK(asked("{put_chars, unicode, os, cmd, [\"true\"]}") == "|{error,cmd}");
  CHECK(asked("{put_chars, utf16, \"a\"}") == "|{error,request}");
}

TEST_CASE("there is nothing to read, and nothing to set") {
  for (const auto* request :
       {"{get_line, unicode, ''}", "{get_line, ''}", "{get_chars, unicode, '', 3}",
        "{get_until, unicode, '', io_lib, collect_line, []}", "{get_password, unicode}"})
    CHECK(asked(request) == "|eof");
  CHECK(asked("getopts") == "|[{binary,false},{encoding,unicode}]");
  CHECK(asked("{setopts, [binary]}") == "|{error,enotsup}");
  CHECK(asked("{get_geometry, rows}") == "|{error,enotsup}");
  for (const auto* request : {"what", "{}", "{put_chars}", "{what, 1}", "[]", "{requests}"})
    CHECK(asked(request) == "|{error,request}");
}

TEST_CASE("a list of requests stops at the first error") {
  CHECK(asked("{requests, [{put_chars, \"a\"}, {requests, [{put_chars, \"b\"}]}, getopts]}") ==
        "ab|[{binary,false},{encoding,unicode}]");
  CHECK(asked("{requests, [{put_chars, \"a\"}, what, {put_chars, \"b\"}]}") == "a|{error,request}");
  CHECK(asked("{requests, []}") == "|ok");
  CHECK(asked("{requests, [getopts | a]}") == "|{error,request}");
}
