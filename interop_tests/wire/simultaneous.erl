%% Both sides connect at once, again and again (ERLPP_LONG: a thousand times): there is one connection in the end, over
%% which what was sent meanwhile goes, once and in order.
%%
%% With a detour, the C++ node's side of the handshake is held up on its way for a moment that varies, so that this node's
%% own attempt arrives in the middle of it. Where the C++ node's name is the smaller, messages of some rounds are lost: the
%% BEAM has let the C++ node's attempt in beside the connection that it has, the round ends that connection, and what the
%% BEAM then sends belongs to the attempt, which the C++ node has just given up, not knowing of the end. OTP's own nodes
%% do the same. Nothing comes twice or out of order, and no round is held up.
-module(simultaneous).
-export([checks/0]).
-import(interop, [check/3, puppet/1, do/2, scaled/2]).

-define(EACH, 5).

%% Of two that cross, the connection of the greater name stands: once it is ours, once the BEAM's.
checks() ->
    interop:also("bad_input/raw_peer"),
    interop:distribute(),
    [check(io_lib:format("~s, the name of the C++ node being the ~s", [Kind, Which]), scaled(60000, 600000),
           fun() -> rounds(Name, Kind, By) end)
     || Kind <- [hidden, visible],
        {Name, Which, By} <- [{aaa, "smaller", straight}, {zzz, "greater", straight}, {yyy, "greater, with a detour", detour},
                              {aab, "smaller, with a detour", detour}]].

rounds(Name, Kind, straight) ->
    Node = interop:start(Name, [Kind]),
    none = rounds(Node),
    interop:stop(Node);
rounds(Name, Kind, detour) ->
    {Held, Detour} = detour(),
    Node = interop:start(Name, [Kind, {env, "ERL_EPMD_PORT=" ++ integer_to_list(Detour)}]),
    Registered = raw_peer:register_name(atom_to_binary(Name), interop:port_of(Node), list_to_integer(os:getenv("ERL_EPMD_PORT"))),
    Lost = rounds(Node),
    true = Name =:= aab orelse Lost =:= none,
    [Seen, Gave] = [counters:get(Held, K) || K <- [1, 2]],
    io:format("    ~b attempts of C++, of which ~b were not told ok~n", [Seen, Gave]),
    true = Gave >= 1,
    interop:stop(Node),
    ok = gen_tcp:close(Registered).

rounds(#{node := N} = Node) ->
    Rounds = scaled(50, 1000),
    register(collector, self()),
    P = puppet(Node),
    ok = do(P, {bounce, collector, node(), Rounds}),
    ok = net_kernel:monitor_nodes(true, [{node_type, all}]),
    Ups = lists:sum([round(N, I) || I <- lists:seq(1, Rounds)]),
    ok = net_kernel:monitor_nodes(false, [{node_type, all}]),
    %% As often as it was lost.
    Rounds = Ups,
    Expected = [{I, K} || I <- lists:seq(1, Rounds), K <- lists:seq(1, ?EACH)],
    Taken = gen_server:call({sink, N}, {take, both}, 60000),
    Lost = lists:usort([I || {I, _} <- Expected -- Taken]),
    %% Never a part of what a round sent.
    Taken = [M || {I, _} = M <- Expected, not lists:member(I, Lost)],
    length(Lost) =< Rounds div 10 orelse error({lost, Lost}),
    1 = length([X || X <- nodes(connected), X =:= N]),
    unregister(collector),
    case Lost of
        [] -> none;
        _ -> {lost, Lost}
    end.

%% The puppet's process sends as soon as it has lost the connection, and this one does after a moment that varies. Returns
%% how often there was a connection.
round(N, I) ->
    true = erlang:disconnect_node(N),
    receive {nodedown, N, _} -> ok end,
    interop:busy_wait(rand:uniform(1000)),
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

%% An EPMD that sends the C++ node round by us. Also counters: attempts, and those that were told something else than ok.
detour() ->
    Port = raw_peer:own_port(),
    {ok, Listening} = gen_tcp:listen(0, [binary, {active, false}, {packet, 2}, {nodelay, true}, {ip, {127, 0, 0, 1}}]),
    {ok, By} = inet:port(Listening),
    Held = counters:new(2, []),
    raw_peer:owner(fun erlang:spawn_link/1, Listening, fun() -> accept(Listening, Port, Held) end),
    {Held, raw_peer:epmd_that_finds(By)}.

accept(Listening, Port, Held) ->
    {ok, Cpp} = gen_tcp:accept(Listening),
    raw_peer:owner(fun erlang:spawn/1, Cpp, fun() -> hold(Cpp, Port, Held) end),
    accept(Listening, Port, Held).

hold(Cpp, Port, Held) ->
    {ok, Name} = gen_tcp:recv(Cpp, 0),
    counters:add(Held, 1, 1),
    interop:busy_wait(rand:uniform(1000)),
    %% Not one that has been given up meanwhile.
    case gen_tcp:recv(Cpp, 0, 0) of
        {error, timeout} -> pass_on(Cpp, Port, Held, Name);
        {error, _} -> gen_tcp:close(Cpp)
    end.

pass_on(Cpp, Port, Held, Name) ->
    {ok, Erlang} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {packet, 2}, {nodelay, true}]),
    ok = gen_tcp:send(Erlang, Name),
    case gen_tcp:recv(Erlang, 0) of
        {ok, Status} ->
            Status =:= <<"sok">> orelse counters:add(Held, 2, 1),
            %% If the attempt has been given up, the other side has to hear of it at once.
            Active = [gen_tcp:send(Cpp, Status) | [inet:setopts(S, [{packet, raw}, {active, true}]) || S <- [Cpp, Erlang]]],
            Active =:= [ok, ok, ok] andalso relay(Cpp, Erlang);
        {error, closed} ->
            counters:add(Held, 2, 1)
    end,
    gen_tcp:close(Cpp),
    gen_tcp:close(Erlang).

relay(Cpp, Erlang) ->
    receive
        {tcp, Cpp, Bytes} -> gen_tcp:send(Erlang, Bytes), relay(Cpp, Erlang);
        {tcp, Erlang, Bytes} -> gen_tcp:send(Cpp, Bytes), relay(Cpp, Erlang);
        {tcp_closed, _} -> ok;
        {tcp_error, _, _} -> ok
    end.
