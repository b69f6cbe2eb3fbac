/* The server of bench/dist on erl_interface: one connection at a time, one thread, as the OTP tutorial does it.
 * usage: server_ei ALIVE HOST COOKIE */
#include <ei.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static char *scratch; static int scap;
int main(int c, char **v) {
  ei_cnode ec; char node[300]; struct in_addr ia; int port = 0, lfd, fd; ErlConnect con;
  if (c < 4) return 2; ei_init(); ia.s_addr = inet_addr("127.0.0.1"); snprintf(node, sizeof node, "%s@%s", v[1], v[2]);
  if (ei_connect_xinit(&ec, v[2], v[1], node, (Erl_IpAddr)&ia, v[3], (unsigned)getpid()) < 0) { fprintf(stderr, "init\n"); return 1; }
  if ((lfd = ei_xlisten(&ec, (Erl_IpAddr)&ia, &port, 5)) < 0) { perror("listen"); return 1; }
  if (ei_publish(&ec, port) < 0) { fprintf(stderr, "publish %d\n", erl_errno); return 1; }
  printf("READY\n"); fflush(stdout); scap = 17 << 20; scratch = malloc(scap);
  for (;;) {
    ei_x_buff in, out; long cnt = 0, bytes = 0; if ((fd = ei_accept(&ec, lfd, &con)) < 0) { fprintf(stderr, "accept %d\n", erl_errno); continue; }
    ei_x_new(&in); ei_x_new(&out);
    for (;;) {
      erlang_msg m; int ix = 0, ver, ar, got; char a[MAXATOMLEN_UTF8]; in.index = 0;
      got = ei_xreceive_msg(fd, &m, &in);
      if (got == ERL_TICK) continue; if (got == ERL_ERROR) break;
      if (m.msgtype != ERL_SEND && m.msgtype != ERL_REG_SEND) continue;
      if (ei_decode_version(in.buff, &ix, &ver) || ei_decode_tuple_header(in.buff, &ix, &ar) || ei_decode_atom(in.buff, &ix, a)) { cnt++; continue; }
      if (!strcmp(a, "$gen_call") && ar == 3) {
        erlang_pid from; char op[MAXATOMLEN]; int tag, tagend, far, n; erlang_pid to;
        if (ei_decode_tuple_header(in.buff, &ix, &far) || ei_decode_pid(in.buff, &ix, &from)) continue;
        to = from; tag = ix; ei_skip_term(in.buff, &ix); tagend = ix;
        out.index = 0; ei_x_encode_version(&out);
        if (ei_decode_tuple_header(in.buff, &ix, &n)) {           /* plain atom request: net_kernel is_auth and friends */
          ei_x_encode_tuple_header(&out, 2); ei_x_append_buf(&out, in.buff + tag, tagend - tag); ei_x_encode_atom(&out, "yes");
        } else {
          ei_decode_atom(in.buff, &ix, op);
          ei_x_encode_tuple_header(&out, 2); ei_x_append_buf(&out, in.buff + tag, tagend - tag);
          if (!strcmp(op, "add")) { long x, y; ei_decode_long(in.buff, &ix, &x); ei_decode_long(in.buff, &ix, &y); ei_x_encode_long(&out, x + y); }
          else if (!strcmp(op, "echo")) { int s = ix; ei_skip_term(in.buff, &ix); ei_x_append_buf(&out, in.buff + s, ix - s); }
          else ei_x_encode_atom(&out, "yes");
        }
        /* ei cannot send to an alias, but the pid works: gen matches on the tag */
        if (ei_send(fd, &to, out.buff, out.index) < 0) break;
      } else if (!strcmp(a, "sync")) {
        erlang_pid p; erlang_ref r; ei_decode_pid(in.buff, &ix, &p); ei_decode_ref(in.buff, &ix, &r); out.index = 0; ei_x_encode_version(&out);
        ei_x_encode_tuple_header(&out, 3); ei_x_encode_ref(&out, &r); ei_x_encode_long(&out, cnt); ei_x_encode_long(&out, bytes);
        if (ei_send(fd, &p, out.buff, out.index) < 0) break; cnt = bytes = 0;
      } else if (!strcmp(a, "bin")) { long n; if (!ei_decode_binary(in.buff, &ix, scratch, &n)) bytes += n; cnt++; }
      else cnt++;
    }
    ei_close_connection(fd); ei_x_free(&in); ei_x_free(&out);
  }
}
