# Finds co_await in the parentheses of if, while, for and switch, which g++ 12 miscompiles: 10 of 13 spellings crash or
# compute the wrong value (tests/coroutine_shapes_test.cpp). Prints each; exit status 1 when there is one. POSIX awk.
# In Markdown only the C++ snippets are read.

function begin_file() {
  in_comment = in_raw = pending = depth = 0
  word = ""
  markdown = FILENAME ~ /\.md$/
  in_snippet = !markdown
  ++files
}

function word_ended() {
  if (word == "if" || word == "while" || word == "for" || word == "switch") pending = 1
  else if (word == "co_await" && depth > 0) {
    printf "%s:%d: co_await in a condition; name its result first: %s\n", FILENAME, FNR, $0
    failed = 1
  } else if (word != "constexpr") pending = 0
  word = ""
}

function scan(line,    i, c, two, end) {
  for (i = 1; i <= length(line); ++i) {
    c = substr(line, i, 1)
    two = substr(line, i, 2)
    if (in_comment) {
      if (two == "*/") { in_comment = 0; ++i }
      continue
    }
    if (in_raw) {
      end = index(substr(line, i), raw_end)
      if (end == 0) return
      i += end + length(raw_end) - 2
      in_raw = 0
      continue
    }
    if (c ~ /[A-Za-z0-9_]/) { word = word c; continue }
    if (c == "\"" && word ~ /^(u8|u|U|L)?R$/) {
      end = index(substr(line, i), "(")
      raw_end = ")" substr(line, i + 1, end - 2) "\""
      i += end - 1
      in_raw = 1
      word = ""
      continue
    }
    # A quote between digits separates them.
    if (c == "'" && word ~ /^[0-9]/) continue
    if (word != "") word_ended()
    if (two == "//") return
    if (two == "/*") { in_comment = 1; ++i; continue }
    if (c == "\"" || c == "'") {
      for (++i; i <= length(line) && substr(line, i, 1) != c; ++i)
        if (substr(line, i, 1) == "\\") ++i
      pending = 0
      continue
    }
    if (c == "(") { if (pending || depth > 0) ++depth; pending = 0 }
    else if (c == ")") { if (depth > 0) --depth }
    else if (c !~ /[ \t]/) pending = 0
  }
  if (word != "") word_ended()
}

FNR == 1 { begin_file() }
markdown && /^[ \t]*```/ { in_snippet = /```[ \t]*(cpp|c\+\+)/; in_comment = in_raw = depth = 0; next }
in_snippet { scan($0) }

END {
  if (files == 0) { print "no file was read"; exit 1 }
  if (!failed) print files " files keep co_await out of conditions"
  exit failed
}
