%% Dynamic names: Erlang nodes that ours names, and ours that an Erlang node names.
-module(names).
-export([checks/0, tell/2]).
-import(interop, [check/2, eventually/1, start/2, start_failing/2, stop/1]).

checks() ->
    interop:distribute(),
    [begin
         Node = start(namer, [Kind]),
         check([atom_to_list(Kind), ": names Erlang nodes, which work fully"], fun() -> named(Node) end),
         check([atom_to_list(Kind), ": names a node anew after its connection has gone"], fun() -> renamed(Node) end),
         check([atom_to_list(Kind), ": names of several nodes differ, and are given again"], fun() -> several(Node) end),
         stop(Node)
     end || Kind <- [hidden, visible]],
    check("a C++ node is named by an Erlang node, and works fully", fun by_erlang/0),
    check("a C++ node's name goes with the connection that brought it", fun name_lost/0),
    check("a C++ node that finds nobody to name it does not start", fun nobody/0),
    check("a C++ node is named by a C++ node", fun by_cpp/0).

%% An Erlang node without a name.
nameless() ->
    {ok, Peer, _} = peer:start(#{connection => standard_io, wait_boot => 30000,
        args => ["-name", "undefined@127.0.0.1", "-start_epmd", "false", "-kernel", "logger_level", "critical"]}),
    P = #{peer => Peer},
    ok = interop:teach(P, ?MODULE),
    'nonode@nohost' = call(P, erlang, node, []),
    P.

call(#{peer := Peer}, M, F, A) -> peer:call(Peer, M, F, A).

%% Runs there: a process that others can find.
tell(To, What) ->
    register(teller, self()),
    To ! {What, self()},
    receive {reply, R} -> R end.

connect(#{node := N}, P) ->
    true = call(P, net_kernel, connect_node, [N]),
    Name = call(P, erlang, node, []),
    true = is_a_name(Name),
    true = lists:member(N, call(P, erlang, nodes, [hidden])),
    Name.

is_a_name(Name) -> match =:= re:run(atom_to_list(Name), "^[0-9A-Z]+@127\\.0\\.0\\.1$", [{capture, none}]).

named(#{node := N} = Node) ->
    P = nameless(),
    Name = connect(Node, P),
    3 = call(P, gen_server, call, [{bench, N}, {add, 1, 2}]),
    %% And from C++: to a process there, which has the creation that came with the name.
    Pid = call(P, erlang, spawn, [?MODULE, tell, [{echo, N}, hello]]),
    Name = call(P, erlang, node, [Pid]),
    Puppet = call(P, gen_server, call, [{spawner, N}, {spawn, trap}]),
    {ok, Name} = interop:do(Puppet, {call, {rex, Name}, {call, erlang, node, [], Pid}, 5000}),
    ok = interop:do(Puppet, {link, Pid}),
    eventually(fun() -> {links, [Puppet]} =:= call(P, erlang, process_info, [Pid, links]) end),
    true = call(P, erlang, exit, [Pid, bye]),
    eventually(fun() -> [{'EXIT', Pid, bye}] =:= interop:mailbox(Puppet) end),
    true = lists:member(Name, names_at(Node)),
    peer:stop(maps:get(peer, P)),
    eventually(fun() -> not lists:member(Name, names_at(Node)) end).

names_at(Node) -> interop:do(puppet_of(Node), nodes_hidden).

puppet_of(Node) ->
    case get(puppet) of
        undefined -> P = interop:puppet(Node), put(puppet, P), P;
        P -> P
    end.

renamed(#{node := N} = Node) ->
    P = nameless(),
    First = connect(Node, P),
    Creation = call(P, erlang, system_info, [creation]),
    true = call(P, erlang, disconnect_node, [N]),
    eventually(fun() -> call(P, erlang, node, []) =:= 'nonode@nohost' end),
    eventually(fun() -> not lists:member(First, names_at(Node)) end),
    Second = connect(Node, P),
    First = Second, % it was free
    true = Creation =/= call(P, erlang, system_info, [creation]),
    3 = call(P, gen_server, call, [{bench, N}, {add, 1, 2}]),
    peer:stop(maps:get(peer, P)).

several(Node) ->
    eventually(fun() -> names_at(Node) -- [node()] =:= [] end),
    Peers = [nameless() || _ <- lists:seq(1, 3)],
    Names = [connect(Node, P) || P <- Peers],
    3 = length(lists:usort(Names)),
    [peer:stop(maps:get(peer, P)) || P <- Peers],
    eventually(fun() -> names_at(Node) -- [node()] =:= [] end),
    P = nameless(),
    true = lists:member(connect(Node, P), Names),
    peer:stop(maps:get(peer, P)).

%% Ours: what it is called stands in its READY line.
undefined_node(By) ->
    Node = start(undefined, [hidden, {named_by, By}]),
    {match, [Name]} = re:run(interop:log(Node), "READY (\\S+) port 0", [{capture, all_but_first, list}]),
    Node#{node := list_to_atom(Name)}.

by_erlang() ->
    Node = #{node := N} = undefined_node(node()),
    true = is_a_name(N),
    true = lists:member(N, nodes(hidden)),
    3 = gen_server:call({bench, N}, {add, 1, 2}),
    P = interop:puppet(Node),
    N = node(P),
    Self = self(),
    Ref = interop:do(P, {monitor, Self}),
    true = is_reference(Ref),
    ok = interop:do(P, {send, Self, {hello, P}}),
    receive {hello, P} -> ok end,
    %% It connects to others by its name.
    Other = interop:peer(other),
    true = interop:do(P, {connect, maps:get(node, Other)}),
    true = lists:member(N, call(Other, erlang, nodes, [hidden])),
    3 = call(Other, gen_server, call, [{bench, N}, {add, 1, 2}]),
    peer:stop(maps:get(peer, Other)),
    stop(Node).

name_lost() ->
    Other = interop:peer(other),
    interop:teach(Other, interop),
    Full = maps:get(node, Other),
    Node = #{node := N} = undefined_node(Full),
    %% Through the other one, since nobody can connect to it.
    P = call(Other, gen_server, call, [{spawner, N}, {spawn, plain}]),
    true = call(Other, interop, do, [P, {connect, node()}]),
    true = lists:member(N, nodes(hidden)),
    monitor_node(N, true),
    peer:stop(maps:get(peer, Other)),
    receive {nodedown, N} -> ok end,
    eventually(fun() -> interop:said(Node, "name has gone") end),
    false = lists:member(N, nodes(hidden)),
    stop(Node).

nobody() ->
    Node = start_failing(undefined, [hidden, {named_by, 'nobody@127.0.0.1'}]),
    1 = interop:status(Node),
    Without = start_failing(undefined, [hidden]),
    true = interop:said(Without, "named_by").

by_cpp() ->
    Namer = #{node := By} = start(namer, [hidden]),
    Node = #{node := N} = undefined_node(By),
    true = is_a_name(N),
    true = lists:member(N, names_at(Namer)),
    stop(Node),
    eventually(fun() -> not lists:member(N, names_at(Namer)) end),
    stop(Namer).
