%% Connections that are lost, or come back.
-module(connections).
-export([checks/0]).
-import(interop, [check/2, eventually/1, failure/1, puppet/1, puppet/2, do/2, mailbox/1, mail/2]).

checks() ->
    interop:distribute(),
    [check(Name, Fun) || {Name, Fun} <- all()].

all() ->
    [{"a killed C++ node is noticed by all who watch it", fun cpp_killed/0},
     {"a killed Erlang node is noticed by all who watch it", fun erlang_killed/0},
     {"after a disconnection the same processes are there again", fun disconnect/0},
     {"nobody is there where there is no node", fun no_node/0},
     {"a C++ node that ends in order stops its children in reverse order", fun orderly_end/0},
     {"a node that was started with SIGTERM blocked ends in order", fun blocked_signals/0},
     {"two C++ nodes and two Erlang nodes are all connected", fun mesh/0},
     {"a node whose name is taken does not start, and says why", fun name_taken/0},
     {"100 connections and disconnections leave a node as it was", fun reconnects/0}].

cpp_killed() ->
    process_flag(trap_exit, true),
    Node = #{node := N} = interop:start(mortal, [hidden]),
    P = puppet(Node),
    Q = puppet(Node),
    link(Q),
    ByPid = monitor(process, P),
    ByName = monitor(process, {echo, N}),
    true = erlang:monitor_node(N, true),
    true = erlang:monitor_node(N, true),
    Request = gen_server:send_request({echo, N}, {delay, 60000, never}),
    {_, Call} = spawn_monitor(fun() -> exit(failure(fun() -> gen_server:call({echo, N}, {delay, 60000, x}, infinity) end)) end),
    1 = gen_server:call({echo, N}, {echo, 1}),
    timer:sleep(20),
    Start = erlang:monotonic_time(millisecond),
    interop:signal(Node, "KILL"),
    receive {'EXIT', Q, noconnection} -> ok end,
    receive {'DOWN', ByPid, process, P, noconnection} -> ok end,
    receive {'DOWN', ByName, process, {echo, N}, noconnection} -> ok end,
    receive {nodedown, N} -> ok end,
    receive {nodedown, N} -> ok end,
    receive {'DOWN', Call, process, _, {nodedown, N}} -> ok end,
    {error, {noconnection, _}} = gen_server:receive_response(Request, 5000),
    true = erlang:monotonic_time(millisecond) - Start < 3000,
    eventually(fun() -> not interop:alive(Node) end),

    %% The same name in a new life: old pids are nobody's.
    Again = interop:start(mortal, [hidden]),
    1 = gen_server:call({echo, N}, {echo, 1}),
    Stale = monitor(process, P),
    receive {'DOWN', Stale, process, P, noproc} -> ok end,
    link(P),
    receive {'EXIT', P, noproc} -> ok end,
    P ! {do, self(), make_ref(), self},
    exit(P, bye),
    unlink(P),
    noproc = failure(fun() -> gen_server:call(P, x) end),
    true = puppet(Again) =/= P,
    interop:stop(Again).

erlang_killed() ->
    Node = #{node := N} = interop:start(watcher, [visible]),
    Peer = #{node := Other, peer := Control} = interop:peer(mortal_peer),
    pong = peer:call(Control, net_adm, ping, [N]),
    Start = fun(Name) -> peer:call(Control, erlang, apply, [fun start_idle/1, [Name]]) end,
    interop:teach(Peer, ?MODULE),
    A = Start(a),
    B = Start(b),
    Trapping = puppet(Node, trap),
    ok = do(Trapping, {link, A}),
    ByPid = do(Trapping, {monitor, A}),
    ByName = do(Trapping, {monitor, {b, Other}}),
    true = do(Trapping, {monitor_node, Other}),
    true = do(Trapping, {monitor_node, Other}),
    Plain = puppet(Node),
    ok = do(Plain, {link, B}),
    PlainRef = monitor(process, Plain),
    Calling = puppet(Node),
    Calling ! {do, self(), make_ref(), {call, A, never, 60000}},
    timer:sleep(50),
    interop:signal(Peer, "KILL"),
    receive {'DOWN', PlainRef, process, Plain, noconnection} -> ok end,
    receive {_, {exit, {{nodedown, Other}, _}}} -> ok end,
    Mail = mail(Trapping, 5),
    [{'DOWN', ByPid, process, A, noconnection}] = [M || {'DOWN', R, _, _, _} = M <- Mail, R =:= ByPid],
    [{'DOWN', ByName, process, {b, Other}, noconnection}] = [M || {'DOWN', R, _, _, _} = M <- Mail, R =:= ByName],
    [{'EXIT', A, noconnection}] = [M || {'EXIT', _, _} = M <- Mail],
    [{nodedown, Other}, {nodedown, Other}] = [M || {nodedown, _} = M <- Mail],
    5 = length(Mail),

    %% The same name in a new life.
    #{node := Other, peer := Again} = interop:peer(mortal_peer),
    pong = peer:call(Again, net_adm, ping, [N]),
    Stale = do(Trapping, {monitor, A}),
    [{'DOWN', Stale, process, A, noproc}] = mail(Trapping, 1),
    ok = do(Trapping, {link, A}),
    [{'EXIT', A, noproc}] = mail(Trapping, 1),
    ok = do(Trapping, {send, A, hello}),
    ok = do(Trapping, {exit2, A, bye}),
    ok = do(Trapping, {unlink, A}),
    {exit, {noproc, _}} = do(Trapping, {call, A, x, 5000}),
    pong = peer:call(Again, net_adm, ping, [N]),
    peer:stop(Again),
    interop:stop(Node).

start_idle(Name) ->
    Pid = spawn(fun() -> receive stop -> ok end end),
    register(Name, Pid),
    Pid.

disconnect() ->
    Node = #{node := N} = interop:start(steadfast, [hidden]),
    P = puppet(Node, trap),
    Here = node(),
    ok = do(P, {link, self()}),
    process_flag(trap_exit, true),
    true = do(P, {monitor_node, Here}),
    M = do(P, {monitor, self()}),
    true = erlang:disconnect_node(N),
    receive {'EXIT', P, noconnection} -> ok end,
    Self = self(),
    %% This connects again.
    [{nodedown, Here}, {'EXIT', Self, noconnection}, {'DOWN', M, process, Self, noconnection}] = lists:sort(mail(P, 3)),
    ok = do(P, {send, self(), still_here}),
    receive still_here -> ok end,
    interop:stop(Node).

no_node() ->
    Node = #{node := N} = interop:start(lonely, [hidden]),
    P = puppet(Node),
    Nobody = 'nobody@127.0.0.1',
    M = do(P, {monitor, {echo, Nobody}}),
    [{'DOWN', M, process, {echo, Nobody}, noconnection}] = mail(P, 1),
    {exit, {{nodedown, Nobody}, _}} = do(P, {call, {echo, Nobody}, x, 5000}),
    ok = do(P, {send, {echo, Nobody}, x}),
    true = do(P, {monitor_node, Nobody}),
    [{nodedown, Nobody}] = mail(P, 1),
    eventually(fun() -> interop:said(Node, "nobody@127.0.0.1") end),
    %% Names that are none, and hosts that nobody knows.
    {exit, {{nodedown, 'not a name'}, _}} = do(P, {call, {echo, 'not a name'}, x, 5000}),
    {exit, {{nodedown, 'x@no.such.host.invalid'}, _}} = do(P, {call, {echo, 'x@no.such.host.invalid'}, x, 20000}),
    pong = net_adm:ping(N),
    interop:stop(Node).

orderly_end() ->
    Trace = filename:join(os:getenv("INTEROP"), "trace"),
    Node = #{node := N} = interop:start(ordered, [visible, {env, "DEMO_TRACE=" ++ Trace}]),
    Monitors = [monitor(process, {Name, N}) || Name <- [steady, crasher, echo]],
    1 = gen_server:call({echo, N}, {echo, 1}),
    interop:stop(Node),
    [receive {'DOWN', M, process, _, Why} -> shutdown = Why end || M <- Monitors],
    {ok, <<"steady shutdown\ncrasher shutdown\n">>} = file:read_file(Trace).

blocked_signals() ->
    interop:stop(interop:start(blocked, [{env, "--block-signal=TERM"}])).

mesh() ->
    A = #{node := NA} = interop:start(mesh_a, [visible]),
    B = #{node := NB} = interop:start(mesh_b, [hidden]),
    #{node := Other, peer := Control} = interop:peer(mesh_peer),
    P = puppet(A),
    Q = puppet(B),
    %% From one C++ node to the other, and a pid of the one sent over an Erlang node to the other.
    {ok, {_, NB}} = do(P, {call, {echo, NB}, whoami, 5000}),
    ok = do(P, {send, Q, {from, P}}),
    [{from, P}] = mailbox(Q),
    {{_, NA}, {_, NB}} = {peer:call(Control, gen_server, call, [{echo, NA}, whoami]),
                          peer:call(Control, gen_server, call, [{echo, NB}, whoami])},
    {ok, Other} = do(Q, {call, {proxy_here(Control), Other}, node, 5000}),
    Ref = do(P, {monitor, Q}),
    interop:kill(B),
    [{'DOWN', Ref, process, Q, noconnection}] = mail(P, 1),
    peer:stop(Control),
    pong = net_adm:ping(NA),
    interop:stop(A).

%% The name of a gen_server on the peer that tells its node.
proxy_here(Control) ->
    interop:teach(#{peer => Control}, ?MODULE),
    peer:call(Control, erlang, apply, [fun() ->
        register(proxy, spawn(fun Loop() ->
            receive {'$gen_call', From, node} -> gen_server:reply(From, node()), Loop() end
        end))
    end, []]),
    proxy.

name_taken() ->
    Node = #{node := N} = interop:start(unique, [hidden]),
    Second = interop:start_failing(unique, [hidden]),
    true = interop:status(Second) =/= 0,
    true = interop:said(Second, "unique"),
    pong = net_adm:ping(N),
    interop:stop(Node),
    interop:stop(interop:start(unique, [hidden])).

reconnects() ->
    Node = #{node := N} = interop:start(patient, [visible]),
    [begin
         I = gen_server:call({echo, N}, {echo, I}),
         true = erlang:monitor_node(N, true),
         true = erlang:disconnect_node(N),
         receive {nodedown, N} -> ok end
     end || I <- lists:seq(1, 100)],
    pong = net_adm:ping(N),
    interop:stop(Node).
