%% The demo node, one line of its description after the other: the command line, every registered process with every
%% request, every command of a puppet, and the functions that peers may start.
-module(demo_walk).
-export([checks/0]).
-import(interop, [check/2, eventually/1, failure/1, puppet/1, puppet/2, do/2, mailbox/1, mail/2]).

checks() ->
    interop:distribute(),
    [check(Name, Fun) || {Name, Fun} <- command_line()],
    interop:check_kinds(on_a_node()).

command_line() ->
    [{"READY is said when all is there, on 127.0.0.1 only, visible with a NAME and a COOKIE", fun plain_start/0},
     {"tick=SECONDS is the time after which a silent peer is given up", fun tick/0},
     {"COOKIE is the cookie", fun cookie/0},
     {"what is no option is refused, and so is tls=DIR for now", fun refused_options/0},
     {"each end of a child is noted in DEMO_TRACE", fun trace/0},
     {"SIGTERM ends it in order, also while it is busy", fun busy_end/0}].

on_a_node() ->
    [{"all names answer an unknown call, and ignore what else is unknown", fun unknown/1},
     {"echo: calls", fun echo_calls/1},
     {"echo: t2b and b2t", fun echo_bytes/1},
     {"echo: casts and messages", fun echo_messages/1},
     {"counter", fun counter/1},
     {"sums are those of Erlang", fun sums/1},
     {"sink", fun sink/1},
     {"slow does one thing after the other", fun slow/1},
     {"bench", fun bench/1},
     {"spawner starts puppets of both kinds", fun spawner/1},
     {"demo_sup has crasher and steady, in this order", fun supervisor/1},
     {"crasher ends in every way, and is restarted", fun crasher/1},
     {"crasher and steady end with the reason of any exit signal", fun trapping_workers/1},
     {"a puppet: mailbox, self, exit", fun puppet_basics/1},
     {"a puppet: link, unlink, trap, exit2", fun puppet_links/1},
     {"a puppet: register, unregister, global_whereis", fun puppet_names/1},
     {"a puppet: monitor, demonitor, demonitor_flush", fun puppet_monitors/1},
     {"a puppet: monitor_node, nodes, nodes_hidden, connect", fun puppet_nodes/1},
     {"a puppet: alias, unalias, send", fun puppet_sends/1},
     {"a puppet: call", fun puppet_calls/1},
     {"a puppet: what is not there yet says so", fun puppet_later/1},
     {"functions: add, run, fail, sleep, and nothing else", fun functions/1}].

%% The command line.

plain_start() ->
    Node = #{node := N} = interop:start(plainly, []),
    [{error, {unknown_call, x}} = gen_server:call({Name, N}, x) || Name <- names()],
    true = lists:member(N, nodes(visible)),
    ["127.0.0.1"] = listens_at(interop:port_of(Node)),
    interop:stop(Node).

%% Addresses at which somebody listens on this port, from the kernel's tables.
listens_at(Port) ->
    Hex = lists:flatten(io_lib:format("~4.16.0B", [Port])),
    [case Address of "0100007F" -> "127.0.0.1"; _ -> Address end
     || File <- ["/proc/net/tcp", "/proc/net/tcp6"], [_, Local, _, "0A" | _] <- table(File),
        [Address, P] <- [string:split(Local, ":")], P =:= Hex].

table(File) ->
    {ok, Text} = file:read_file(File),
    [string:lexemes(Line, " ") || Line <- string:lexemes(binary_to_list(Text), "\n")].

tick() ->
    Node = #{node := N} = interop:start(ticking, [hidden, "tick=1"]),
    pong = net_adm:ping(N),
    P = puppet(Node),
    true = do(P, {monitor_node, node()}),
    %% This node's own net_ticktime is 60 s: an idle connection is silent for 15 s, and given up long before.
    true = erlang:monitor_node(N, true),
    receive {nodedown, N} -> ok after 5000 -> error(not_given_up) end,
    interop:stop(Node).

cookie() ->
    Node = #{node := N} = interop:start(secretive, [{cookie, "another_one"}, hidden]),
    pang = net_adm:ping(N),
    true = erlang:set_cookie(N, another_one),
    pong = net_adm:ping(N),
    interop:stop(Node).

refused_options() ->
    [begin
         Node = interop:start_failing(refused, Words),
         true = interop:status(Node) > 0,
         interop:said(Node, Text) orelse error({not_said, Text, interop:log(Node)}),
         false = interop:said(Node, "READY")
     end || {Words, Text} <- [{["sometimes"], "sometimes"}, {["tick=soon"], "tick=soon"}, {["tick=0"], "tick=0"},
                              {["tls=/tmp"], "not supported yet"}]].

busy_end() ->
    Trace = filename:join(os:getenv("INTEROP"), "busy_trace"),
    Node = #{node := N} = interop:start(busy, [hidden, {env, "DEMO_TRACE=" ++ Trace}]),
    {slow, N} ! {work, 60000, self(), make_ref()},
    _ = gen_server:send_request({echo, N}, {delay, 60000, never}),
    P = puppet(Node),
    P ! {do, self(), make_ref(), {call, {echo, N}, {delay, 60000, never}, infinity}},
    1 = gen_server:call({echo, N}, {echo, 1}),
    interop:stop(Node),
    {ok, <<"steady shutdown\ncrasher shutdown\n">>} = file:read_file(Trace),
    flush().

flush() -> receive _ -> flush() after 100 -> ok end.

%% Registered processes.

names() -> [echo, counter, sink, slow, spawner, demo_sup, crasher, steady, bench].

unknown(#{node := N}) ->
    Request = {nonsense, [self(), <<"x">>, 1.5]},
    [begin
         {error, {unknown_call, Request}} = gen_server:call({Name, N}, Request),
         gen_server:cast({Name, N}, Request),
         {Name, N} ! Request,
         {Name, N} ! make_ref(),
         {error, {unknown_call, Request}} = gen_server:call({Name, N}, Request)
     end || Name <- names()],
    %% Almost a request.
    {error, {unknown_call, {delay, soon, x}}} = gen_server:call({echo, N}, {delay, soon, x}),
    {error, {unknown_call, {spawn, other}}} = gen_server:call({spawner, N}, {spawn, other}),
    {echo, N} ! {'$due', 1000},
    _ = bench_counts(N).

echo_calls(#{node := N}) ->
    [X = gen_server:call({echo, N}, {echo, X}) || X <- [1, {echo, 1}, #{a => [b]}]],
    {Pid, N} = gen_server:call({echo, N}, whoami),
    N = node(Pid),
    Late = gen_server:send_request({echo, N}, {delay, 300, late}),
    Early = gen_server:send_request({echo, N}, {delay, 100, early}),
    {Micros, now} = timer:tc(fun() -> gen_server:call({echo, N}, {delay, 0, now}) end),
    true = Micros < 90000,
    {reply, early} = gen_server:receive_response(Early, 5000),
    timeout = gen_server:wait_response(Late, 0),
    {reply, late} = gen_server:receive_response(Late, 5000).

echo_bytes(#{node := N}) ->
    Terms = [1, atom, "string", [1.5 | tail], #{1 => <<"x">>}, self(), make_ref(), <<1:1>>, 1 bsl 100, fun erlang:abs/1],
    [begin
         Bytes = gen_server:call({echo, N}, {t2b, T}),
         true = T =:= binary_to_term(Bytes),
         {ok, Back} = gen_server:call({echo, N}, {b2t, term_to_binary(T)}),
         true = T =:= Back,
         {ok, T} = gen_server:call({echo, N}, {b2t, term_to_binary(T, [compressed])})
     end || T <- Terms],
    [{error, badarg} = gen_server:call({echo, N}, {b2t, B})
     || B <- [<<>>, <<131>>, <<"nonsense">>, <<131, 104, 255, 97, 1>>, <<131, 255>>]].

echo_messages(#{node := N}) ->
    gen_server:cast({echo, N}, {echo_to, self(), {some, what}}),
    receive {echo_cast, {some, what}} -> ok end,
    Ref = make_ref(),
    {echo, N} ! {self(), Ref, plain},
    receive {Ref, plain} -> ok end,
    [begin
         {echo, N} ! {size, self(), Ref, binary:copy(<<1>>, Size)},
         receive {Ref, Size} -> ok end
     end || Size <- [0, 1, 100000]].

counter(#{node := N}) ->
    C = {counter, N},
    gen_server:cast(C, reset),
    0 = gen_server:call(C, get),
    5 = gen_server:call(C, {add, 5}),
    gen_server:cast(C, {add, 10}),
    15 = gen_server:call(C, get),
    C ! {add, -20},
    -5 = gen_server:call(C, get),
    gen_server:cast(C, reset),
    0 = gen_server:call(C, get).

sums(#{node := N}) ->
    Numbers = [0, 1, -1, 1 bsl 62, -(1 bsl 63), (1 bsl 63) - 1, (1 bsl 64) - 1, -(1 bsl 64), 1 bsl 64, -(1 bsl 200), 1 bsl 200,
               (1 bsl 128) - 1, 1 - (1 bsl 128), 1.5, -1.0e300],
    [true = A + B =:= gen_server:call({bench, N}, {add, A, B}) || A <- Numbers, B <- Numbers].

sink(#{node := N}) ->
    Tag = {tag, make_ref()},
    ok = gen_server:call({sink, N}, {put, Tag, 1}),
    gen_server:cast({sink, N}, {put, Tag, 2}),
    {sink, N} ! {put, other, 7},
    {sink, N} ! {put, Tag, 3},
    [1, 2, 3] = gen_server:call({sink, N}, {take, Tag}),
    [] = gen_server:call({sink, N}, {take, Tag}),
    [7] = gen_server:call({sink, N}, {take, other}).

slow(#{node := N}) ->
    Refs = [make_ref() || _ <- lists:seq(1, 3)],
    Start = erlang:monotonic_time(millisecond),
    [{slow, N} ! {work, 60, self(), Ref} || Ref <- Refs],
    [receive
         {Got, done} ->
             Ref = Got,
             Took = erlang:monotonic_time(millisecond) - Start,
             true = Took >= I * 60
     end || {I, Ref} <- lists:enumerate(Refs)].

bench(#{node := N}) ->
    7 = gen_server:call({bench, N}, {add, 3, 4}),
    {x} = gen_server:call({bench, N}, {echo, {x}}),
    _ = bench_counts(N),
    [{bench, N} ! {bin, binary:copy(<<0>>, Size)} || Size <- [0, 10, 100000]],
    {bench, N} ! anything,
    {bench, N} ! {bin, not_a_binary},
    {5, 100010} = bench_counts(N),
    {0, 0} = bench_counts(N).

bench_counts(N) ->
    Ref = make_ref(),
    {bench, N} ! {sync, self(), Ref},
    receive {Ref, Count, Bytes} -> {Count, Bytes} end.

spawner(#{node := N} = Node) ->
    P = puppet(Node, plain),
    N = node(P),
    false = do(P, {trap, false}),
    T = puppet(Node, trap),
    true = do(T, {trap, true}),
    true = P =/= T.

supervisor(#{node := N}) ->
    [{steady, Steady, worker, [steady]}, {crasher, Crasher, worker, [crasher]}] = supervisor:which_children({demo_sup, N}),
    Crasher = gen_server:call({crasher, N}, pid),
    Steady = gen_server:call({steady, N}, pid),
    [{specs, 2}, {active, 2}, {supervisors, 0}, {workers, 2}] = supervisor:count_children({demo_sup, N}).

crasher(#{node := N}) ->
    Steady = gen_server:call({steady, N}, pid),
    {a, reason} = failure(fun() -> gen_server:call({crasher, N}, {exit, {a, reason}}) end),
    again(N),
    M1 = monitor(process, gen_server:call({crasher, N}, pid)),
    ok = gen_server:call({crasher, N}, {reply_then_exit, later}),
    receive {'DOWN', M1, process, _, later} -> ok end,
    again(N),
    M2 = monitor(process, gen_server:call({crasher, N}, pid)),
    _ = failure(fun() -> gen_server:call({crasher, N}, boom) end),
    receive {'DOWN', M2, process, _, Boom} -> true = Boom =/= normal andalso Boom =/= noproc end,
    again(N),
    M3 = monitor(process, gen_server:call({crasher, N}, pid)),
    gen_server:cast({crasher, N}, {exit, shutdown}),
    receive {'DOWN', M3, process, _, shutdown} -> ok end,
    again(N),
    Steady = gen_server:call({steady, N}, pid).

trapping_workers(#{node := N}) ->
    [begin
         Pid = gen_server:call({Name, N}, pid),
         Ref = monitor(process, Pid),
         exit(Pid, Reason),
         receive {'DOWN', Ref, process, Pid, Reason} -> ok end,
         eventually(fun() -> Pid =/= pid_or_none(Name, N) andalso none =/= pid_or_none(Name, N) end)
     end || Name <- [crasher, steady], Reason <- [normal, {some, reason}]].

again(N) -> eventually(fun() -> none =/= pid_or_none(crasher, N) end).

pid_or_none(Name, N) -> try gen_server:call({Name, N}, pid) catch exit:_ -> none end.

trace() ->
    Trace = filename:join(os:getenv("INTEROP"), "walk_trace"),
    Node = #{node := N} = interop:start(traced, [hidden, {env, "DEMO_TRACE=" ++ Trace}]),
    _ = failure(fun() -> gen_server:call({crasher, N}, {exit, {some, reason}}) end),
    again(N),
    exit(gen_server:call({steady, N}, pid), bye),
    eventually(fun() -> none =/= pid_or_none(steady, N) end),
    interop:stop(Node),
    {ok, <<"crasher {some,reason}\nsteady bye\nsteady shutdown\ncrasher shutdown\n">>} = file:read_file(Trace).

%% Puppets.

puppet_basics(Node) ->
    P = puppet(Node),
    P ! one,
    P ! {two, 2},
    P ! {do, not_quite},
    [one, {two, 2}, {do, not_quite}] = mailbox(P),
    [] = mailbox(P),
    P = do(P, self),
    Ref = monitor(process, P),
    ok = do(P, {exit, {for, good}}),
    receive {'DOWN', Ref, process, P, {for, good}} -> ok end.

puppet_links(Node) ->
    process_flag(trap_exit, true),
    P = puppet(Node),
    _ = do(P, {link, self()}),
    {links, [P]} = process_info(self(), links),
    _ = do(P, {unlink, self()}),
    {links, []} = process_info(self(), links),
    _ = do(P, {exit2, self(), {told, to}}),
    receive {'EXIT', P, {told, to}} -> ok end,
    _ = do(P, {trap, true}),
    exit(P, hello),
    Self = self(),
    [{'EXIT', Self, hello}] = mailbox(P),
    _ = do(P, {trap, false}),
    Ref = monitor(process, P),
    exit(P, goodbye),
    receive {'DOWN', Ref, process, P, goodbye} -> ok end.

puppet_names(#{node := N} = Node) ->
    P = puppet(Node),
    _ = do(P, {register, named_puppet}),
    {named_puppet, N} ! by_name,
    [by_name] = mailbox(P),
    _ = do(P, {unregister, named_puppet}),
    {named_puppet, N} ! to_nobody,
    noproc = failure(fun() -> gen_server:call({named_puppet, N}, x) end),
    undefined = do(P, {global_whereis, {no, one}}),
    [] = mailbox(P).

puppet_monitors(#{node := N} = Node) ->
    P = puppet(Node),
    Q = puppet(Node),
    Here = spawn(fun() -> receive stop -> exit(stopped) end end),
    M1 = do(P, {monitor, Here}),
    M2 = do(P, {monitor, Q}),
    _ = do(Q, {register, watched}),
    M3 = do(P, {monitor, {watched, N}}),
    M4 = do(P, {monitor, Q}),
    _ = do(P, {demonitor, M4}),
    true = lists:all(fun is_reference/1, [M1, M2, M3, M4]),
    Here ! stop,
    ok = do(Q, {exit, bye}),
    Expected = lists:sort([{'DOWN', M1, process, Here, stopped}, {'DOWN', M2, process, Q, bye},
                           {'DOWN', M3, process, {watched, N}, bye}]),
    Expected = lists:sort(mail(P, 3)),
    M5 = do(P, {monitor, Q}),
    [{'DOWN', M5, process, Q, noproc}] = mail(P, 1),
    M6 = do(P, {monitor, Q}),
    _ = do(P, {demonitor_flush, M6}),
    [] = mailbox(P).

puppet_nodes(#{node := N} = Node) ->
    P = puppet(Node),
    Kind = case lists:member(N, nodes(hidden)) of true -> hidden; false -> visible end,
    Here = node(),
    {Same, Other} = case Kind of hidden -> {nodes_hidden, nodes}; visible -> {nodes, nodes_hidden} end,
    [Here] = do(P, Same),
    [] = do(P, Other),
    true = do(P, {monitor_node, Here}),
    true = erlang:monitor_node(N, true),
    true = erlang:disconnect_node(N),
    receive {nodedown, N} -> ok end,
    [{nodedown, Here}] = mail(P, 1),
    true = do(P, {connect, Here}),
    true = do(P, {connect, N}),
    false = do(P, {connect, 'nobody@127.0.0.1'}),
    false = do(P, {connect, no_name}),
    [Here] = do(P, Same),
    #{peer := Control, node := Third} = interop:peer(third),
    false = lists:member(Third, do(P, Same)),
    true = do(P, {connect, Third}),
    true = lists:sort([Here, Third]) =:= lists:sort(do(P, Same)),
    peer:stop(Control),
    eventually(fun() -> [Here] =:= do(P, Same) end).

puppet_sends(#{node := N} = Node) ->
    P = puppet(Node),
    Q = puppet(Node),
    Alias = do(P, alias),
    true = is_reference(Alias),
    _ = do(Q, {register, receiver}),
    register(walker, self()),
    ok = do(P, {send, self(), to_pid}),
    ok = do(P, {send, {walker, node()}, to_remote_name}),
    ok = do(P, {send, Q, to_local_pid}),
    ok = do(P, {send, receiver, to_name}),
    ok = do(P, {send, {receiver, N}, to_own_name}),
    ok = do(P, {send, nobody_here, lost}),
    ok = do(Q, {send, Alias, to_alias}),
    receive to_pid -> ok end,
    receive to_remote_name -> ok end,
    [to_local_pid, to_name, to_own_name] = mailbox(Q),
    [to_alias] = mail(P, 1),
    Alias ! from_afar,
    [from_afar] = mailbox(P),
    _ = do(P, {unalias, Alias}),
    Alias ! lost,
    [] = mailbox(P).

puppet_calls(#{node := N} = Node) ->
    P = puppet(Node),
    {ok, 3} = do(P, {call, {bench, N}, {add, 1, 2}, 5000}),
    {ok, 3} = do(P, {call, bench, {add, 1, 2}, infinity}),
    {exit, {timeout, _}} = do(P, {call, {echo, N}, {delay, 1000, x}, 10}),
    {exit, {noproc, _}} = do(P, {call, {nobody, N}, x, 5000}),
    {exit, {noproc, _}} = do(P, {call, {nobody, node()}, x, 5000}),
    {exit, {{nodedown, 'nobody@127.0.0.1'}, _}} = do(P, {call, {echo, 'nobody@127.0.0.1'}, x, 5000}),
    {exit, {{its, reason}, _}} = do(P, {call, {crasher, N}, {exit, {its, reason}}, 5000}),
    again(N).

puppet_later(Node) ->
    P = puppet(Node),
    [{error, unsupported} = do(P, C) || C <- [{pg_join, g}, {pg_leave, g}, {pg_members, g}, {global_register, n},
                                              {global_re_register, n}, {global_unregister, n}]].

%% Functions.

functions(#{node := N}) ->
    [begin
         {Pid, Ref} = spawn_monitor(N, demo, F, A),
         receive {'DOWN', Ref, process, Pid, Why} -> ok end
     end || {F, A, Why} <- [{add, [1, 2], normal}, {add, [1 bsl 80, 1.5], normal}, {add, [x, 2], badarith},
                            {fail, [{my, reason}], {my, reason}}, {sleep, [1, x], normal}]],
    {Micros, _} = timer:tc(fun() ->
        {Pid, Ref} = spawn_monitor(N, demo, sleep, [100, x]),
        receive {'DOWN', Ref, process, Pid, normal} -> ok end
    end),
    true = Micros >= 100000,
    Runner = spawn(N, demo, run, [self(), {a, tag}]),
    receive {demo_run, {a, tag}, Runner} -> ok end,
    File = filename:join(os:getenv("INTEROP"), "made_by_cmd"),
    [begin
         {Refused, Ref} = spawn_monitor(N, M, F, A),
         receive {'DOWN', Ref, process, Refused, {undef, _}} -> ok end
     end || {M, F, A} <- [{os, cmd, ["touch " ++ File]}, {erlang, halt, []}, {demo, run, [self()]}, {demo, add, [1, 2, 3]}]],
    false = filelib:is_file(File),
    1 = gen_server:call({echo, N}, {echo, 1}).
