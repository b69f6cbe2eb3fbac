%% Calls, casts and messages, in both directions.
-module(calls).
-export([checks/0]).
-import(interop, [eventually/1, failure/1, dead/0, puppet/1, do/2, mailbox/1]).

checks() -> interop:check_kinds(all()).

all() ->
    [{"ping pongs", fun ping/1},
     {"calls by name and by pid are answered", fun call/1},
     {"a C++ process calls by name and by pid", fun call_from_cpp/1},
     {"casts and plain messages arrive", fun cast/1},
     {"casts and plain messages from C++ arrive", fun cast_from_cpp/1},
     {"an unknown call is answered with an error", fun unknown_call/1},
     {"an unknown call of another node's net_kernel goes unanswered", fun unknown_net_kernel/1},
     {"10 000 calls by 64 callers are all answered", fun many_calls/1},
     {"10 000 calls by 64 C++ callers are all answered", fun many_calls_from_cpp/1},
     {"100 000 messages arrive in order", fun order/1},
     {"100 000 messages from C++ arrive in order", fun order_from_cpp/1},
     {"messages of 1 KB to 16 MB come back unchanged", fun sizes/1},
     {"a process that has sent 16 MB is not overtaken by its next message", fun large_then_small/1},
     {"terms of every kind come back unchanged", fun terms/1},
     {"a call that times out leaves nothing in the mailbox", fun timeout/1},
     {"a call from C++ that times out leaves nothing in the mailbox", fun timeout_from_cpp/1},
     {"a late reply holds up nobody", fun late_reply/1},
     {"a call to a process that exits ends with its reason", fun exit_during_call/1},
     {"a call from C++ to a process that exits ends with its reason", fun exit_during_call_from_cpp/1},
     {"a call to nobody ends with noproc at once", fun call_nobody/1},
     {"multi_call is answered", fun multi_call/1},
     {"send_request is answered", fun send_request/1},
     {"messages to an alias arrive until it ends", fun aliases/1},
     {"rpc of what is not served is refused and does not hang", fun refused_rpc/1},
     {"a crashed child is restarted, and its sibling notices nothing", fun restart/1}].

ping(#{node := N}) -> pong = net_adm:ping(N).

call(#{node := N}) ->
    {Pid, N} = gen_server:call({echo, N}, whoami),
    N = node(Pid),
    [1, two, "three"] = gen_server:call(Pid, {echo, [1, two, "three"]}),
    [1, two, "three"] = gen_server:call({echo, N}, {echo, [1, two, "three"]}),
    ok = gen_server:cast({counter, N}, reset),
    3 = gen_server:call({counter, N}, {add, 3}),
    5 = gen_server:call({counter, N}, {add, 2}),
    5 = gen_server:call({counter, N}, get).

call_from_cpp(Node) ->
    P = puppet(Node),
    Server = spawn_link(fun echo_server/0),
    register(echo_here, Server),
    {ok, {some, <<"term">>}} = do(P, {call, Server, {echo, {some, <<"term">>}}, 5000}),
    {ok, {some, <<"term">>}} = do(P, {call, {echo_here, node()}, {echo, {some, <<"term">>}}, 5000}),
    [] = mailbox(P),
    stop_echo_server(Server).

cast(#{node := N}) ->
    {Pid, N} = gen_server:call({echo, N}, whoami),
    ok = gen_server:cast({echo, N}, {echo_to, self(), hello}),
    receive {echo_cast, hello} -> ok end,
    ok = gen_server:cast(Pid, {echo_to, self(), again}),
    receive {echo_cast, again} -> ok end,
    Ref = make_ref(),
    {echo, N} ! {self(), Ref, plain},
    receive {Ref, plain} -> ok end,
    Pid ! {self(), Ref, by_pid},
    receive {Ref, by_pid} -> ok end.

cast_from_cpp(Node) ->
    P = puppet(Node),
    register(somebody, self()),
    ok = do(P, {send, self(), {by, pid}}),
    receive {by, pid} -> ok end,
    ok = do(P, {send, {somebody, node()}, {by, name}}),
    receive {by, name} -> ok end,
    ok = do(P, {cast, {somebody, node()}, {a, cast}}),
    receive {'$gen_cast', {a, cast}} -> ok end.

unknown_call(#{node := N}) ->
    [{error, {unknown_call, nonsense}} = gen_server:call({Name, N}, nonsense)
     || Name <- [echo, counter, sink, spawner, demo_sup, crasher, steady]],
    {echo, N} ! nonsense,
    ok = gen_server:cast({echo, N}, nonsense),
    1 = gen_server:call({echo, N}, {echo, 1}).

unknown_net_kernel(#{node := N}) ->
    timeout = failure(fun() -> gen_server:call({net_kernel, N}, {nonsense, 1}, 30) end),
    yes = gen_server:call({net_kernel, N}, {is_auth, node()}).

many_calls(#{node := N}) ->
    Callers = [spawn_monitor(fun() ->
        [{K, I} = gen_server:call({echo, N}, {echo, {K, I}}, 60000) || I <- lists:seq(1, 157)],
        {messages, []} = process_info(self(), messages)
    end) || K <- lists:seq(1, 64)],
    [receive {'DOWN', Ref, process, Pid, Why} -> normal = Why end || {Pid, Ref} <- Callers].

many_calls_from_cpp(Node) ->
    Server = spawn_link(fun echo_server/0),
    10048 = do(puppet(Node), {call_many, Server, 64, 157}),
    stop_echo_server(Server).

order(#{node := N}) ->
    Tag = make_ref(),
    Pid = pid_of(N, sink),
    %% By name, by pid and by cast: the order between them is kept, too.
    lists:foreach(fun(I) when I rem 3 =:= 0 -> {sink, N} ! {put, Tag, I};
                     (I) when I rem 3 =:= 1 -> Pid ! {put, Tag, I};
                     (I) -> gen_server:cast({sink, N}, {put, Tag, I})
                  end, lists:seq(1, 100000)),
    Taken = gen_server:call({sink, N}, {take, Tag}, 60000),
    true = Taken =:= lists:seq(1, 100000).

order_from_cpp(Node) ->
    P = puppet(Node),
    P ! {do, self(), make_ref(), {flood, self(), numbered, 100000}},
    [receive {numbered, I} -> I; {numbered, Other} -> error({expected, I, got, Other}) end
     || I <- lists:seq(1, 100000)],
    receive {Ref, ok} when is_reference(Ref) -> ok end.

sizes(#{node := N} = Node) ->
    P = puppet(Node),
    [begin
         Bytes = binary:copy(<<"0123456789abcdef">>, Size div 16),
         true = Bytes =:= gen_server:call({echo, N}, {echo, Bytes}, 60000),
         List = binary_to_list(binary:part(Bytes, 0, min(Size, 1 bsl 18))),
         true = List =:= gen_server:call({echo, N}, {echo, List}, 60000),
         Ref = make_ref(),
         {echo, N} ! {size, self(), Ref, Bytes},
         receive {Ref, Size} -> ok end,
         ok = do(P, {send, self(), {large, Bytes}}),
         receive {large, Got} -> true = Got =:= Bytes end
     end || Size <- [1 bsl K || K <- lists:seq(10, 24, 2)]].

large_then_small(Node) ->
    P = puppet(Node),
    Bytes = binary:copy(<<7>>, 1 bsl 24),
    P ! {large, Bytes},
    P ! small,
    [{large, Got}, small] = mailbox(P),
    true = Got =:= Bytes,
    R1 = make_ref(),
    R2 = make_ref(),
    P ! {do, self(), R1, {send, self(), {large, Bytes}}},
    P ! {do, self(), R2, {send, self(), small}},
    receive A -> {large, _} = A end,
    receive {R1, ok} -> ok end,
    receive B -> small = B end,
    receive {R2, ok} -> ok end.

terms(#{node := N}) ->
    Terms = [0, -1, 255, 256, -1 bsl 31, 1 bsl 31, 1 bsl 63, -(1 bsl 63), 1 bsl 64, -(1 bsl 3000), 0.0, 1.5, -1.0e300,
             a, '', 'an atom', list_to_atom([16#e9, 16#3b1]), true, undefined, nil,
             [], [a | b], "text", lists:seq(1, 300), [1.0, [[]]], {}, {a}, list_to_tuple(lists:seq(1, 300)),
             <<>>, <<"bytes">>, <<5:3>>, binary:copy(<<"x">>, 100000),
             #{}, #{a => 1, 1 => a, "k" => #{<<"v">> => 1.0}}, maps:from_list([{I, I} || I <- lists:seq(1, 100)]),
             self(), make_ref(), erlang:list_to_port("#Port<0.1>"), fun erlang:node/0, fun() -> N end,
             lists:foldl(fun(_, T) -> [T] end, [], lists:seq(1, 100000))],
    [true = T =:= gen_server:call({echo, N}, {echo, T}, 60000) || T <- Terms],
    true = Terms =:= gen_server:call({echo, N}, {echo, Terms}, 60000).

timeout(#{node := N}) ->
    timeout = failure(fun() -> gen_server:call({echo, N}, {delay, 200, late}, 20) end),
    Pid = pid_of(N, echo),
    timeout = failure(fun() -> gen_server:call(Pid, {delay, 200, late}, 20) end),
    %% When this is answered, the late replies have been sent before it.
    now = gen_server:call({echo, N}, {delay, 230, now}),
    timer:sleep(50).

timeout_from_cpp(Node) ->
    P = puppet(Node),
    Server = spawn_link(fun echo_server/0),
    {exit, {timeout, _}} = do(P, {call, Server, {delay, 200, late}, 20}),
    {exit, {timeout, _}} = do(P, {call, Server, {ignore}, 20}),
    %% The same server answers in order, so the late reply is on its way before this one.
    {ok, after_it} = do(P, {call, Server, {delay, 1, after_it}, 5000}),
    {ok, {}} = do(P, {call, Server, {echo, {}}, 5000}),
    timer:sleep(50),
    [] = mailbox(P),
    stop_echo_server(Server).

late_reply(#{node := N}) ->
    Ref = gen_server:send_request({echo, N}, {delay, 400, late}),
    soon = gen_server:call({echo, N}, {echo, soon}),
    timeout = gen_server:wait_response(Ref, 0),
    {reply, late} = gen_server:wait_response(Ref, 5000).

exit_during_call(#{node := N}) ->
    {some, reason} = failure(fun() -> gen_server:call({crasher, N}, {exit, {some, reason}}) end),
    again(N),
    normal = failure(fun() -> gen_server:call(pid_of(N, crasher), {exit, normal}) end),
    again(N),
    Boom = failure(fun() -> gen_server:call({crasher, N}, boom) end),
    true = string:find(io_lib:format("~p", [Boom]), "boom") =/= nomatch,
    again(N),
    ok = gen_server:call({crasher, N}, {reply_then_exit, bye}),
    again(N).

exit_during_call_from_cpp(Node) ->
    P = puppet(Node),
    Victim = fun() -> spawn(fun echo_server/0) end,
    {exit, {{some, reason}, _}} = do(P, {call, Victim(), {exit, {some, reason}}, 5000}),
    {exit, {normal, _}} = do(P, {call, Victim(), {exit, normal}, 5000}),
    {exit, {killed, _}} = do(P, {call, Victim(), {kill}, 5000}),
    {exit, {noproc, _}} = do(P, {call, dead(), {echo, 1}, 5000}),
    {exit, {noproc, _}} = do(P, {call, {nobody_here, node()}, {echo, 1}, 5000}),
    [] = mailbox(P).

call_nobody(#{node := N}) ->
    noproc = failure(fun() -> gen_server:call({nobody, N}, x) end),
    Pid = pid_of(N, crasher),
    gen_server:cast(Pid, {exit, bye}),
    again(N),
    noproc = failure(fun() -> gen_server:call(Pid, x) end).

multi_call(#{node := N}) ->
    {[{N, 1}], []} = gen_server:multi_call([N], echo, {echo, 1}, 5000),
    {[], [N]} = gen_server:multi_call([N], nobody, {echo, 1}, 5000),
    {[{N, 2}], ['nobody@127.0.0.1']} = gen_server:multi_call([N, 'nobody@127.0.0.1'], echo, {echo, 2}, 5000),
    {[], [N]} = gen_server:multi_call([N], echo, {delay, 200, 3}, 20),
    4 = gen_server:call({echo, N}, {delay, 230, 4}).

send_request(#{node := N}) ->
    Requests = [gen_server:send_request({echo, N}, {delay, 10 * (5 - I), I}) || I <- lists:seq(1, 4)],
    [{reply, 1}, {reply, 2}, {reply, 3}, {reply, 4}] = [gen_server:receive_response(R, 5000) || R <- Requests],
    Late = gen_server:send_request({echo, N}, {delay, 100, late}),
    timeout = gen_server:receive_response(Late, 10),
    ok = gen_server:call({echo, N}, {delay, 200, ok}).

aliases(Node) ->
    P = puppet(Node),
    Alias = do(P, alias),
    Alias ! {by, alias},
    [{by, alias}] = mailbox(P),
    true = do(P, {unalias, Alias}),
    Alias ! too_late,
    [] = mailbox(P),
    Ours = alias(),
    ok = do(P, {send, Ours, to_you}),
    receive to_you -> ok end,
    true = unalias(Ours),
    ok = do(P, {send, Ours, too_late}).

refused_rpc(#{node := N}) ->
    {badrpc, {'EXIT', {undef, _}}} = rpc:call(N, erlang, node, [], 2000),
    exit = try erpc:call(N, erlang, node, [], 2000) of _ -> answered catch Class:_ -> Class end.

restart(#{node := N}) ->
    Before = gen_server:call({crasher, N}, pid),
    Steady = gen_server:call({steady, N}, pid),
    Ref = monitor(process, Before),
    ok = gen_server:cast(Before, {exit, bye}),
    receive {'DOWN', Ref, process, Before, bye} -> ok end,
    again(N),
    After = gen_server:call({crasher, N}, pid),
    true = After =/= Before,
    Steady = gen_server:call({steady, N}, pid).

%% Waits until the crasher is there again.
again(N) ->
    eventually(fun() -> is_pid(pid_or_not(N)) end).

pid_of(N, echo) -> element(1, gen_server:call({echo, N}, whoami));
pid_of(N, crasher) -> gen_server:call({crasher, N}, pid);
pid_of(N, sink) -> gen_server:call({sink, N}, pid).

%% A gen_server, as far as its callers can tell.
echo_server() ->
    receive
        {'$gen_call', From, {echo, What}} -> gen_server:reply(From, What), echo_server();
        {'$gen_call', From, {delay, Time, What}} ->
            timer:sleep(Time), gen_server:reply(From, What), echo_server();
        {'$gen_call', _, {ignore}} -> echo_server();
        {'$gen_call', _, {exit, Why}} -> exit(Why);
        {'$gen_call', _, {kill}} -> exit(self(), kill), echo_server();
        stop -> ok
    end.

stop_echo_server(Pid) ->
    unlink(Pid),
    Ref = monitor(process, Pid),
    Pid ! stop,
    receive {'DOWN', Ref, process, Pid, Why} -> normal = Why end.

pid_or_not(N) -> try pid_of(N, crasher) catch exit:_ -> none end.
