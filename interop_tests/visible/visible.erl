%% Visible C++ nodes among Erlang nodes: global, pg and rex work as if all were Erlang nodes.
-module(visible).
-export([checks/0]).
-export([watch/0, seen/0, log/2, hold/2, hold/3, take_lock/1, prefer_less/3, holder/0]).
-import(interop, [check/3, eventually/2]).

-define(WITHIN, 20000).

checks() ->
    %% What may differ from run to run: who is connected to whom first, and whose name is the greatest.
    Seed = case os:getenv("ERLPP_SEED") of false -> erlang:unique_integer([positive]) + erlang:system_time(); Text -> list_to_integer(Text) end,
    io:format("ERLPP_SEED=~b~n", [Seed]),
    [check([Name, case Prevent of true -> ""; false -> ", overlapping partitions allowed" end], 100000, fun() -> rand:seed(exsss, Seed), Fun(Prevent) end)
     || Prevent <- [true, false], {Name, Fun} <- all()].

all() ->
    [{"names are known everywhere, for as long as they are registered", fun names/1},
     {"nodes are killed, and the others stay together", fun killed/1},
     {"two groups meet by a C++ node, and one of two processes with a name stays", fun groups_meet/1},
     {"a connection between two Erlang nodes is lost", fun lost_link/1},
     {"pg, rex and locks", fun others/1}].

%% A cluster: Erlang nodes under `erlang`, C++ nodes under `cpp`. Their names have a random order.

cluster(Prevent, Erlang, Cpp) ->
    Letters = shuffle([integer_to_list(I) || I <- lists:seq(1, Erlang + Cpp)]),
    Unique = integer_to_list(erlang:unique_integer([positive])),
    Names = [list_to_atom("n" ++ L ++ "_" ++ Unique) || L <- Letters],
    {ErlangNames, CppNames} = lists:split(Erlang, Names),
    Peers = pmap(fun(Name) -> start_peer(Name, Prevent) end, ErlangNames),
    #{erlang => Peers, cpp => [start_cpp(Name, Prevent, []) || Name <- CppNames], prevent => Prevent}.

start_peer(Name, Prevent) ->
    Peer = interop:peer(Name, ["-kernel", "prevent_overlapping_partitions", atom_to_list(Prevent)]),
    [interop:teach(Peer, Module) || Module <- [?MODULE, interop]],
    ok = at(Peer, ?MODULE, watch, []),
    Peer.

start_cpp(Name, Prevent, Options) -> interop:start(Name, [overlapping || not Prevent] ++ Options).

at(#{peer := Peer}, M, F, A) -> peer:call(Peer, M, F, A, ?WITHIN).

pmap(Fun, List) ->
    Self = self(),
    Refs = [begin Ref = make_ref(), spawn_link(fun() -> Self ! {Ref, Fun(E)} end), Ref end || E <- List],
    [receive {Ref, Result} -> Result end || Ref <- Refs].

shuffle(List) -> [E || {_, E} <- lists:sort([{rand:uniform(), E} || E <- List])].

node_of(#{node := Node}) -> Node.

%% Connects all, in a random order and from some nodes at once, and waits until they have met.
connect(#{erlang := Peers, cpp := Cpp} = Cluster) ->
    Pairs = shuffle([{P, N} || P <- Peers, N <- Peers ++ Cpp, P =/= N]),
    pmap(fun({P, N}) -> timer:sleep(rand:uniform(20)), at(P, net_kernel, connect_node, [node_of(N)]) end, Pairs),
    meet(Cluster).

meet(#{erlang := Peers} = Cluster) ->
    Start = erlang:monotonic_time(millisecond),
    [ok = R || R <- pmap(fun(P) -> at(P, global, sync, []) end, Peers)],
    io:format("  all in sync after ~b ms~n", [erlang:monotonic_time(millisecond) - Start]),
    together(Cluster).

%% Every node is connected to every other one.
together(#{erlang := Peers, cpp := Cpp}) ->
    All = [node_of(N) || N <- Peers ++ Cpp],
    [eventually(fun() -> Found = lists:sort(at(P, erlang, nodes, [])), Found =:= lists:sort(All -- [node_of(P)]) orelse {node_of(P), Found} end, ?WITHIN) || P <- Peers],
    ok.

%% Everybody knows the name of this process. The C++ nodes are asked by one of the Erlang nodes.
known(#{erlang := [First | _] = Peers, cpp := Cpp}, Name, Pid) ->
    [eventually(fun() -> at(P, global, whereis_name, [Name]) =:= Pid end, ?WITHIN) || P <- Peers],
    [begin
         P = at(First, interop, puppet, [N]),
         eventually(fun() -> Found = at(First, interop, do, [P, {global_whereis, Name}]), Found =:= Pid orelse {node_of(N), Name, Found, expected, Pid} end, ?WITHIN)
     end || N <- Cpp],
    ok.

%% Ends the cluster; none of its nodes may have complained, or lost others than these.
finish(#{erlang := Peers, cpp := Cpp}, Lost) ->
    [begin
         #{errors := Errors, lost := Down} = at(P, ?MODULE, seen, []),
         {_, []} = {node_of(P), Errors},
         [] = lists:usort(Down) -- Lost
     end || P <- Peers],
    [peer:stop(Control) || #{peer := Control} <- Peers],
    [interop:stop(N) || N <- Cpp],
    ok.

%% What happens on an Erlang node.

watch() ->
    Self = self(),
    Pid = spawn(fun() -> register(visible_watch, self()), ok = net_kernel:monitor_nodes(true), Self ! watching, watch([], []) end),
    receive watching -> ok end,
    logger:set_primary_config(level, warning),
    logger:remove_handler(default),
    ok = logger:add_handler(visible, ?MODULE, #{config => Pid}).

watch(Errors, Lost) ->
    receive
        {nodedown, Node} -> watch(Errors, [Node | Lost]);
        {nodeup, _} -> watch(Errors, Lost);
        {log, Event} -> watch([Event | Errors], Lost);
        {seen, From} -> From ! {seen, #{errors => Errors, lost => Lost}}, watch(Errors, Lost)
    end.

seen() ->
    visible_watch ! {seen, self()},
    receive {seen, What} -> What end.

%% Warnings of global are that a node was asked to go, which is right, or that it got what it does not understand.
log(#{level := warning, msg := Message} = Event, #{config := Pid}) ->
    Text = lists:flatten(io_lib:format("~0tp", [Message])),
    string:find(Text, "unexpected") =:= nomatch orelse (Pid ! {log, Event});
log(Event, #{config := Pid}) -> Pid ! {log, Event}.

%% A process that has a global name.
holder() -> spawn(fun() -> receive stop -> ok end end).
hold(Function, Name) -> Pid = holder(), yes = global:Function(Name, Pid), Pid.
hold(Function, Name, Method) -> Pid = holder(), yes = global:Function(Name, Pid, Method), Pid.

%% A method of global: the pid of the node whose name is less stays, and nobody is killed.
prefer_less(_, A, B) -> case node(A) < node(B) of true -> A; false -> B end.

%% Holds a lock on all nodes until it is told to stop.
take_lock(Id) ->
    Self = self(),
    Pid = spawn(fun() -> true = global:set_lock({Id, self()}), Self ! locked, receive stop -> true = global:del_lock({Id, self()}), Self ! unlocked end end),
    receive locked -> Pid end.

%% The checks.

names(Prevent) ->
    Cluster = #{erlang := [A, B, C], cpp := [X, Y]} = cluster(Prevent, 3, 2),
    %% One is registered before anybody has met.
    Early = at(A, ?MODULE, hold, [register_name, early]),
    connect(Cluster),
    known(Cluster, early, Early),
    Late = at(B, ?MODULE, hold, [register_name, {late, "name", <<"of any type">>}]),
    known(Cluster, {late, "name", <<"of any type">>}, Late),
    no = at(C, global, register_name, [early, Late]),
    %% A process of a C++ node.
    Cpp = at(B, gen_server, call, [{sink, node_of(X)}, pid]),
    yes = at(B, global, register_name, [cpp, Cpp]),
    known(Cluster, cpp, Cpp),
    ok = at(C, global, unregister_name, [cpp]),
    known(Cluster, cpp, undefined),
    %% Another process gets the name.
    Second = at(C, ?MODULE, hold, [re_register_name, early]),
    known(Cluster, early, Second),
    at(C, erlang, exit, [Second, kill]),
    known(Cluster, early, undefined),
    %% A C++ node that comes later, and knows one only.
    Zed = start_cpp(list_to_atom("z_" ++ integer_to_list(erlang:unique_integer([positive]))), Prevent, [{connect, node_of(hd(shuffle([A, B, C, X, Y])))}]),
    Larger = Cluster#{cpp := [X, Y, Zed]},
    together(Larger),
    meet(Larger),
    known(Larger, {late, "name", <<"of any type">>}, Late),
    Many = [{I, at(P, ?MODULE, hold, [register_name, {many, I}])} || {I, P} <- lists:zip(lists:seq(1, 30), lists:flatten(lists:duplicate(10, [A, B, C])))],
    [known(Larger, {many, I}, Pid) || {I, Pid} <- Many],
    finish(Larger, []).

killed(Prevent) ->
    Cluster = #{erlang := [A, B, C], cpp := [X, Y]} = cluster(Prevent, 3, 2),
    connect(Cluster),
    OnC = at(C, ?MODULE, hold, [register_name, on_c]),
    known(Cluster, on_c, OnC),
    Cpp = at(B, gen_server, call, [{sink, node_of(X)}, pid]),
    yes = at(B, global, register_name, [cpp, Cpp]),
    known(Cluster, cpp, Cpp),
    Locking = at(A, ?MODULE, take_lock, [resource]),
    %% A C++ node goes while others hold locks and have registered one of its processes.
    interop:kill(X),
    Four = Cluster#{cpp := [Y]},
    together(Four),
    known(Four, cpp, undefined),
    false = at(B, global, set_lock, [{resource, self()}, [node_of(A), node_of(B), node_of(Y)], 0]),
    at(A, erlang, send, [Locking, stop]),
    eventually(fun() -> at(B, global, set_lock, [{resource, self()}, [node_of(A), node_of(B), node_of(Y)], 0]) end, ?WITHIN),
    true = at(B, global, del_lock, [{resource, self()}]),
    Free = at(B, ?MODULE, hold, [register_name, free]),
    known(Four, free, Free),
    %% An Erlang node goes that has a name and holds the lock.
    at(C, ?MODULE, take_lock, [resource]),
    interop:signal(C, "KILL"),
    Three = Four#{erlang := [A, B]},
    together(Three),
    known(Three, on_c, undefined),
    known(Three, free, Free),
    eventually(fun() -> at(B, global, set_lock, [{resource, self()}, [node_of(A), node_of(B), node_of(Y)], 0]) end, ?WITHIN),
    %% The C++ node comes back.
    Again = start_cpp(maps:get(name, X), Prevent, [{connect, node_of(A)}]),
    Back = Three#{cpp := [Again, Y]},
    together(Back),
    meet(Back),
    known(Back, free, Free),
    finish(Back, [node_of(X), node_of(C)]).

%% A with X, and B with Y; then B connects to X.
groups_meet(Prevent) ->
    Cluster = #{erlang := [A, B], cpp := [X, Y]} = cluster(Prevent, 2, 2),
    Left = Cluster#{erlang := [A], cpp := [X]},
    Right = Cluster#{erlang := [B], cpp := [Y]},
    [connect(Group) || Group <- [Left, Right]],
    OnA = at(A, ?MODULE, hold, [register_name, one]),
    OnB = at(B, ?MODULE, hold, [register_name, one]),
    MethodOnA = at(A, ?MODULE, hold, [register_name, two, fun ?MODULE:prefer_less/3]),
    MethodOnB = at(B, ?MODULE, hold, [register_name, two, fun ?MODULE:prefer_less/3]),
    OnlyA = at(A, ?MODULE, hold, [register_name, only_a]),
    OnlyB = at(B, ?MODULE, hold, [register_name, only_b]),
    [known(Left, Name, Pid) || {Name, Pid} <- [{one, OnA}, {two, MethodOnA}, {only_a, OnlyA}, {only_b, undefined}]],
    [known(Right, Name, Pid) || {Name, Pid} <- [{one, OnB}, {two, MethodOnB}, {only_a, undefined}, {only_b, OnlyB}]],
    true = at(B, net_kernel, connect_node, [node_of(X)]),
    meet(Cluster),
    together(Cluster),
    {Stays, Goes, Home} = case node_of(A) < node_of(B) of true -> {OnA, OnB, B}; false -> {OnB, OnA, A} end,
    known(Cluster, one, Stays),
    eventually(fun() -> not at(Home, erlang, is_process_alive, [Goes]) end, ?WITHIN),
    known(Cluster, two, case node_of(A) < node_of(B) of true -> MethodOnA; false -> MethodOnB end),
    known(Cluster, only_a, OnlyA),
    known(Cluster, only_b, OnlyB),
    finish(Cluster, []).

%% Then either nobody sees both of two nodes that do not see each other, or nothing else happens at all.
lost_link(Prevent) ->
    Cluster = #{erlang := [A, B, _C] = Peers, cpp := Cpp} = cluster(Prevent, 3, 2),
    connect(Cluster),
    All = [node_of(N) || N <- Peers ++ Cpp],
    true = at(A, erlang, disconnect_node, [node_of(B)]),
    case Prevent of
        true ->
            eventually(fun() ->
                Seen = [{node_of(P), lists:sort([node_of(P) | at(P, erlang, nodes, [])])} || P <- Peers],
                [] =:= [P || {P, Group} <- Seen, {Q, Other} <- Seen, lists:member(Q, Group), Group =/= Other] andalso
                    not lists:member(node_of(B), proplists:get_value(node_of(A), Seen))
            end, ?WITHIN),
            connect(Cluster),
            finish(Cluster, All);
        false ->
            [eventually(fun() -> lists:sort(at(P, erlang, nodes, [])) =:= lists:sort(All -- [node_of(P), Other]) end, ?WITHIN)
             || {P, Other} <- [{A, node_of(B)}, {B, node_of(A)}]],
            true = at(A, net_kernel, connect_node, [node_of(B)]),
            meet(Cluster),
            finish(Cluster, [node_of(A), node_of(B)])
    end.

others(Prevent) ->
    Cluster = #{erlang := [A, B], cpp := [X, Y]} = cluster(Prevent, 2, 2),
    {ok, _} = at(A, pg, start, [pg]),
    connect(Cluster),
    {ok, _} = at(B, pg, start, [pg]),
    Member = at(A, ?MODULE, holder, []),
    ok = at(A, pg, join, [group, Member]),
    eventually(fun() -> at(B, pg, get_members, [group]) =:= [Member] end, ?WITHIN),
    %% The C++ nodes are scopes like others.
    Scope = at(A, erlang, whereis, [pg]),
    eventually(fun() ->
        {monitored_by, Pids} = at(A, erlang, process_info, [Scope, monitored_by]),
        lists:sort([node_of(N) || N <- [B, X, Y]]) =:= lists:usort([node(P) || P <- Pids])
    end, ?WITHIN),
    ok = at(A, pg, leave, [group, Member]),
    eventually(fun() -> at(B, pg, get_members, [group]) =:= [] end, ?WITHIN),
    [begin
         Node = node_of(N),
         {badrpc, {'EXIT', {undef, _}}} = at(A, rpc, call, [Node, lists, reverse, [[1]]]),
         {badrpc, {'EXIT', {undef, [{lists, reverse, [[1]], []}]}}} = at(A, gen_server, call, [{rex, Node}, {call, lists, reverse, [[1]], user}]),
         {badrpc, {'EXIT', {undef, _}}} = at(A, rpc, block_call, [Node, lists, reverse, [[1]]]),
         {[Node], []} = at(A, rpc, sbcast, [[Node], echo, hello]),
         {[], [Node]} = at(A, rpc, sbcast, [[Node], nobody, hello]),
         8 = at(A, gen_server, call, [{global_name_server, Node}, get_protocol_version]),
         Known = at(A, gen_server, call, [{global_name_server, Node}, get_known]),
         true = lists:keymember(node_of(A), 1, Known)
     end || N <- [X, Y]],
    %% Locks on some nodes only.
    Nodes = [node_of(X), node_of(Y)],
    Self = self(),
    One = at(A, ?MODULE, take_lock, [elsewhere]),
    false = at(B, global, set_lock, [{elsewhere, Self}, Nodes, 0]),
    at(A, erlang, exit, [One, kill]),
    eventually(fun() -> at(B, global, set_lock, [{elsewhere, Self}, Nodes, 0]) end, ?WITHIN),
    finish(Cluster, []).
