%% A C++ node as the machine's only EPMD: Erlang nodes start with it, find each other by it, and live through its end.
-module(embedded).
-export([checks/0]).
-import(interop, [check/2, eventually/1]).

checks() ->
    First = interop:start(first, [hidden]),
    check("an Erlang node registers with it and is found", fun() -> found(First) end),
    check("names are listed, and go when their nodes go", fun() -> names() end),
    check("a name that is taken is refused", fun() -> taken() end),
    Second = interop:start(second, [visible]),
    check("another C++ node registers with it and is found", fun() -> second(Second) end),
    check("when it dies nothing is lost, and all register with the next one", fun() -> next(First, Second) end).

found(#{node := N}) ->
    interop:distribute(),
    pong = net_adm:ping(N),
    #{peer := Control} = interop:peer(finder),
    pong = peer:call(Control, net_adm, ping, [node()]),
    pong = peer:call(Control, net_adm, ping, [N]),
    peer:stop(Control).

names() ->
    eventually(fun() -> names_known() =:= ["client", "first"] end),
    #{peer := Control} = interop:peer(another),
    ["another", "client", "first"] = names_known(),
    peer:stop(Control),
    eventually(fun() -> names_known() =:= ["client", "first"] end).

names_known() ->
    case net_adm:names({127, 0, 0, 1}) of
        {ok, Names} -> lists:sort([Name || {Name, _} <- Names]);
        {error, Why} -> {error, Why}
    end.

taken() ->
    Node = interop:start_failing(first, []),
    true = interop:status(Node) > 0,
    true = interop:said(Node, "first").

second(#{node := N}) ->
    pong = net_adm:ping(N),
    P = interop:puppet(#{node => N}),
    {ok, 1} = interop:do(P, {call, {echo, 'first@127.0.0.1'}, {echo, 1}, 5000}).

next(First, #{node := S}) ->
    P = interop:puppet(#{node => S}),
    interop:kill(First),
    ok = interop:do(P, {send, self(), still_here}),
    receive still_here -> ok end,
    {error, _} = names_known(),
    Third = interop:start(third, [hidden]),
    eventually(fun() -> names_known() =:= ["client", "second", "third"] end),
    #{peer := Control} = interop:peer(late),
    pong = peer:call(Control, net_adm, ping, [S]),
    pong = peer:call(Control, net_adm, ping, [node()]),
    %% The pids of nodes that have registered again are still good.
    true = P =:= interop:do(P, self),
    peer:stop(Control),
    pong = net_adm:ping(maps:get(node, Third)).
