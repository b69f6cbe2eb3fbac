%% A network between a C++ node and this one that fails: partition/run says how.
-module(partition).
-export([checks/0]).
-import(interop, [check/2, eventually/1, eventually/2, puppet/1, puppet/2, do/2, mailbox/1]).

-define(HERE, 'beam@10.77.0.2').

checks() ->
    interop:distribute(?HERE),
    change_initiated = net_kernel:set_net_ticktime(4, 0),
    timer:sleep(100),
    [check(Name, Fun) || {Name, Fun} <-
        [{"frames that are lost: both sides notice within the tick time, and find each other again", fun() -> netsplit(drop) end},
         {"an interface that is down: both sides notice within the tick time, and find each other again", fun() -> netsplit(down) end},
         {"a C++ node that died while it was cut off is noticed when the network is back", fun half_open_beam/0},
         {"a C++ node notices when the network is back that its peer died meanwhile", fun half_open_cpp/0}]].

%% Something happens to the network.
network(What) ->
    Number = integer_to_list(erlang:unique_integer([positive, monotonic])),
    Folder = os:getenv("PARTITION"),
    [] = os:cmd(lists:concat(["echo ", Number, " ", What, " >", Folder, "/wanted"])),
    eventually(fun() -> filelib:is_file(filename:join(Folder, "done." ++ Number)) end).

%% In the other namespace.
start_there(Name, Options) ->
    interop:start(Name, [{host, "10.77.0.1"}, {listen, "10.77.0.1"}, {env, "ERL_EPMD_ADDRESS=10.77.0.1"},
                         {env, "nsenter --net=/run/netns/" ++ os:getenv("PARTITION_CPP")} | Options]).

now_ms() -> erlang:monotonic_time(millisecond).

netsplit(How) ->
    process_flag(trap_exit, true),
    Node = #{node := N} = start_there(How, [visible, {tick, 4}]),
    pong = net_adm:ping(N),
    P = puppet(Node, trap),
    Self = self(),
    ok = do(P, {link, Self}),
    ByPid = do(P, {monitor, Self}),
    true = do(P, {monitor_node, ?HERE}),
    Ref = monitor(process, {echo, N}),
    true = erlang:monitor_node(N, true),
    false = interop:said(Node, "lost the connection"),
    network(How),
    Start = now_ms(),
    %% The C++ node cannot be asked, but its log can be read.
    Reader = spawn_link(fun() ->
        eventually(fun() -> interop:said(Node, "lost the connection to " ++ atom_to_list(?HERE)) end, 15000),
        Self ! {self(), now_ms() - Start}
    end),
    receive {nodedown, N} -> ok after 15000 -> error(no_nodedown) end,
    Ours = now_ms() - Start,
    receive {'DOWN', Ref, process, {echo, N}, noconnection} -> ok end,
    receive {'EXIT', P, noconnection} -> ok end,
    Theirs = receive {Reader, Took} -> Took end,
    receive {'EXIT', Reader, normal} -> ok end,
    network(heal),
    Healed = now_ms(),
    eventually(fun() -> net_adm:ping(N) =:= pong end, 20000),
    io:format("    noticed after ~b ms by the BEAM and ~b ms by C++; found again after ~b ms~n", [Ours, Theirs, now_ms() - Healed]),
    [true = T >= 2900 andalso T =< 6500 || T <- [Ours, Theirs]],
    Expected = lists:sort([{'EXIT', Self, noconnection}, {'DOWN', ByPid, process, Self, noconnection}, {nodedown, ?HERE}]),
    Expected = lists:sort(mailbox(P)),
    interop:stop(Node).

%% No tick comes between: nobody would notice for a minute.
half_open_beam() ->
    change_initiated = net_kernel:set_net_ticktime(60, 0),
    Node = #{node := N} = start_there(dead, [hidden]),
    pong = net_adm:ping(N),
    true = erlang:monitor_node(N, true),
    network(drop),
    interop:kill(Node),
    receive {nodedown, N} -> error(too_early) after 500 -> ok end,
    network(heal),
    Start = now_ms(),
    {echo, N} ! hello,
    receive {nodedown, N} -> ok after 10000 -> error(not_noticed) end,
    io:format("    noticed after ~b ms~n", [now_ms() - Start]),
    %% The port mapper there does not know it any more.
    eventually(fun() -> net_adm:ping(N) =:= pang end).

%% Two C++ nodes, one here.
half_open_cpp() ->
    Here = #{node := H} = interop:start(dies_here, [hidden, {host, "10.77.0.2"}, {listen, "10.77.0.2"}]),
    Node = start_there(watches, [hidden, {connect, H}]),
    true = interop:said(Node, "CONNECTED " ++ atom_to_list(H)),
    P = puppet(Node),
    true = do(P, {monitor_node, H}),
    network(drop),
    interop:kill(Here),
    false = interop:said(Node, "lost the connection to " ++ atom_to_list(H)),
    network(heal),
    Start = now_ms(),
    ok = do(P, {send, {echo, H}, hello}),
    eventually(fun() -> mailbox(P) =:= [{nodedown, H}] end),
    io:format("    noticed after ~b ms~n", [now_ms() - Start]),
    interop:stop(Node).
