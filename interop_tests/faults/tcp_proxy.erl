%% Stands between a C++ node and this one, whoever connects, and does what networks do: it delays bytes, hands them out one
%% by one, cuts the stream after any of them, holds up one direction, resets.
-module(tcp_proxy).
-export([start_node/2, stop_node/1, set/3, break/2, passed/2]).

%% Starts a C++ node all of whose connections with this node lead through a proxy, which is in the map as `proxy`. The
%% node knows an EPMD of its own, which sends it to the proxy; and in the real one, the name leads to the proxy.
start_node(Name, Options) ->
    Proxy = new(),
    Epmd = raw_peer:epmd_that_finds(listen(Proxy, from_cpp, to_cpp, raw_peer:own_port())),
    Node = interop:start(Name, [{env, "ERL_EPMD_PORT=" ++ integer_to_list(Epmd)} | Options]),
    ToCpp = listen(Proxy, to_cpp, from_cpp, interop:port_of(Node)),
    Registered = raw_peer:register_name(atom_to_binary(Name), ToCpp, list_to_integer(os:getenv("ERL_EPMD_PORT"))),
    Node#{proxy => Proxy, registered => Registered}.

stop_node(#{proxy := #{ways := Ways} = Proxy, registered := Registered} = Node) ->
    interop:stop(Node),
    break(Proxy, fin),
    [begin unlink(Pid), exit(Pid, kill) end || {{listener, Pid}} <- ets:tab2list(Ways)],
    ok = gen_tcp:close(Registered).

%% What happens to the bytes of a direction, to_cpp or from_cpp, from now on:
%%   pass               nothing
%%   {delay, Ms}        each read is handed on later
%%   bytes              they are handed on one by one
%%   stall              they are not read any more
%%   {then, Count, End} after so many more bytes: stall, fin (both sides see an ordinary end) or rst
set(#{ways := Ways} = Proxy, Direction, What) ->
    ets:insert(Ways, {Direction, What}),
    [Pid ! changed || {Pid, D} <- pumps(Proxy), D =:= Direction],
    ok.

%% Ends all connections there are: fin or rst.
break(Proxy, How) ->
    [Pid ! {break, How} || Pid <- connections(Proxy)],
    [interop:gone(Pid) || Pid <- connections(Proxy)],
    ok.

%% How many bytes have been handed on in a direction so far.
passed(#{passed := Passed}, Direction) -> counters:get(Passed, index(Direction)).

connections(#{ways := Ways}) -> [Pid || {{connection, Pid}} <- ets:tab2list(Ways), is_process_alive(Pid)].

pumps(#{ways := Ways}) -> [{Pid, Direction} || {{pump, Pid}, Direction} <- ets:tab2list(Ways)].

index(to_cpp) -> 1;
index(from_cpp) -> 2.

new() ->
    Ways = ets:new(ways, [public]),
    ets:insert(Ways, [{to_cpp, pass}, {from_cpp, pass}]),
    #{ways => Ways, passed => counters:new(2, [])}.

%% In: the direction towards the target.
listen(#{ways := Ways} = Proxy, In, Out, Target) ->
    {ok, Listening} = gen_tcp:listen(0, options() ++ [{ip, {127, 0, 0, 1}}, {backlog, 128}]),
    {ok, Port} = inet:port(Listening),
    Pid = raw_peer:owner(fun erlang:spawn_link/1, Listening, fun() -> accept(Proxy, Listening, In, Out, Target) end),
    ets:insert(Ways, {{listener, Pid}}),
    Port.

options() -> [binary, {active, false}, {nodelay, true}, {buffer, 65536}].

accept(Proxy, Listening, In, Out, Target) ->
    {ok, Accepted} = gen_tcp:accept(Listening),
    raw_peer:owner(fun erlang:spawn/1, Accepted, fun() -> connection(Proxy, Accepted, In, Out, Target) end),
    accept(Proxy, Listening, In, Out, Target).

%% Owns both sockets, which end with it.
connection(#{ways := Ways} = Proxy, Accepted, In, Out, Target) ->
    ets:insert(Ways, {{connection, self()}}),
    case gen_tcp:connect({127, 0, 0, 1}, Target, options()) of
        {ok, Connected} ->
            Self = self(),
            Pumps = [spawn(fun() -> Self ! {break, pump(Proxy, D, From, To)} end)
                     || {D, From, To} <- [{In, Accepted, Connected}, {Out, Connected, Accepted}]],
            [ets:insert(Ways, {{pump, Pid}, D}) || {Pid, D} <- lists:zip(Pumps, [In, Out])],
            How = receive {break, H} -> H end,
            [exit(Pid, kill) || Pid <- Pumps],
            [end_socket(S, How) || S <- [Accepted, Connected]],
            [ets:delete(Ways, {pump, Pid}) || Pid <- Pumps];
        {error, _} ->
            end_socket(Accepted, rst)
    end,
    ets:delete(Ways, {connection, self()}).

end_socket(Socket, How) ->
    How =:= rst andalso inet:setopts(Socket, [{linger, {true, 0}}]),
    gen_tcp:close(Socket).

%% Until the end of the connection, and returns how it is to end.
pump(#{ways := Ways} = Proxy, Direction, From, To) ->
    case ets:lookup_element(Ways, Direction, 2) of
        stall ->
            receive changed -> pump(Proxy, Direction, From, To) end;
        _ ->
            case gen_tcp:recv(From, 0) of
                {ok, Bytes} -> hand_on(Proxy, Direction, From, To, Bytes);
                {error, closed} -> fin;
                {error, _} -> rst
            end
    end.

hand_on(#{ways := Ways} = Proxy, Direction, From, To, Bytes) ->
    case ets:lookup_element(Ways, Direction, 2) of
        stall ->
            receive changed -> hand_on(Proxy, Direction, From, To, Bytes) end;
        pass ->
            give(Proxy, Direction, From, To, [Bytes]);
        {delay, Milliseconds} ->
            timer:sleep(Milliseconds),
            give(Proxy, Direction, From, To, [Bytes]);
        bytes ->
            give(Proxy, Direction, From, To, [<<B>> || <<B>> <= Bytes]);
        {then, Count, _} = Then when byte_size(Bytes) < Count ->
            ets:insert(Ways, {Direction, setelement(2, Then, Count - byte_size(Bytes))}),
            give(Proxy, Direction, From, To, [Bytes]);
        {then, Count, End} ->
            <<First:Count/binary, Rest/binary>> = Bytes,
            ets:insert(Ways, {Direction, case End of stall -> stall; _ -> pass end}),
            give(Proxy, Direction, To, [First]),
            case End of stall -> hand_on(Proxy, Direction, From, To, Rest); _ -> End end
    end.

give(Proxy, Direction, From, To, Parts) ->
    case give(Proxy, Direction, To, Parts) of
        ok -> pump(Proxy, Direction, From, To);
        {error, _} -> rst
    end.

give(_, _, _, []) -> ok;
give(#{passed := Passed} = Proxy, Direction, To, [Part | Rest]) ->
    case gen_tcp:send(To, Part) of
        ok -> counters:add(Passed, index(Direction), byte_size(Part)), give(Proxy, Direction, To, Rest);
        Error -> Error
    end.
