%% The client of bench/dist: drives a node with a process `bench`, and prints a line CLIENT,SERVER,TEST,RATE,P50,P99 for
%% each test; RATE in operations a second, the percentiles of one call in microseconds.
%%
%%   client_beam:main([NODE, CLIENT, SERVER, SECONDS, TEST...])
-module(client_beam).
-export([main/1]).

main([Node0, Client, Server, Seconds | Tests]) ->
    Node = list_to_atom(Node0),
    Ms = round(list_to_float(Seconds ++ case lists:member($., Seconds) of true -> ""; false -> ".0" end) * 1000),
    connect(Node, 100),
    To = {bench, Node},
    3 = gen_server:call(To, {add, 1, 2}),
    [io:format("~s,~s,~s,~s~n", [Client, Server, Test, run(Test, To, Ms)]) || Test <- Tests],
    halt(0).

connect(_, 0) -> io:format(standard_error, "no connection~n", []), halt(1);
connect(Node, Tries) ->
    case net_kernel:connect_node(Node) of
        true -> ok;
        _ -> timer:sleep(100), connect(Node, Tries - 1)
    end.

run("call_" ++ Callers, To, Ms) -> calls(To, {add, 1, 2}, list_to_integer(Callers), Ms);
run("echo_64k", To, Ms) -> calls(To, {echo, rand:bytes(65536)}, 1, Ms);
run("send_1", To, Ms) -> sends(To, {msg, 1, ok}, 1, 20000, Ms);
run("send_64", To, Ms) -> sends(To, {msg, 1, ok}, 64, 1000, Ms);
run("bin_64k", To, Ms) -> sends(To, {bin, rand:bytes(65536)}, 1, 400, Ms);
run("bin_16m", To, Ms) -> sends(To, {bin, rand:bytes(16 bsl 20)}, 1, 4, Ms).

calls(To, Request, Callers, Ms) ->
    call_for(To, Request, Callers, Ms div 4), % warms up
    {Count, Us, Latencies} = call_for(To, Request, Callers, Ms),
    Sorted = lists:sort(Latencies),
    P = fun(Q) -> lists:nth(max(1, round(length(Sorted) * Q)), Sorted) / 1000 end,
    io_lib:format("~.1f,~.1f,~.1f", [Count * 1.0e6 / Us, P(0.5), P(0.99)]).

call_for(To, Request, Callers, Ms) ->
    Start = erlang:monotonic_time(),
    End = Start + erlang:convert_time_unit(Ms, millisecond, native),
    Watched = [spawn_monitor(fun() -> exit({did, caller(To, Request, End, 0, [])}) end) || _ <- lists:seq(1, Callers)],
    Results = [receive {'DOWN', M, _, _, {did, R}} -> R; {'DOWN', M, _, _, E} -> error({call, E}) end || {_, M} <- Watched],
    Us = erlang:convert_time_unit(erlang:monotonic_time() - Start, native, microsecond),
    {lists:sum([C || {C, _} <- Results]), Us, lists:append([L || {_, L} <- Results])}.

caller(To, Request, End, Count, Latencies) ->
    Start = erlang:monotonic_time(),
    case Start > End of
        true -> {Count, Latencies};
        false ->
            gen_server:call(To, Request, 30000),
            Sampled = case Count band 7 of % every eighth
                0 -> [erlang:convert_time_unit(erlang:monotonic_time() - Start, native, nanosecond) | Latencies];
                _ -> Latencies
            end,
            caller(To, Request, End, Count + 1, Sampled)
    end.

sends(To, Message, Senders, Batch, Ms) ->
    sync(To),
    Start = erlang:monotonic_time(),
    End = Start + erlang:convert_time_unit(Ms, millisecond, native),
    Watched = [spawn_monitor(fun() -> sender(To, Message, Batch, End) end) || _ <- lists:seq(1, Senders)],
    [receive {'DOWN', M, _, _, normal} -> ok; {'DOWN', M, _, _, E} -> error({send, E}) end || {_, M} <- Watched],
    Count = sync(To),
    Us = erlang:convert_time_unit(erlang:monotonic_time() - Start, native, microsecond),
    io_lib:format("~.1f,,", [Count * 1.0e6 / Us]).

sender(To, Message, Batch, End) ->
    burst(To, Message, Batch),
    case erlang:monotonic_time() > End of
        true -> ok;
        false -> sender(To, Message, Batch, End)
    end.

burst(_, _, 0) -> ok;
burst(To, Message, Left) -> To ! Message, burst(To, Message, Left - 1).

sync(To) ->
    Ref = make_ref(),
    To ! {sync, self(), Ref},
    receive {Ref, Count, _Bytes} -> Count after 120000 -> error(sync_timeout) end.
