#!/usr/bin/env escript
%% Writes the five documents as external terms, 131 included. usage: gen.escript DIRECTORY
%% Always the same bytes: the random numbers are seeded, and pid and reference are made from bytes, so that they do not
%% depend on the node that runs this.
main([Directory]) ->
    ok = filelib:ensure_dir(filename:join(Directory, "x")),
    rand:seed(exsss, {1, 2, 3}),
    [write(filename:join(Directory, Name ++ ".etf"), Term) ||
        {Name, Term} <- [{"gen_call", call()}, {"ints100k", integers()}, {"json1m", json()},
                         {"bin16m", {data, 1, rand:bytes(16 bsl 20)}}, {"tuples10k", tuples()}]].

write(File, Term) ->
    ok = file:write_file(File, term_to_binary(Term, [{minor_version, 2}, deterministic])).

call() ->
    Node = <<119, 15, "client@bench.lo">>,
    Pid = binary_to_term(<<131, 88, Node/binary, 117:32, 0:32, 1700000001:32>>),
    Ref = binary_to_term(<<131, 90, 3:16, Node/binary, 1700000001:32, 123456:32, 2345678901:32, 3456789012:32>>),
    {'$gen_call', {Pid, [alias | Ref]}, {add, 1, 2}}.

%% A quarter each of bytes, positive and negative integers of 32 bits, and integers of 62 bits.
integers() ->
    [case I rem 4 of
         0 -> rand:uniform(256) - 1;
         1 -> rand:uniform(1 bsl 31) - 1;
         2 -> -rand:uniform(1 bsl 31);
         3 -> rand:uniform(1 bsl 62)
     end || I <- lists:seq(1, 100000)].

tuples() ->
    [{lists:nth(1 + I rem 5, [ok, error, timeout, user_created, closed]), rand:bytes(20), rand:uniform() * 1.0e6}
     || I <- lists:seq(1, 10000)].

json() ->
    #{<<"users">> => [user(I) || I <- lists:seq(1, 2600)], <<"next">> => null, <<"count">> => 2600}.

user(I) ->
    #{<<"id">> => I, <<"name">> => name(), <<"email">> => <<(name())/binary, "@example.org">>,
      <<"active">> => I rem 3 =/= 0, <<"score">> => rand:uniform() * 100,
      <<"tags">> => [name() || _ <- lists:seq(1, I rem 5)],
      <<"address">> => #{<<"street">> => name(), <<"zip">> => 10000 + rand:uniform(89999),
                         <<"geo">> => [rand:uniform() * 90, rand:uniform() * 180]},
      <<"balance">> => rand:uniform(1 bsl 40), <<"parent">> => null}.

name() -> << <<(96 + rand:uniform(26))>> || _ <- lists:seq(1, 6 + rand:uniform(14)) >>.
