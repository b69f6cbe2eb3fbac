%% Both sides connect at once, again and again (ERLPP_LONG: a thousand times): there is one connection in the end, over
%% which everything goes that was sent meanwhile, once and in order.
-module(simultaneous).
-export([checks/0]).
-import(interop, [check/3, puppet/1, do/2, scaled/2]).

-define(EACH, 5).

%% Of two that cross, the connection of the greater name stands: once it is ours, once the BEAM's.
checks() ->
    interop:distribute(),
    [check(io_lib:format("~s, the name of the C++ node being the ~s", [Kind, Which]), scaled(60000, 600000),
           fun() -> rounds(Name, Kind) end)
     || Kind <- [hidden, visible], {Name, Which} <- [{aaa, "smaller"}, {zzz, "greater"}]].

rounds(Name, Kind) ->
    Rounds = scaled(50, 1000),
    Node = #{node := N} = interop:start(Name, [Kind]),
    register(collector, self()),
    P = puppet(Node),
    ok = do(P, {bounce, collector, node(), Rounds}),
    ok = net_kernel:monitor_nodes(true, [{node_type, all}]),
    Ups = lists:sum([round(N, I) || I <- lists:seq(1, Rounds)]),
    ok = net_kernel:monitor_nodes(false, [{node_type, all}]),
    %% As often as it was lost.
    Rounds = Ups,
    Expected = [{I, K} || I <- lists:seq(1, Rounds), K <- lists:seq(1, ?EACH)],
    true = Expected =:= gen_server:call({sink, N}, {take, both}, 60000),
    1 = length([X || X <- nodes(connected), X =:= N]),
    interop:stop(Node),
    unregister(collector).

%% The puppet's process sends as soon as it has lost the connection, and this one does after a moment that varies. Returns
%% how often there was a connection.
round(N, I) ->
    true = erlang:disconnect_node(N),
    receive {nodedown, N, _} -> ok end,
    busy_wait(rand:uniform(400)),
    [{sink, N} ! {put, both, {I, K}} || K <- lists:seq(1, ?EACH)],
    receive {bounced, I} -> ok; {bounced, Other} -> error({expected, I, got, Other})
    after 20000 -> error({no_message_in_round, I})
    end,
    %% An answer: the messages above have arrived. A second connection would have come before it.
    {echoed, I} = gen_server:call({echo, N}, {echo, {echoed, I}}, 20000),
    count_ups(N).

count_ups(N) ->
    receive
        {nodeup, N, _} -> 1 + count_ups(N);
        {nodedown, N, _} -> error(lost)
    after 0 -> 0
    end.

busy_wait(Microseconds) ->
    End = erlang:monotonic_time(microsecond) + Microseconds,
    (fun Wait() -> erlang:monotonic_time(microsecond) >= End orelse Wait() end)().
