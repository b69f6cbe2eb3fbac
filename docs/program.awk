# Makes one program of the C++ in a document, which a test compiles and runs: blocks below a line `<!-- run -->` are
# statements, each in a function of its own; all others are declarations, in their order. POSIX awk.
BEGIN { runs = blocks = 0 }
/^```cpp$/ { inside = 1; ++blocks; run = before == "<!-- run -->"; if (run) open[++runs] = NR; next }
/^```$/ && inside { inside = 0; next }
inside && /^#include/ { includes = includes $0 "\n"; next }
inside && run { body[runs] = body[runs] $0 "\n" }
inside && !run { part[runs] = part[runs] "#line " NR " \"" FILENAME "\"\n" $0 "\n" }
{ before = $0 }
END {
  if (runs == 0 || runs == blocks) { print "#error no code was found in " FILENAME; exit 1 }
  printf "#undef NDEBUG\n#include <cassert>\n%s\n%s", includes, part[0]
  for (i = 1; i <= runs; ++i) printf "static void block_%d() {\n#line %d \"%s\"\n%s}\n%s", i, open[i] + 1, FILENAME, body[i], part[i]
  print "int main() {"
  for (i = 1; i <= runs; ++i) print "  block_" i "();"
  print "}"
}
