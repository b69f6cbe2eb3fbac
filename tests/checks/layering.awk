# Reads the #include lines of the files given (paths relative to the checkout) and prints every one that crosses a
# layer in the wrong direction. Exit status 1 when there is one. POSIX awk.

function allow(layer, own, foreign) {
  own_of[layer] = " " layer " duration " own " "
  foreign_of[layer] = " " foreign " "
}

BEGIN {
  # A layer; what of ours it may include besides itself; which fenced-off parts of the world it may include.
  allow("etf", "", "zlib")
  allow("epmd", "", "asio sockets")
  allow("base", "", "")
  allow("runtime", "base etf", "")
  allow("dist", "base etf", "openssl")
  allow("otp", "runtime base etf", "")
  allow("node", "otp dist runtime base epmd etf", "asio sockets openssl")
  allow("sim", "node otp dist runtime base etf", "")
  allow("cli", "node otp dist runtime base epmd etf", "cxxopts iostream")

  # Public headers outside a folder of a layer: whose they are.
  while ((getline line < table) > 0)
    if (line !~ /^#/ && split(line, words, " ") > 1)
      for (i = 2; i in words; ++i)
        if (words[1] == "opt-in") opt_in[words[i]]
        else public_of[words[i]] = words[1]
  # Public headers are read by every user's compiler: these cost too much there.
  costly = " asio sockets openssl cxxopts iostream chrono memory functional algorithm ranges mutex thread map unordered_map regex "
}

# The layer of a public header, by its path below include/erl.
function public_layer(path) {
  if (path == "duration.hpp") return "duration"
  if (path ~ /^(etf|epmd|base|runtime|dist|otp|node)\//) { sub(/\/.*/, "", path); return path }
  return path in public_of ? public_of[path] : "unlisted"
}

function layer_of(file) {
  if (file ~ /^include\/erl\//) return public_layer(substr(file, 13))
  if (file ~ /^src\//) { sub(/^src\//, "", file); sub(/\/.*/, "", file); return file }
  sub(/\/.*/, "", file)
  return file
}

# Ours: its layer. The world's fenced-off parts: their name. Anything else: "".
function included_layer(header, quoted) {
  if (header ~ /^erl\//) return public_layer(substr(header, 5))
  if (quoted) {
    if (header ~ /^(etf|epmd|base|runtime|dist|otp|node|sim|cli)\//) { sub(/\/.*/, "", header); return header }
    return header ~ /\// ? "unknown" : ""
  }
  return ""
}

function foreign_part(header) {
  if (header ~ /^boost\/asio/) return "asio"
  if (header ~ /^openssl\//) return "openssl"
  if (header ~ /^cxxopts/) return "cxxopts"
  if (header ~ /^zlib\.h/) return "zlib"
  if (header ~ /^(iostream|ostream|istream|fstream)$/) return "iostream"
  if (header ~ /^(sys\/(socket|epoll|un|uio|select)|netinet\/.*|arpa\/.*|netdb|poll)\.h$/) return "sockets"
  return ""
}

function report(why) {
  printf "%s:%d: %s: %s\n", FILENAME, FNR, why, $0
  failed = 1
}

FNR == 1 {
  ++files
  layer = layer_of(FILENAME)
  is_public = FILENAME ~ /^include\//
  if (layer == "unlisted") {
    printf "%s: its layer is not listed in tests/checks/public_headers\n", FILENAME
    failed = 1
  }
  if (layer != "duration" && layer != "unlisted" && !(layer in own_of)) {
    printf "%s: there is no layer %s\n", FILENAME, layer
    failed = 1
  }
}

layer in own_of && /^[ \t]*#[ \t]*include[ \t]*[<"]/ {
  header = $0
  sub(/^[^<"]*/, "", header)
  quoted = substr(header, 1, 1) == "\""
  header = substr(header, 2)
  sub(/[>"].*/, "", header)

  ours = included_layer(header, quoted)
  if (ours == "unknown") report("no layer owns this header")
  else if (ours != "" && ours != "unlisted" && index(own_of[layer], " " ours " ") == 0)
    report(layer " must not include " ours)
  if (is_public && quoted) report("a public header includes public headers only, as <erl/...>")

  part = foreign_part(header)
  if (part != "" && index(foreign_of[layer], " " part " ") == 0) report(layer " must not include " part)
  if (is_public && !(substr(FILENAME, 13) in opt_in)) {
    if (part == "") part = header
    if (index(costly, " " part " ") > 0) report("a public header must not include " part)
  }
}

END {
  if (files == 0) { print "no file was read"; exit 1 }
  if (!failed) print files " files keep to their layers"
  exit failed
}
