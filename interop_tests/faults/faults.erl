%% What networks, machines and neighbours do to connections that are up, with a C++ node at one end and a BEAM at the
%% other: what a process is told then, what is never delivered, and that nothing stays behind.
%%
%% ERLPP_LONG: a thousand cuts in place of three hundred.
-module(faults).
-export([checks/0]).
-import(interop, [check/2, eventually/1, eventually/2, puppet/1, puppet/2, do/2, mailbox/1, mail/2, port_of/1, resident/1, scaled/2]).
-import(tcp_proxy, [start_node/2, stop_node/1, set/3, break/2, passed/2]).

-define(MB, (1024 * 1024)).

checks() ->
    interop:also("bad_input/raw_peer"),
    interop:also("puppets/beam_puppet"),
    interop:distribute(),
    [check(Name, Fun) || {Name, Fun} <- all()].

all() ->
    [{"bytes that come one by one, and late", fun dribble/0},
     {"a reset in the middle of a frame: watchers of both sides are told, the node goes on", fun() -> lost(rst) end},
     {"an end in the middle of a frame: watchers of both sides are told, the node goes on", fun() -> lost(fin) end},
     {"a direction that falls silent is noticed within the tick time, whichever it is", fun silence/0},
     {"messages cut to C++ are never delivered in part, and leave nothing behind", fun cut_to_cpp/0},
     {"messages cut from C++ are never delivered in part, and leave nothing behind", fun cut_from_cpp/0},
     {"C++ senders stop for a reader that is stuck, and go on in order", fun stuck_reader/0},
     {"Erlang senders stop for a C++ node that is stuck, and nosuspend says so", fun stuck_cpp/0},
     {"a late answer of 8 MB to an alias that is closed meanwhile is dropped", fun late_fragments/0},
     {"a C++ sender that dies in the middle of 64 MB", fun cpp_sender_dies/0},
     {"an Erlang sender that dies in the middle of 64 MB", fun erlang_sender_dies/0},
     {"20 nodes connect to each other at once", fun crowd/0},
     {"an EPMD that is killed and started again knows the node again", fun epmd_restarts/0},
     {"no EPMD at the start, and later none any more", fun no_epmd/0},
     {"all file descriptors taken: who is connected is served, others are later", fun no_descriptors/0}].

settles(Node, Before, Megabytes) ->
    eventually(fun() -> resident(Node) - Before =< Megabytes * 1024 orelse {grew_by_kb, resident(Node) - Before} end).

%% Binaries that tell where they are wrong.
bytes(Size) -> binary:part(binary:copy(<<"0123456789abcdefghijklmnopqrstuvwxyz">>, Size div 36 + 1), 0, Size).

dribble() ->
    Node = #{node := N, proxy := Proxy} = start_node(dribbled, [visible]),
    [begin
         set(Proxy, to_cpp, How),
         set(Proxy, from_cpp, How),
         pong = net_adm:ping(N),
         Bytes = bytes(Size),
         [{I, Bytes} = gen_server:call({echo, N}, {echo, {I, Bytes}}, 30000) || I <- lists:seq(1, 3)],
         P = puppet(Node),
         ok = do(P, {send, self(), {sent, Bytes}}),
         receive {sent, Bytes} -> ok end,
         true = erlang:monitor_node(N, true),
         true = erlang:disconnect_node(N),
         receive {nodedown, N} -> ok end
     end || {How, Size} <- [{bytes, 10}, {bytes, 3000}, {bytes, 9000}, {{delay, 20}, 10}, {{delay, 20}, 200000}]],
    set(Proxy, to_cpp, pass),
    set(Proxy, from_cpp, pass),
    stop_node(Node).

%% A watcher on each side, of every kind. Returns what tells whether both have been told.
watch(#{node := N} = Node) ->
    process_flag(trap_exit, true),
    P = puppet(Node, trap),
    Here = node(),
    Other = spawn_link(fun() -> receive stop -> ok end end),
    ok = do(P, {link, Other}),
    ByPid = do(P, {monitor, Other}),
    true = do(P, {monitor_node, Here}),
    Plain = puppet(Node),
    link(Plain),
    Ref = monitor(process, Plain),
    ByName = monitor(process, {echo, N}),
    true = erlang:monitor_node(N, true),
    true = erlang:monitor_node(N, true),
    fun() ->
        receive {'EXIT', Plain, noconnection} -> ok end,
        receive {'DOWN', Ref, process, Plain, noconnection} -> ok end,
        receive {'DOWN', ByName, process, {echo, N}, noconnection} -> ok end,
        receive {nodedown, N} -> ok end,
        receive {nodedown, N} -> ok end,
        receive {'EXIT', Other, noconnection} -> ok end,
        Expected = lists:sort([{'EXIT', Other, noconnection}, {'DOWN', ByPid, process, Other, noconnection}, {nodedown, Here}]),
        Expected = lists:sort(mail(P, 3)),
        [] = mailbox(P),
        receive M -> error({too_much, M}) after 0 -> ok end
    end.

lost(How) ->
    Node = #{node := N, proxy := Proxy} = start_node(lost, [hidden]),
    Third = interop:start(third, [hidden]),
    Q = puppet(Third),
    {ok, {_, N}} = do(Q, {call, {echo, N}, whoami, 5000}),
    [begin
         pong = net_adm:ping(N),
         Told = watch(Node),
         P = puppet(Node),
         synchronise(N),
         set(Proxy, Direction, {then, After, How}),
         case Direction of
             to_cpp -> {sink, N} ! {put, partial, bytes(?MB)};
             from_cpp -> P ! {do, self(), make_ref(), {flood, self(), bytes(?MB), 1}}
         end,
         Start = erlang:monotonic_time(millisecond),
         Told(),
         Took = erlang:monotonic_time(millisecond) - Start,
         Took < 5000 orelse error({told_after_ms, Took}),
         {ok, {_, N}} = do(Q, {call, {echo, N}, whoami, 5000}),
         [] = gen_server:call({sink, N}, {take, partial})
     end || Direction <- [to_cpp, from_cpp], After <- [1, 3, 4, 40, 500, 66000, 500000]],
    interop:stop(Third),
    stop_node(Node).

%% All that has been sent to the node has come there: not even the ends of calls are on their way.
synchronise(N) ->
    Ref = make_ref(),
    {echo, N} ! {self(), Ref, here},
    receive {Ref, here} -> ok end.

%% Three nodes at the same time. A direction that is stalled has no ticks either, and no end of the connection.
silence() ->
    change_initiated = net_kernel:set_net_ticktime(4, 0),
    timer:sleep(100),
    Nodes = [{D, start_node(Name, [hidden, {tick, 4}])}
             || {Name, D} <- [{deaf, [to_cpp]}, {mute, [from_cpp]}, {away, [to_cpp, from_cpp]}]],
    Self = self(),
    Watchers = [spawn_link(fun() ->
        pong = net_adm:ping(N),
        Told = watch(Node),
        Self ! {self(), ready},
        receive go -> ok end,
        %% Who hears nothing gives up; the other side sees that at once, unless it hears nothing either.
        [set(Proxy, D, stall) || D <- Ds],
        Start = erlang:monotonic_time(millisecond),
        true = erlang:monitor_node(N, true),
        receive {nodedown, N} -> ok end,
        Took = erlang:monotonic_time(millisecond) - Start,
        timer:sleep(max(0, 6500 - Took)),
        [set(Proxy, D, pass) || D <- Ds],
        break(Proxy, fin),
        Told(),
        pong = net_adm:ping(N),
        Self ! {self(), Ds, Took}
    end) || {Ds, #{node := N, proxy := Proxy} = Node} <- Nodes],
    [receive {W, ready} -> ok end || W <- Watchers],
    [W ! go || W <- Watchers],
    Times = [receive {W, Ds, Took} -> {Ds, Took} end || W <- Watchers],
    io:format("    given up after ~0p~n", [Times]),
    [true = Took >= 2900 andalso Took =< 6300 || {_, Took} <- Times],
    change_initiated = net_kernel:set_net_ticktime(60, 0),
    [stop_node(Node) || {_, Node} <- Nodes].

%% Where a message of Size is cut, in round I: in its header, at the borders of fragments of 64 KB, anywhere.
cut_at(I, _) when I rem 3 =:= 0 -> rand:uniform(300);
cut_at(I, Size) when I rem 3 =:= 1 -> rand:uniform(Size div 65536) * 65536 + rand:uniform(200);
cut_at(_, Size) -> rand:uniform(Size).

%% Numbers in front and one behind. What comes after the loss goes over a new connection.
cut_to_cpp() ->
    Node = #{node := N, proxy := Proxy} = start_node(cut_to_cpp, [hidden]),
    Size = ?MB,
    Bytes = bytes(Size),
    Round = fun(I) ->
        true = erlang:monitor_node(N, true),
        ok = gen_server:call({sink, N}, {put, {cut, I}, 1}),
        synchronise(N),
        set(Proxy, to_cpp, {then, cut_at(I, Size), case I rem 2 of 0 -> fin; 1 -> rst end}),
        [{sink, N} ! {put, {cut, I}, M} || M <- [2, Bytes, 3]],
        receive {nodedown, N} -> ok end,
        Got = gen_server:call({sink, N}, {take, {cut, I}}, 20000),
        lists:member(Got, [[1], [1, 2], [1, 3], [1, 2, 3]]) orelse error({got, [length(Got) | [M || M <- Got, is_integer(M)]]})
    end,
    rounds(Node, Round),
    stop_node(Node).

cut_from_cpp() ->
    Node = #{node := N, proxy := Proxy} = start_node(cut_from_cpp, [hidden]),
    Size = ?MB,
    Bytes = bytes(Size),
    Round = fun(I) ->
        P = puppet(Node),
        true = erlang:monitor_node(N, true),
        synchronise(N),
        set(Proxy, from_cpp, {then, cut_at(I, Size), case I rem 2 of 0 -> fin; 1 -> rst end}),
        P ! {do, self(), make_ref(), {flood, self(), Bytes, 3}},
        receive {nodedown, N} -> ok end,
        ok = do(P, {exit, normal}),
        %% One is cut, the others come behind it.
        Got = all_messages(),
        [error({got, size_of(M)}) || M <- Got, not whole(M, Bytes)],
        length([M || {B, _} = M <- Got, is_binary(B)]) =< 2 orelse error(the_cut_one_came)
    end,
    rounds(Node, Round),
    stop_node(Node).

whole({Tag, I}, Bytes) when is_integer(I) -> Tag =:= Bytes;
whole({Ref, ok}, _) -> is_reference(Ref).

all_messages() -> receive M -> [M | all_messages()] after 0 -> [] end.

rounds(Node, Round) ->
    [Round(I) || I <- lists:seq(1, 12)],
    Before = resident(Node),
    [Round(I) || I <- lists:seq(13, scaled(300, 1000))],
    %% Kept, this would be half a MB of each round.
    settles(Node, Before, 60),
    io:format("    ~b KB more in the end~n", [resident(Node) - Before]).

stuck_reader() ->
    Node = #{node := N, proxy := Proxy} = start_node(patient, [hidden]),
    pong = net_adm:ping(N),
    P = puppet(Node),
    %% Nothing of this can be shared: each message is encoded anew.
    Tag = lists:seq(1001, 21000),
    Count = 600,
    Before = resident(Node),
    set(Proxy, from_cpp, stall),
    Done = make_ref(),
    P ! {do, self(), Done, {flood, self(), Tag, Count}},
    %% It stops after what the network holds; to a reader that is not stuck all of it takes less than this.
    timer:sleep(2000),
    Grew = resident(Node) - Before,
    io:format("    grew by ~b KB of ~b KB\n", [Grew, Count * 100]),
    true = Grew < 16 * 1024 orelse error({grew_by_kb, Grew}),
    set(Proxy, from_cpp, pass),
    [receive {Tag, I} -> ok; {Tag, Other} -> error({expected, I, got, Other}) end || I <- lists:seq(1, Count)],
    receive {Done, ok} -> ok end,
    stop_node(Node).

stuck_cpp() ->
    Node = #{node := N} = interop:start(stuck, [hidden]),
    pong = net_adm:ping(N),
    Bytes = bytes(65536),
    interop:signal(Node, "STOP"),
    Accepted = accepted(N, Bytes, 0),
    io:format("    ~b MB were accepted~n", [Accepted div 16]),
    true = Accepted < 40 * 16,
    Sent = counters:new(1, []),
    {Pid, Ref} = spawn_monitor(fun() -> send_on(N, Bytes, Sent, Accepted + 1) end),
    eventually(fun() -> process_info(Pid, status) =:= {status, suspended} end),
    Pid ! stop,
    interop:signal(Node, "CONT"),
    receive {'DOWN', Ref, process, Pid, Why} -> normal = Why end,
    %% Other processes' messages may be behind this call.
    All = Accepted + counters:get(Sent, 1),
    eventually(fun() -> length(remember(gen_server:call({sink, N}, {take, stuck}, 20000))) =:= All end),
    Numbers = lists:seq(1, All),
    Numbers = [I || {I, B} <- erase(taken), B =:= Bytes],
    interop:stop(Node).

%% Until it is told to stop, which it hears when it is no longer suspended.
send_on(N, Bytes, Sent, I) ->
    {sink, N} ! {put, stuck, {I, Bytes}},
    counters:add(Sent, 1, 1),
    receive stop -> ok after 0 -> send_on(N, Bytes, Sent, I + 1) end.

remember(New) ->
    All = case get(taken) of undefined -> New; Old -> Old ++ New end,
    put(taken, All),
    All.

%% How many messages go out before one is refused.
accepted(N, Bytes, Count) ->
    Count < 100 * 16 orelse error(nothing_stops_it),
    case erlang:send({sink, N}, {put, stuck, {Count + 1, Bytes}}, [nosuspend]) of
        ok -> accepted(N, Bytes, Count + 1);
        nosuspend -> Count
    end.

late_fragments() ->
    Node = #{node := N, proxy := Proxy} = start_node(late, [hidden]),
    pong = net_adm:ping(N),
    P = puppet(Node),
    Bytes = bytes(8 * ?MB),
    register(late_server, self()),
    Here = node(),
    Round = fun(_) ->
        Ref = make_ref(),
        P ! {do, self(), Ref, {call, {late_server, Here}, question, 300}},
        From = receive {'$gen_call', F, question} -> F end,
        set(Proxy, to_cpp, {then, 1500000, stall}),
        %% Who sends as much is stopped.
        Answering = spawn_link(fun() -> gen_server:reply(From, Bytes) end),
        receive {Ref, {exit, {timeout, _}}} -> ok end,
        set(Proxy, to_cpp, pass),
        eventually(fun() -> not is_process_alive(Answering) end),
        [] = mailbox(P)
    end,
    [Round(I) || I <- [1, 2, 3]],
    Before = resident(Node),
    [Round(I) || I <- lists:seq(1, scaled(6, 100))],
    settles(Node, Before, 20),
    stop_node(Node).

cpp_sender_dies() ->
    Node = #{node := N, proxy := Proxy} = start_node(dies, [hidden]),
    pong = net_adm:ping(N),
    true = erlang:monitor_node(N, true),
    Bytes = bytes(64 * ?MB),
    Sizes = [begin
         P = puppet(Node),
         Ref = monitor(process, P),
         Done = make_ref(),
         Passed = passed(Proxy, from_cpp),
         set(Proxy, from_cpp, {then, 5 * ?MB, stall}),
         P ! {do, self(), Done, {flood, self(), Bytes, 1}},
         eventually(fun() -> passed(Proxy, from_cpp) >= Passed + 5 * ?MB end),
         exit(P, kill),
         set(Proxy, from_cpp, pass),
         Whole = receive {Bytes, 1} -> receive {Done, ok} -> 1 after 0 -> 1 end; {'DOWN', Ref, process, P, killed} -> 0 end,
         Whole =:= 0 orelse receive {'DOWN', Ref, process, P, killed} -> ok end,
         {1} = gen_server:call({echo, N}, {echo, {1}}),
         Whole
     end || _ <- [1, 2, 3]],
    io:format("    ~0p of them came whole~n", [Sizes]),
    quiet(N),
    settles(Node, 0, 100),
    io:format("    ~b KB in the end~n", [resident(Node)]),
    stop_node(Node).

%% Nothing came but what was looked for; above all, the connection has not been lost.
quiet(N) ->
    receive M -> error({too_much, N, size_of(M)}) after 0 -> ok end,
    true = erlang:monitor_node(N, false).

size_of({B, I}) when is_binary(B) -> {byte_size(B), I};
size_of(M) -> M.

erlang_sender_dies() ->
    Node = #{node := N, proxy := Proxy} = start_node(hears_dying, [hidden]),
    pong = net_adm:ping(N),
    true = erlang:monitor_node(N, true),
    Bytes = bytes(64 * ?MB),
    Take = fun() ->
        Whole = gen_server:call({sink, N}, {take, dying}, 20000),
        [true = W =:= Bytes || W <- Whole],
        length(Whole)
    end,
    Came = [begin
         Passed = passed(Proxy, to_cpp),
         set(Proxy, to_cpp, {then, 5 * ?MB, stall}),
         {Pid, Ref} = spawn_monitor(fun() -> {sink, N} ! {put, dying, Bytes}, receive never -> ok end end),
         eventually(fun() -> passed(Proxy, to_cpp) >= Passed + 5 * ?MB end),
         exit(Pid, kill),
         receive {'DOWN', Ref, process, Pid, killed} -> ok end,
         set(Proxy, to_cpp, pass),
         {1} = gen_server:call({echo, N}, {echo, {1}}, 20000),
         %% Of an earlier round, too: nothing orders them and this call.
         Take()
     end || _ <- lists:seq(1, 5)],
    io:format("    ~0p of them came whole~n", [Came]),
    quiet(N),
    %% Without those that come later still.
    eventually(fun() -> Take(), resident(Node) =< 160 * 1024 orelse {grew_by_kb, resident(Node)} end),
    io:format("    ~b KB in the end~n", [resident(Node)]),
    stop_node(Node).

%% Everybody sends something to everybody, which connects them: each gets one of each, and is connected to all.
crowd() ->
    Ours = [interop:start(crowded(I), [hidden]) || I <- lists:seq(11, 28) -- [19]],
    Beams = [interop:peer(crowded(I), ["-hidden"]) || I <- [10, 19, 30]],
    [begin interop:teach(Beam, beam_puppet), ok = peer:call(C, beam_puppet, start, []) end || #{peer := C} = Beam <- Beams],
    All = [{N, puppet(Node)} || #{node := N} = Node <- Ours ++ Beams],
    Start = erlang:monotonic_time(millisecond),
    Each = [fun() -> [Pid ! {do, self(), make_ref(), {send, To, {from, N}}} || {_, To} <- All] end || {N, Pid} <- All],
    Due = lists:sort([{from, N} || {N, _} <- All]),
    interop:together(Each),
    [begin
         Got = lists:sort(mail(Pid, length(Due))),
         Got =:= Due orelse error({N, missing, Due -- Got, too_much, Got -- Due})
     end || {N, Pid} <- All],
    io:format("    all had heard all others after ~b ms~n", [erlang:monotonic_time(millisecond) - Start]),
    [[] = [O || {O, _} <- All, O =/= N] -- (do(Pid, nodes) ++ do(Pid, nodes_hidden)) || {N, Pid} <- All],
    [peer:stop(C) || #{peer := C} <- Beams],
    [interop:stop(Node) || Node <- Ours],
    ok.

crowded(I) -> list_to_atom("crowded" ++ integer_to_list(I)).

%% EPMDs of our own, at a port that nobody uses.

free_port() ->
    {ok, Socket} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}]),
    {ok, Port} = inet:port(Socket),
    ok = gen_tcp:close(Socket),
    Port.

start_epmd(At) ->
    Port = open_port({spawn_executable, os:find_executable("epmd")}, [{args, ["-port", integer_to_list(At)]}, stderr_to_stdout]),
    eventually(fun() -> is_list(names(At)) end),
    Port.

kill_epmd(Port) ->
    {os_pid, Os} = erlang:port_info(Port, os_pid),
    os:cmd("kill -KILL " ++ integer_to_list(Os)),
    try port_close(Port) of true -> ok catch error:badarg -> ok end.

%% The names that the EPMD there knows, sorted.
names(At) ->
    case gen_tcp:connect({127, 0, 0, 1}, At, [binary, {active, false}]) of
        {ok, Socket} ->
            ok = gen_tcp:send(Socket, <<1:16, 110>>),
            Text = everything(Socket),
            gen_tcp:close(Socket),
            case re:run(Text, "name (\\S+) at port", [global, {capture, all_but_first, list}]) of
                {match, Names} -> lists:sort(lists:append(Names));
                nomatch -> []
            end;
        {error, Why} ->
            Why
    end.

everything(Socket) ->
    case gen_tcp:recv(Socket, 0, 5000) of
        {ok, Bytes} -> [Bytes | everything(Socket)];
        {error, closed} -> []
    end.

%% Makes this node known to the EPMD there.
register_here(At) -> raw_peer:register_name(raw_peer:own_name(), raw_peer:own_port(), At).

epmd_restarts() ->
    At = free_port(),
    First = start_epmd(At),
    Registered = register_here(At),
    Node = #{node := N} = interop:start(faithful, [hidden, {env, "ERL_EPMD_PORT=" ++ integer_to_list(At)}, {first, cpp}]),
    ["client", "faithful"] = names(At),
    true = erlang:monitor_node(N, true),
    Who = gen_server:call({echo, N}, whoami),
    kill_epmd(First),
    eventually(fun() -> names(At) =:= econnrefused end),
    Who = gen_server:call({echo, N}, whoami),
    Second = start_epmd(At),
    Start = erlang:monotonic_time(millisecond),
    eventually(fun() -> names(At) =:= ["faithful"] orelse names(At) end, 15000),
    io:format("    known again after ~b ms~n", [erlang:monotonic_time(millisecond) - Start]),
    %% Its pids are what they were, and who asks this EPMD finds the port where it listens.
    Who = gen_server:call({echo, N}, whoami),
    Other = interop:start(asks, [hidden, {env, "ERL_EPMD_PORT=" ++ integer_to_list(At)}, {connect, N}]),
    true = interop:said(Other, "CONNECTED " ++ atom_to_list(N)),
    true = erlang:monitor_node(N, false),
    receive {nodedown, N} -> error(nodedown) after 0 -> ok end,
    interop:stop(Other),
    interop:stop(Node),
    eventually(fun() -> names(At) =:= [] orelse names(At) end),
    gen_tcp:close(Registered),
    kill_epmd(Second).

%% The first node brings one along, and the last one as well, when the first one is dead.
no_epmd() ->
    At = free_port(),
    Env = {env, "ERL_EPMD_PORT=" ++ integer_to_list(At)},
    First = interop:start(first, [hidden, Env]),
    Second = #{node := N} = interop:start(second, [hidden, Env, {connect, 'first@127.0.0.1'}]),
    ["first", "second"] = names(At),
    interop:kill(First),
    eventually(fun() -> names(At) =:= econnrefused end),
    Third = interop:start(third, [hidden, Env]),
    Start = erlang:monotonic_time(millisecond),
    eventually(fun() -> names(At) =:= ["second", "third"] orelse names(At) end, 15000),
    io:format("    known again after ~b ms~n", [erlang:monotonic_time(millisecond) - Start]),
    Fourth = interop:start(fourth, [hidden, Env, {connect, N}]),
    true = interop:said(Fourth, "CONNECTED " ++ atom_to_list(N)),
    [interop:stop(Node) || Node <- [Fourth, Second, Third]],
    ok.

no_descriptors() ->
    Node = #{node := N, os := Os} = interop:start(poor, [hidden, {env, "prlimit --nofile=64"}]),
    Port = port_of(Node),
    pong = net_adm:ping(N),
    true = erlang:monitor_node(N, true),
    %% No more than 16 of an address, for 7 s.
    Crowd = [connect_from({127, 0, 0, 20 + K}, Port) || K <- lists:seq(1, 8), _ <- lists:seq(1, 15)],
    eventually(fun() -> length(element(2, file:list_dir("/proc/" ++ Os ++ "/fd"))) >= 62 end, 5000),
    [I = gen_server:call({echo, N}, {echo, I}) || I <- lists:seq(1, 200)],
    false = admitted(Port, 1000),
    [gen_tcp:close(S) || S <- Crowd],
    eventually(fun() -> admitted(Port, 5000) end),
    [I = gen_server:call({echo, N}, {echo, I}) || I <- lists:seq(1, 200)],
    true = erlang:monitor_node(N, false),
    receive {nodedown, N} -> error(nodedown) after 0 -> ok end,
    interop:stop(Node).

connect_from(Address, Port) ->
    {ok, Socket} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {ip, Address}]),
    Socket.

%% Does the node answer a stranger who gives a name?
admitted(Port, Time) ->
    Socket = connect_from({127, 0, 0, 40}, Port),
    Name = <<"stranger@127.0.0.1">>,
    _ = gen_tcp:send(Socket, <<(13 + byte_size(Name) + 2):16, $N, (raw_peer:flags()):64, 4:32, (byte_size(Name)):16, Name/binary>>),
    Answer = gen_tcp:recv(Socket, 0, Time),
    gen_tcp:close(Socket),
    case Answer of
        {ok, <<_:16, "sok", _/binary>>} -> true;
        {error, _} -> false
    end.
