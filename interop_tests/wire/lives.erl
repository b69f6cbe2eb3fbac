%% Nodes that are killed and come back at once under the same name: nothing of the old life is mistaken for the new one.
-module(lives).
-export([checks/0, idle/1]).
-import(interop, [check/3, failure/1, puppet/1, puppet/2, do/2, mail/2, scaled/2]).

checks() ->
    interop:distribute(),
    [check([atom_to_list(Kind), Connects, ": ", Name], scaled(60000, 600000), fun() -> Fun(Kind, First) end)
     || Kind <- [hidden, visible], {First, Connects} <- [{erlang, ", Erlang connects"}, {cpp, ", C++ connects"}],
        {Name, Fun} <- [{"C++ is killed and back at once", fun cpp/2}, {"the BEAM is killed and back at once", fun beam/2}]].

%% A C++ node in so many lives, and an old pid of each.
cpp(Kind, First) ->
    process_flag(trap_exit, true),
    lists:foldl(fun(_, Old) -> [cpp_life(Kind, First, Old) | Old] end, [], lists:seq(1, scaled(5, 100))),
    ok.

cpp_life(Kind, First, Old) ->
    Node = #{node := N} = interop:start(phoenix, [Kind, {first, First}]),
    %% The first thing that this life hears is about earlier ones.
    [old_is_gone(P) || P <- Old],
    P = puppet(Node, trap),
    %% The same number in another life.
    [true = P =/= O || O <- Old],
    true = do(P, {register, phoenix_puppet}),
    Refs = [{monitor(process, P), P}, {monitor(process, {phoenix_puppet, N}), {phoenix_puppet, N}}],
    Q = puppet(Node),
    link(P),
    ok = do(Q, {link, self()}),
    true = is_pid(do(P, self)),
    interop:signal(Node, "KILL"),
    [receive {'DOWN', Ref, process, Object, noconnection} -> ok end || {Ref, Object} <- Refs],
    [receive {'EXIT', Pid, noconnection} -> ok end || Pid <- [P, Q]],
    P.

old_is_gone(P) ->
    Ref = monitor(process, P),
    receive {'DOWN', Ref, process, P, noproc} -> ok end,
    link(P),
    receive {'EXIT', P, noproc} -> ok end,
    P ! lost,
    exit(P, lost),
    true = unlink(P),
    true = demonitor(monitor(process, P), [flush]),
    noproc = failure(fun() -> gen_server:call(P, lost) end).

%% The same the other way: a puppet watches processes of a BEAM.
beam(Kind, First) ->
    Node = interop:start(watcher, [Kind]),
    P = puppet(Node, trap),
    lists:foldl(fun(_, Old) -> [beam_life(Node, P, First, Old) | Old] end, [], lists:seq(1, scaled(2, 20))),
    interop:stop(Node).

beam_life(#{node := N}, P, First, Old) ->
    Peer = #{node := Other, peer := Control} = interop:peer(phoenix_beam),
    unlink(Control),
    interop:teach(Peer, ?MODULE),
    First =:= cpp orelse (pong = peer:call(Control, net_adm, ping, [N])),
    [old_is_gone(P, Dead) || Dead <- Old],
    Pid = peer:call(Control, erlang, apply, [fun ?MODULE:idle/1, [start]]),
    [true = Pid =/= O || O <- Old],
    ByPid = do(P, {monitor, Pid}),
    ByName = do(P, {monitor, {idle, Other}}),
    ok = do(P, {link, Pid}),
    true = do(P, {monitor_node, Other}),
    {ok, Pid} = do(P, {call, {idle, Other}, self, 10000}),
    interop:signal(Peer, "KILL"),
    Expected = lists:sort([{'DOWN', ByPid, process, Pid, noconnection}, {'DOWN', ByName, process, {idle, Other}, noconnection},
                           {'EXIT', Pid, noconnection}, {nodedown, Other}]),
    Expected = lists:sort(mail(P, 4)),
    Pid.

old_is_gone(P, Dead) ->
    Ref = do(P, {monitor, Dead}),
    [{'DOWN', Ref, process, Dead, noproc}] = mail(P, 1),
    ok = do(P, {link, Dead}),
    [{'EXIT', Dead, noproc}] = mail(P, 1),
    ok = do(P, {send, Dead, lost}),
    ok = do(P, {exit2, Dead, lost}),
    ok = do(P, {unlink, Dead}),
    _ = do(P, {demonitor_flush, do(P, {monitor, Dead})}),
    {exit, {noproc, _}} = do(P, {call, Dead, lost, 10000}).

idle(start) ->
    Pid = spawn(fun() -> idle(loop) end),
    register(idle, Pid),
    Pid;
idle(loop) ->
    receive {'$gen_call', From, self} -> gen_server:reply(From, self()), idle(loop) end.
