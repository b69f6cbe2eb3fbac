%% Silence: idle connections stay up, and silent peers are given up. Everything here has a tick time of 4 s, but for a node
%% that is held, which lives by the ticks that peers with a shorter time need.
-module(ticks).
-export([checks/0]).
-import(interop, [check/2, puppet/1, do/2, mailbox/1]).

checks() ->
    interop:distribute(),
    %% Before any connection is made.
    change_initiated = net_kernel:set_net_ticktime(4, 0),
    timer:sleep(100),
    4 = net_kernel:get_net_ticktime(),
    Hidden = interop:start(hidden, [hidden, {tick, 4}]),
    Visible = interop:start(visible, [visible, {tick, 4}, {first, cpp}]),
    Stopped = interop:start(stopped, [hidden, {tick, 4}]),
    Peer = interop:peer(quiet_peer, ["-kernel", "net_ticktime", "4"]),
    check("idle connections stay up for 12 s", fun() -> idle([Hidden, Visible], Stopped, Peer) end),
    check("a stopped C++ node is given up in 3 to 6 s, and so is a stopped Erlang node",
          fun() -> stopped(Hidden, Stopped, Peer) end),
    check("a C++ node whose only scheduler is held for 9 s is not given up, and holds nobody for silent", fun held/0),
    interop:signal(Stopped, "CONT"),
    interop:signal(Peer, "KILL").

idle(Nodes, #{node := S}, #{node := P, peer := Control}) ->
    [begin
         pong = net_adm:ping(N),
         pong = peer:call(Control, net_adm, ping, [N]),
         true = erlang:monitor_node(N, true)
     end || #{node := N} <- Nodes],
    pong = net_adm:ping(S),
    %% A C++ node with itself as the only one that talks to another.
    [#{node := A}, Second] = Nodes,
    pong = net_adm:ping(A),
    Puppet = puppet(Second),
    ok = do(Puppet, {send, {nobody, A}, hello}),
    [true = do(Puppet, {monitor_node, N}) || N <- [node(), P, A]],
    receive {nodedown, Lost} -> error({lost, Lost}) after 12000 -> ok end,
    [] = mailbox(Puppet),
    [pong = net_adm:ping(N) || #{node := N} <- Nodes].

stopped(Hidden, #{node := S} = Stopped, #{node := P} = Peer) ->
    pong = net_adm:ping(S),
    Puppet = puppet(Hidden),
    true = do(Puppet, {monitor_node, P}),
    ok = do(Puppet, {send, {nobody, P}, hello}),
    true = erlang:monitor_node(S, true),
    timer:sleep(200),
    Start = erlang:monotonic_time(millisecond),
    interop:signal(Stopped, "STOP"),
    interop:signal(Peer, "STOP"),
    Downs = wait(Puppet, P, S, Start, #{}),
    io:format("    given up after ~0p ms~n", [Downs]),
    [true = T >= 2900 andalso T =< 6000 || {_, T} <- maps:to_list(Downs)].

held() ->
    #{node := N} = Held = interop:start(held, [hidden, {tick, 60}, {schedulers, 1}]),
    Puppet = puppet(Held),
    true = erlang:monitor_node(N, true),
    Done = make_ref(),
    Puppet ! {do, self(), Done, {hold, 9000}},
    receive
        {nodedown, N} -> error({lost, N});
        {Done, ok} -> ok
    after 20000 -> error(held_too_long)
    end,
    pong = net_adm:ping(N),
    receive {nodedown, N} -> error({lost, N}) after 0 -> ok end.

%% When each of the two is given up, in ms.
wait(Puppet, P, S, Start, Found) when map_size(Found) < 2 ->
    Now = erlang:monotonic_time(millisecond) - Start,
    Now < 10000 orelse error({not_given_up, Found}),
    More = case mailbox(Puppet) of [] -> Found; [{nodedown, P}] -> Found#{erlang => Now} end,
    receive
        {nodedown, S} -> wait(Puppet, P, S, Start, More#{cpp => Now})
    after 50 -> wait(Puppet, P, S, Start, More)
    end;
wait(_, _, _, _, Found) -> Found.
