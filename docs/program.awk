# Makes one program of the C++ in a document, which a test compiles and runs: blocks below a line `<!-- run -->` are
# statements, each in a function of its own; those below `<!-- process -->` are statements of a process `self`, run on a
# simulated node for some seeds; all others are declarations, in their order. POSIX awk.
BEGIN { runs = blocks = processes = 0 }
/^```cpp$/ {
  inside = 1
  ++blocks
  process = before == "<!-- process -->"
  run = process || before == "<!-- run -->"
  if (run) open[++runs] = NR
  if (process) is_process[runs] = ++processes
  next
}
/^```$/ && inside { inside = 0; next }
inside && /^#include/ { includes = includes $0 "\n"; next }
inside && run { body[runs] = body[runs] $0 "\n" }
inside && !run { part[runs] = part[runs] "#line " NR " \"" FILENAME "\"\n" $0 "\n" }
{ before = $0 }
END {
  if (runs == 0 || runs == blocks) { print "#error no code was found in " FILENAME; exit 1 }
  if (processes > 0) includes = includes "#include <erl/sim.hpp>\n"
  printf "#undef NDEBUG\n#include <cassert>\n%s\n", includes
  if (processes > 0) {
    # With `#line` g++ takes the document for a header, and lambdas in it for a mistake.
    print "#ifndef __clang__\n#pragma GCC diagnostic ignored \"-Wsubobject-linkage\"\n#endif"
    print "static void run_process(const char* where, erl::task<> (*body)(erl::process&)) {"
    print "  erl::sim::check({.from = 1, .to = 20}, [=](erl::sim::world& world) {"
    print "    erl::sim::probe test(world.add_node(\"here@sim\"));"
    print "    test.act([=](erl::process& self) { self.spawn_monitor(body); });"
    print "    const auto reason = test.expect<erl::down>(std::chrono::hours(1)).reason;"
    print "    if (!reason.is(\"normal\")) throw erl::sim::failure(std::string(where) + \" has failed\");"
    print "  });"
    print "}"
  }
  printf "%s", part[0]
  for (i = 1; i <= runs; ++i) {
    if (i in is_process)
      printf "static erl::task<> block_%d(erl::process& self) {\n[[maybe_unused]] const auto in_block_%d = self.self();\n", i, i
    else
      printf "static void block_%d() {\n", i
    printf "#line %d \"%s\"\n%s%s}\n%s", open[i] + 1, FILENAME, body[i], i in is_process ? "co_return;\n" : "", part[i]
  }
  print "int main() {"
  for (i = 1; i <= runs; ++i)
    if (i in is_process) printf "  run_process(\"%s:%d\", block_%d);\n", FILENAME, open[i], i
    else print "  block_" i "();"
  print "}"
}
