/* Throughput of erl_interface (ei), the C library of OTP.
 *
 *   etf_ei DIRECTORY SECONDS DOCUMENT...        prints
 * implementation,operation,document,bytes,terms,ns etf_ei --once OPERATION FILE                runs
 * an operation twice, the second time in measured_once()
 *
 * decode_walk   visits every term with the typed ei_decode_* and keeps nothing: the least that a
 * user of ei pays decode_tree   builds a tree, a malloc for each node and string, and frees it
 * encode        tree to a fresh ei_x_buff
 * encode_reuse  tree to the same ei_x_buff
 *
 * ei writes integers of more than 28 bits as bignums, so that its bytes are not always those of
 * OTP.
 */
#include <ei.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum kind { INT, UINT, DOUBLE, ATOM, BINARY, STRING, TUPLE, LIST, NIL, MAP, PID, REF };

struct node {
  enum kind kind;
  union {
    long long i;
    unsigned long long u;
    double d;
    struct {
      char* data;
      long size;
    } text;
    struct {
      struct node* items;
      long count;
      struct node* tail;
    } parts;
    erlang_pid* pid;
    erlang_ref* ref;
  } as;
};

struct document {
  const char* name;
  char* bytes;
  long size;
  struct node tree;
};

static char* scratch;
static long visited;
static ei_x_buff kept;

static void fail(const char* what, int type, int at) {
  fprintf(stderr, "etf_ei: %s, type %d at %d\n", what, type, at);
  exit(1);
}

static void check(int failed, const char* what, int type, int at) {
  if (failed)
    fail(what, type, at);
}

static void walk(const char* b, int* at) {
  int type, size, n;
  visited++;
  check(ei_get_type(b, at, &type, &size), "type", 0, *at);
  switch (type) {
  case ERL_SMALL_INTEGER_EXT:
  case ERL_INTEGER_EXT:
  case ERL_SMALL_BIG_EXT: {
    long long i;
    unsigned long long u;
    if (ei_decode_longlong(b, at, &i))
      check(ei_decode_ulonglong(b, at, &u), "integer", type, *at);
    break;
  }
  case NEW_FLOAT_EXT:
  case ERL_FLOAT_EXT: {
    double d;
    check(ei_decode_double(b, at, &d), "float", type, *at);
    break;
  }
  case ERL_ATOM_EXT:
  case ERL_SMALL_ATOM_EXT:
  case ERL_ATOM_UTF8_EXT:
  case ERL_SMALL_ATOM_UTF8_EXT: {
    char text[MAXATOMLEN_UTF8];
    check(ei_decode_atom_as(b, at, text, sizeof text, ERLANG_UTF8, NULL, NULL), "atom", type, *at);
    break;
  }
  case ERL_BINARY_EXT: {
    long length;
    check(ei_decode_binary(b, at, scratch, &length), "binary", type, *at);
    break;
  }
  case ERL_STRING_EXT:
    check(ei_decode_string(b, at, scratch), "string", type, *at);
    visited += size;
    break;
  case ERL_SMALL_TUPLE_EXT:
  case ERL_LARGE_TUPLE_EXT:
    check(ei_decode_tuple_header(b, at, &n), "tuple", type, *at);
    while (n--)
      walk(b, at);
    break;
  case ERL_MAP_EXT:
    check(ei_decode_map_header(b, at, &n), "map", type, *at);
    n *= 2;
    while (n--)
      walk(b, at);
    break;
  case ERL_LIST_EXT: {
    check(ei_decode_list_header(b, at, &n), "list", type, *at);
    while (n--)
      walk(b, at);
    /* The tail of a proper list is no term of its own. */
    if (b[*at] == ERL_NIL_EXT)
      visited--;
    walk(b, at);
    break;
  }
  case ERL_NIL_EXT:
    check(ei_decode_list_header(b, at, &n), "nil", type, *at);
    break;
  case ERL_PID_EXT:
  case ERL_NEW_PID_EXT: {
    erlang_pid pid;
    check(ei_decode_pid(b, at, &pid), "pid", type, *at);
    break;
  }
  case ERL_REFERENCE_EXT:
  case ERL_NEW_REFERENCE_EXT:
  case ERL_NEWER_REFERENCE_EXT: {
    erlang_ref ref;
    check(ei_decode_ref(b, at, &ref), "reference", type, *at);
    break;
  }
  default:
    fail("unknown", type, *at);
  }
}

static void build(const char* b, int* at, struct node* to);

static void build_parts(const char* b, int* at, int type, struct node* to) {
  int n;
  long i;
  if (type == ERL_MAP_EXT) {
    check(ei_decode_map_header(b, at, &n), "map", type, *at);
    to->kind = MAP;
    n *= 2;
  } else if (type == ERL_LIST_EXT) {
    check(ei_decode_list_header(b, at, &n), "list", type, *at);
    to->kind = LIST;
  } else {
    check(ei_decode_tuple_header(b, at, &n), "tuple", type, *at);
    to->kind = TUPLE;
  }
  to->as.parts.count = n;
  to->as.parts.items = malloc((size_t)n * sizeof(struct node));
  to->as.parts.tail = NULL;
  for (i = 0; i < n; i++)
    build(b, at, &to->as.parts.items[i]);
  if (to->kind == LIST) {
    struct node tail;
    build(b, at, &tail);
    if (tail.kind != NIL) {
      to->as.parts.tail = malloc(sizeof tail);
      *to->as.parts.tail = tail;
    }
  }
}

static void build(const char* b, int* at, struct node* to) {
  int type, size, n;
  check(ei_get_type(b, at, &type, &size), "type", 0, *at);
  switch (type) {
  case ERL_SMALL_INTEGER_EXT:
  case ERL_INTEGER_EXT:
  case ERL_SMALL_BIG_EXT:
    to->kind = INT;
    if (ei_decode_longlong(b, at, &to->as.i)) {
      to->kind = UINT;
      check(ei_decode_ulonglong(b, at, &to->as.u), "integer", type, *at);
    }
    break;
  case NEW_FLOAT_EXT:
  case ERL_FLOAT_EXT:
    to->kind = DOUBLE;
    check(ei_decode_double(b, at, &to->as.d), "float", type, *at);
    break;
  case ERL_ATOM_EXT:
  case ERL_SMALL_ATOM_EXT:
  case ERL_ATOM_UTF8_EXT:
  case ERL_SMALL_ATOM_UTF8_EXT: {
    char text[MAXATOMLEN_UTF8];
    to->kind = ATOM;
    check(ei_decode_atom_as(b, at, text, sizeof text, ERLANG_UTF8, NULL, NULL), "atom", type, *at);
    to->as.text.size = (long)strlen(text);
    to->as.text.data = malloc((size_t)to->as.text.size + 1);
    memcpy(to->as.text.data, text, (size_t)to->as.text.size + 1);
    break;
  }
  case ERL_BINARY_EXT:
    to->kind = BINARY;
    to->as.text.data = malloc((size_t)size + 1);
    check(ei_decode_binary(b, at, to->as.text.data, &to->as.text.size), "binary", type, *at);
    break;
  case ERL_STRING_EXT:
    to->kind = STRING;
    to->as.text.data = malloc((size_t)size + 1);
    to->as.text.size = size;
    check(ei_decode_string(b, at, to->as.text.data), "string", type, *at);
    break;
  case ERL_SMALL_TUPLE_EXT:
  case ERL_LARGE_TUPLE_EXT:
  case ERL_MAP_EXT:
  case ERL_LIST_EXT:
    build_parts(b, at, type, to);
    break;
  case ERL_NIL_EXT:
    to->kind = NIL;
    check(ei_decode_list_header(b, at, &n), "nil", type, *at);
    break;
  case ERL_PID_EXT:
  case ERL_NEW_PID_EXT:
    to->kind = PID;
    to->as.pid = malloc(sizeof(erlang_pid));
    check(ei_decode_pid(b, at, to->as.pid), "pid", type, *at);
    break;
  case ERL_REFERENCE_EXT:
  case ERL_NEW_REFERENCE_EXT:
  case ERL_NEWER_REFERENCE_EXT:
    to->kind = REF;
    to->as.ref = malloc(sizeof(erlang_ref));
    check(ei_decode_ref(b, at, to->as.ref), "reference", type, *at);
    break;
  default:
    fail("unknown", type, *at);
  }
}

static void release(struct node* of) {
  long i;
  switch (of->kind) {
  case ATOM:
  case BINARY:
  case STRING:
    free(of->as.text.data);
    break;
  case PID:
    free(of->as.pid);
    break;
  case REF:
    free(of->as.ref);
    break;
  case TUPLE:
  case LIST:
  case MAP:
    for (i = 0; i < of->as.parts.count; i++)
      release(&of->as.parts.items[i]);
    free(of->as.parts.items);
    if (of->as.parts.tail) {
      release(of->as.parts.tail);
      free(of->as.parts.tail);
    }
    break;
  default:
    break;
  }
}

static void encode(ei_x_buff* to, struct node* from) {
  long i;
  switch (from->kind) {
  case INT:
    ei_x_encode_longlong(to, from->as.i);
    break;
  case UINT:
    ei_x_encode_ulonglong(to, from->as.u);
    break;
  case DOUBLE:
    ei_x_encode_double(to, from->as.d);
    break;
  case ATOM:
    ei_x_encode_atom_len_as(to, from->as.text.data, (int)from->as.text.size, ERLANG_UTF8,
                            ERLANG_UTF8);
    break;
  case BINARY:
    ei_x_encode_binary(to, from->as.text.data, (int)from->as.text.size);
    break;
  case STRING:
    ei_x_encode_string_len(to, from->as.text.data, (int)from->as.text.size);
    break;
  case TUPLE:
    ei_x_encode_tuple_header(to, from->as.parts.count);
    for (i = 0; i < from->as.parts.count; i++)
      encode(to, &from->as.parts.items[i]);
    break;
  case MAP:
    ei_x_encode_map_header(to, from->as.parts.count / 2);
    for (i = 0; i < from->as.parts.count; i++)
      encode(to, &from->as.parts.items[i]);
    break;
  case LIST:
    ei_x_encode_list_header(to, from->as.parts.count);
    for (i = 0; i < from->as.parts.count; i++)
      encode(to, &from->as.parts.items[i]);
    if (from->as.parts.tail)
      encode(to, from->as.parts.tail);
    else
      ei_x_encode_empty_list(to);
    break;
  case NIL:
    ei_x_encode_empty_list(to);
    break;
  case PID:
    ei_x_encode_pid(to, from->as.pid);
    break;
  case REF:
    ei_x_encode_ref(to, from->as.ref);
    break;
  }
}

static void decode_walk(struct document* of) {
  int at = 0, version;
  ei_decode_version(of->bytes, &at, &version);
  visited = 0;
  walk(of->bytes, &at);
  check(at != of->size, "length", 0, at);
}

static void decode_tree(struct document* of) {
  struct node tree;
  int at = 0, version;
  ei_decode_version(of->bytes, &at, &version);
  build(of->bytes, &at, &tree);
  release(&tree);
}

static void encode_fresh(struct document* of) {
  ei_x_buff out;
  ei_x_new_with_version(&out);
  encode(&out, &of->tree);
  check(out.index < 3, "encode", 0, out.index);
  ei_x_free(&out);
}

static void encode_reuse(struct document* of) {
  kept.index = 0;
  ei_x_encode_version(&kept);
  encode(&kept, &of->tree);
}

static const struct {
  const char* name;
  void (*run)(struct document*);
} operations[] = {{"decode_walk", decode_walk},
                  {"decode_tree", decode_tree},
                  {"encode", encode_fresh},
                  {"encode_reuse", encode_reuse}};
enum { operation_count = sizeof operations / sizeof *operations };

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

/* Nanoseconds: the best of three thirds of the time. */
static double time_of(void (*run)(struct document*), struct document* of, double seconds) {
  double best = 1e300, start;
  long batch = 1, i;
  int third;
  for (;;) {
    start = now();
    for (i = 0; i < batch; i++)
      run(of);
    if (now() - start > 1e7)
      break;
    batch *= 2;
  }
  for (third = 0; third < 3; third++) {
    long done = 0;
    double ns;
    start = now();
    do {
      for (i = 0; i < batch; i++)
        run(of);
      done += batch;
    } while (now() - start < seconds * 1e9 / 3);
    ns = (now() - start) / (double)done;
    if (ns < best)
      best = ns;
  }
  return best;
}

static void load(struct document* to, const char* name, const char* path) {
  int at = 0, version;
  FILE* file = fopen(path, "rb");
  if (!file) {
    perror(path);
    exit(1);
  }
  fseek(file, 0, SEEK_END);
  to->name = name;
  to->size = ftell(file);
  rewind(file);
  to->bytes = malloc((size_t)to->size);
  if (fread(to->bytes, 1, (size_t)to->size, file) != (size_t)to->size)
    exit(1);
  fclose(file);
  ei_decode_version(to->bytes, &at, &version);
  build(to->bytes, &at, &to->tree);
  decode_walk(to);
}

/* The instruction count is that of this function. */
__attribute__((noinline)) void measured_once(void (*run)(struct document*), struct document* of) {
  run(of);
}

int main(int argc, char** argv) {
  int i;
  unsigned k;
  struct document document;
  if (argc < 4)
    return 2;
  ei_init();
  scratch = malloc(17 << 20);
  ei_x_new(&kept);
  if (strcmp(argv[1], "--once") == 0) {
    load(&document, argv[3], argv[3]);
    for (k = 0; k < operation_count; k++)
      if (strcmp(operations[k].name, argv[2]) == 0) {
        operations[k].run(&document);
        measured_once(operations[k].run, &document);
        return 0;
      }
    return 2;
  }
  for (i = 3; i < argc; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.etf", argv[1], argv[i]);
    load(&document, argv[i], path);
    for (k = 0; k < operation_count; k++) {
      printf("ei,%s,%s,%ld,%ld,%.1f\n", operations[k].name, argv[i], document.size, visited,
             time_of(operations[k].run, &document, atof(argv[2])));
      fflush(stdout);
    }
    release(&document.tree);
    free(document.bytes);
  }
  return 0;
}
