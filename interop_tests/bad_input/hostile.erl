%% Bytes that no real node sends: each costs the sender its connection, and nobody else anything.
-module(hostile).
-export([checks/0]).
-import(raw_peer, [pid_of/1, ref_of/1]).
-import(interop, [check/2, eventually/1, puppet/1, do/2, mailbox/1, told/3, port_of/1, resident/1]).

checks() ->
    interop:distribute(),
    Node = #{node := N} = interop:start(target, [visible]),
    Port = port_of(Node),
    pong = net_adm:ping(N),
    true = erlang:monitor_node(N, true),
    [check(Name, fun() -> Fun(Node, Port), 1 = gen_server:call({echo, N}, {echo, 1}) end) || {Name, Fun} <- on_one_node()],
    receive {nodedown, N} -> check("the real node was served all the time", fun() -> error(nodedown) end) after 0 -> ok end,
    true = erlang:monitor_node(N, false),
    check("the node ends well after all that", fun() -> interop:stop(Node) end),
    [check(Name, Fun) || {Name, Fun} <- on_own_nodes()].

on_one_node() ->
    [{"a raw peer can call", fun raw_call/2},
     {"garbage instead of a handshake is cut off", fun garbage/2},
     {"a handshake message that is announced too long is cut off", fun long_handshake/2},
     {"names that are none are refused", fun bad_names/2},
     {"the node's own name is not allowed", fun own_name/2},
     {"a wrong digest is cut off without an answer", fun wrong_digest/2},
     {"a second connection under the same name replaces the first", fun alive/2},
     {"a second connection that is not meant leaves the first alone", fun not_alive/2},
     {"an old name message with its complement is understood", fun old_name/2},
     {"malformed frames end their connection only", fun malformed/2},
     {"undecodable terms end their connection only", fun undecodable/2},
     {"signals for others than the sender end their connection only", fun forged/2},
     {"signals to nobody harm nothing", fun to_nobody/2},
     {"a frame that is announced too long is cut off", fun long_frame/2},
     {"nothing is allocated for what is only announced", fun announced/2},
     {"unproved names leave no atoms and no memory behind", fun many_names/2},
     {"silent and dripping handshakes are cut off after 7 s", fun slow_handshakes/2},
     {"many idle connections do not disturb those that are up", fun idle_crowd/2}].

on_own_nodes() ->
    [{"each missing mandatory flag is refused and named in the log", fun missing_flags/0},
     {"acceptors that misbehave are given up, with the reason", fun bad_acceptors/0},
     {"look-ups at an EPMD that lies fail, with the reason", fun lying_epmd/0},
     {"a registration at an EPMD that misbehaves fails, with the reason", fun bad_registration/0}].

raw_call(_, Port) ->
    Socket = raw_peer:connect(Port, <<"raw@127.0.0.1">>),
    question(Socket, 1),
    gen_tcp:close(Socket).

%% The pids that the node sends to are this node's, so that the reply to a raw peer is looked for on its socket.
question(Socket, What) ->
    Pid = pid_of(<<"raw@127.0.0.1">>),
    Ref = ref_of(<<"raw@127.0.0.1">>),
    raw_peer:send(Socket, {6, Pid, '', echo}, {'$gen_call', {Pid, Ref}, {echo, What}}),
    {Ref, What} = answer(Socket).

answer(Socket) ->
    case gen_tcp:recv(Socket, 0, 5000) of
        {ok, <<>>} -> answer(Socket);
        {ok, <<112, Frame/binary>>} ->
            {_Control, Used} = binary_to_term(Frame, [used]),
            <<_:Used/binary, Payload/binary>> = Frame,
            binary_to_term(Payload)
    end.

tcp(Port) ->
    {ok, Socket} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {packet, raw}]),
    Socket.

garbage(_, Port) ->
    [begin
         Socket = tcp(Port),
         gen_tcp:send(Socket, Bytes),
         true = raw_peer:closed(Socket)
     end || Bytes <- [<<"GET / HTTP/1.1\r\nHost: x\r\n\r\n">>, <<"SSH-2.0-OpenSSH_9.2\r\n">>,
                      <<16#16, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 0:2048>>, <<0:800>>, <<255, 255, 255, 255>>,
                      <<0, 0>>, <<0, 1, $N>>, <<0, 1, $s>>, <<0, 21, $r, 0:160>>, <<0, 4, "Nxxx">>,
                      rand:bytes(500), rand:bytes(100000)]].

long_handshake(_, Port) ->
    Socket = tcp(Port),
    ok = gen_tcp:send(Socket, <<60000:16, $N>>),
    true = raw_peer:closed(Socket, 2000).

bad_names(_, Port) ->
    [begin
         {Status, Socket} = raw_peer:dial(Port, Name),
         true = lists:member(Status, [closed, <<"not_allowed">>]) orelse error({accepted, Name, Status}),
         gen_tcp:close(Socket)
     end || Name <- [<<>>, <<"noat">>, <<"@">>, <<"a@">>, <<"@b">>, <<"a@b@c">>, <<"a\0@b">>, binary:copy(<<"x">>, 300),
                     <<(binary:copy(<<"x">>, 252))/binary, "@127.0.0.1">>]].

own_name(#{node := N}, Port) ->
    {<<"not_allowed">>, _} = raw_peer:dial(Port, atom_to_binary(N)).

wrong_digest(_, Port) ->
    {<<"ok">>, Socket} = raw_peer:dial(Port, <<"raw@127.0.0.1">>),
    closed = raw_peer:finish(Socket, "no such cookie").

alive(Node, Port) ->
    P = puppet(Node),
    First = raw_peer:connect(Port, <<"raw@127.0.0.1">>),
    question(First, 1),
    Pid = pid_of(<<"raw@127.0.0.1">>),
    Ref = do(P, {monitor, Pid}),
    {<<"alive">>, Second} = raw_peer:dial(Port, <<"raw@127.0.0.1">>),
    true = raw_peer:open(First),
    ok = gen_tcp:send(Second, <<"strue">>),
    {ok, _, Second} = raw_peer:finish(Second, atom_to_list(erlang:get_cookie())),
    true = raw_peer:closed(First),
    question(Second, 2),
    [{'DOWN', Ref, process, Pid, noconnection}] = mailbox(P),
    gen_tcp:close(Second).

not_alive(_, Port) ->
    First = raw_peer:connect(Port, <<"raw@127.0.0.1">>),
    [begin
         {<<"alive">>, Second} = raw_peer:dial(Port, <<"raw@127.0.0.1">>),
         Then(Second)
     end || Then <- [fun(S) -> ok = gen_tcp:send(S, <<"sfalse">>), true = raw_peer:closed(S) end,
                     fun(S) -> ok = gen_tcp:close(S) end,
                     fun(S) -> ok = gen_tcp:send(S, <<"snonsense">>), true = raw_peer:closed(S) end,
                     fun(S) -> ok = gen_tcp:send(S, <<"strue">>), closed = raw_peer:finish(S, "wrong") end]],
    question(First, 1),
    gen_tcp:close(First).

old_name(_, Port) ->
    {ok, Socket} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {packet, 2}]),
    Flags = raw_peer:flags(),
    ok = gen_tcp:send(Socket, <<$n, 5:16, (Flags band 16#ffffffff):32, "raw@127.0.0.1">>),
    {ok, <<"sok">>} = gen_tcp:recv(Socket, 0, 5000),
    {ok, <<$N, _:64, Challenge:32, _/binary>>} = gen_tcp:recv(Socket, 0, 5000),
    ok = gen_tcp:send(Socket, <<$c, (Flags bsr 32):32, 4:32>>),
    ok = gen_tcp:send(Socket, <<$r, 1:32, (raw_peer:digest(atom_to_list(erlang:get_cookie()), Challenge))/binary>>),
    {ok, <<$a, _:16/binary>>} = gen_tcp:recv(Socket, 0, 5000),
    ok = inet:setopts(Socket, [{packet, 4}]),
    question(Socket, 1),
    gen_tcp:close(Socket).

%% Each of these frames ends the connection it comes on.
each_closes(Port, Frames) ->
    [begin
         Socket = raw_peer:connect(Port, <<"raw@127.0.0.1">>),
         ok = gen_tcp:send(Socket, Frame),
         raw_peer:closed(Socket, 3000) orelse error({still_open_after, Frame})
     end || Frame <- Frames].

malformed(_, Port) ->
    Pid = pid_of(<<"raw@127.0.0.1">>),
    each_closes(Port,
        [<<112>>, <<112, 0>>, <<112, 131>>, <<0:64>>, <<131, 68, 0>>, <<131, 69, 1:64, 1:64, 0>>,
         raw_peer:frame(not_a_tuple, none), raw_peer:frame({}, none), raw_peer:frame({999, a, b}, none),
         raw_peer:frame({a, b}, none), raw_peer:frame({5}, none), raw_peer:frame([6, Pid, '', echo], x),
         raw_peer:frame({6, Pid, ''}, x), raw_peer:frame({6, not_a_pid, '', echo}, x), raw_peer:frame({6, Pid, '', "echo"}, x),
         raw_peer:frame({6, Pid, '', echo}, none), raw_peer:frame({22, Pid, echo}, x), raw_peer:frame({22, Pid}, x),
         raw_peer:frame({1, Pid}, none), raw_peer:frame({1, Pid, echo}, none), raw_peer:frame({19, Pid, echo, not_a_ref}, none),
         raw_peer:frame({35, 0, Pid, self()}, none), raw_peer:frame({35, -1, Pid, self()}, none),
         raw_peer:frame({35, 1 bsl 64, Pid, self()}, none), raw_peer:frame({33, Pid, not_a_ref}, x),
         raw_peer:frame({37, 12, Pid, echo}, x), raw_peer:frame({29, a, b, c, d, e}, [])]).

undecodable(_, Port) ->
    Control = term_to_binary({6, pid_of(<<"raw@127.0.0.1">>), '', echo}),
    each_closes(Port, [<<112, Control/binary, Term/binary>> || Term <-
        [<<131>>, <<131, 255>>, <<131, 119, 5, "abc">>, <<131, 109, 16#ffffffff:32, 1>>, <<131, 105, 16#ffffffff:32>>,
         <<131, 108, 16#ffffffff:32, 106>>, <<131, 116, 16#7fffffff:32>>, <<131, 110, 255, 0, 1>>, <<131, 111, 16#ffffffff:32, 0>>,
         <<131, 70, 16#7ff8000000000000:64>>, <<131, 70, 16#7ff0000000000000:64>>, <<131, 77, 0:32, 0>>, <<131, 77, 0:32, 8>>,
         <<131, 77, 1:32, 9, 1>>, <<131, 118, 300:16, 0:2400>>, <<131, 119, 2, 16#c3, 16#28>>, <<131, 82, 0>>,
         <<131, 116, 2:32, 97, 1, 97, 1, 97, 1, 97, 2>>, <<131, 80, 16#7fffffff:32, 120, 156, 3, 0, 0, 0, 0, 1>>,
         <<130, 97, 1>>,
         <<131, (binary:copy(<<108, 1:32>>, 1000000))/binary>>]]).

%% Nobody may speak for processes of other nodes.
forged(_, Port) ->
    Other = pid_of(<<"third@127.0.0.1">>),
    Raw = pid_of(<<"raw@127.0.0.1">>),
    Ref = make_ref(),
    each_closes(Port,
        [raw_peer:frame(Control, none) || Control <-
            [{1, Other, Raw}, {35, 1, Other, Raw}, {36, 1, Other, Raw}, {19, Other, echo, Ref}, {20, Other, echo, Ref}]]
        ++ [raw_peer:frame({24, Other, Raw}, bye), raw_peer:frame({26, Other, Raw}, bye)]).

to_nobody(#{node := N}, Port) ->
    Socket = raw_peer:connect(Port, <<"raw@127.0.0.1">>),
    Pid = pid_of(<<"raw@127.0.0.1">>),
    {Echo, N} = gen_server:call({echo, N}, whoami),
    External = term_to_binary(Echo),
    Start = binary:part(External, 0, byte_size(External) - 12),
    <<Id:32, Serial:32, Creation:32>> = binary:part(External, byte_size(External), -12),
    Gone = binary_to_term(<<Start/binary, 99999999:32, Serial:32, Creation:32>>),
    Stale = binary_to_term(<<Start/binary, Id:32, Serial:32, (Creation + 1):32>>),
    Ref = ref_of(<<"raw@127.0.0.1">>),
    [begin
         raw_peer:send(Socket, {22, Pid, To}, hello),
         raw_peer:send(Socket, {26, Pid, To}, bye),
         raw_peer:send(Socket, {20, Pid, To, Ref}, none),
         raw_peer:send(Socket, {7, Pid, To}, none),
         raw_peer:send(Socket, {36, 1, Pid, To}, none),
         raw_peer:send(Socket, {1, Pid, To}, none),
         {24, To, Pid} = control(Socket),
         raw_peer:send(Socket, {19, Pid, To, Ref}, none),
         {28, To, Pid, Ref} = control(Socket)
     end || To <- [Gone, Stale]],
    raw_peer:send(Socket, {35, 16#ffffffffffffffff, Pid, Gone}, none),
    {36, 16#ffffffffffffffff, Gone, Pid} = control(Socket),
    raw_peer:send(Socket, {6, Pid, '', no_such_name}, hello),
    raw_peer:send(Socket, {33, Pid, Ref}, hello),
    raw_peer:send(Socket, {19, Pid, no_such_name, Ref}, none),
    {28, no_such_name, Pid, Ref} = control(Socket),
    question(Socket, 1),
    gen_tcp:close(Socket).

control(Socket) ->
    case gen_tcp:recv(Socket, 0, 5000) of
        {ok, <<>>} -> control(Socket);
        {ok, <<112, Frame/binary>>} -> element(1, binary_to_term(Frame, [used]))
    end.

long_frame(_, Port) ->
    Socket = raw_peer:connect(Port, <<"raw@127.0.0.1">>),
    ok = inet:setopts(Socket, [{packet, raw}]),
    ok = gen_tcp:send(Socket, <<16#ffffffff:32, 112>>),
    true = raw_peer:closed(Socket, 2000).

announced(Node, Port) ->
    Before = resident(Node),
    Sockets = [begin
        Socket = raw_peer:connect(Port, <<"raw", (integer_to_binary(I))/binary, "@127.0.0.1">>),
        ok = inet:setopts(Socket, [{packet, raw}]),
        ok = gen_tcp:send(Socket, <<200000000:32, 112>>),
        Socket
    end || I <- lists:seq(1, 20)],
    timer:sleep(200),
    true = resident(Node) - Before < 20000 orelse error({grown_by_kb, resident(Node) - Before}),
    [gen_tcp:close(S) || S <- Sockets].

many_names(Node, Port) ->
    Connect = fun(I) ->
        {<<"ok">>, Socket} = raw_peer:dial(Port, <<"stranger", (integer_to_binary(I))/binary, "@127.0.0.1">>),
        gen_tcp:close(Socket)
    end,
    [Connect(I) || I <- lists:seq(1, 200)],
    Before = resident(Node),
    [Connect(I) || I <- lists:seq(201, 2200)],
    true = resident(Node) - Before < 2000 orelse error({grown_by_kb, resident(Node) - Before}).

slow_handshakes(_, Port) ->
    Silent = tcp(Port),
    Dripping = tcp(Port),
    Start = erlang:monotonic_time(millisecond),
    Drip = spawn_link(fun() ->
        [begin gen_tcp:send(Dripping, <<B>>), timer:sleep(900) end || <<B>> <= <<0, 35, $N, (raw_peer:flags()):64, 4:32, 13:16, "raw@127">>]
    end),
    true = raw_peer:closed(Silent, 9000),
    true = raw_peer:closed(Dripping, 2000),
    Took = erlang:monotonic_time(millisecond) - Start,
    true = Took > 6000 andalso Took < 8500 orelse error({took, Took}),
    unlink(Drip),
    exit(Drip, kill).

idle_crowd(#{node := N} = Node, Port) ->
    Crowd = [tcp(Port) || _ <- lists:seq(1, 100)],
    [I = gen_server:call({echo, N}, {echo, I}) || I <- lists:seq(1, 100)],
    [gen_tcp:close(S) || S <- Crowd],
    eventually(fun() ->
        try gen_tcp:close(raw_peer:connect(Port, <<"raw@127.0.0.1">>)) of
            ok -> true
        catch
            error:_ -> false
        end
    end),
    true = interop:alive(Node).

missing_flags() ->
    Names = [{16#4, "EXTENDED_REFERENCES"}, {16#10, "FUN_TAGS"}, {16#80, "NEW_FUN_TAGS"}, {16#100, "EXTENDED_PIDS_PORTS"},
             {16#200, "EXPORT_PTR_TAG"}, {16#400, "BIT_BINARIES"}, {16#800, "NEW_FLOATS"}, {16#10000, "UTF8_ATOMS"},
             {16#20000, "MAP_TAG"}, {16#40000, "BIG_CREATION"}, {16#1000000, "HANDSHAKE_23"}, {16#2000000, "UNLINK_ID"},
             {1 bsl 34, "V4_NC"}],
    %% The log limits how much strangers can make it write, so only a few go to each node.
    [begin
         Node = interop:start(strict, [hidden]),
         [begin
              Flags = raw_peer:flags() band bnot (Bit bor 16#4000000),
              {<<"not_allowed">>, Socket} = raw_peer:dial(port_of(Node), <<"raw@127.0.0.1">>, Flags),
              true = raw_peer:closed(Socket),
              eventually(fun() -> interop:said(Node, Name) end)
          end || {Bit, Name} <- Group],
         interop:stop(Node)
     end || Group <- groups(Names)],
    ok.

groups([A, B, C, D | Rest]) -> [[A, B, C, D] | groups(Rest)];
groups([]) -> [];
groups(Rest) -> [Rest].

bad_acceptors() ->
    Epmd = list_to_integer(os:getenv("ERL_EPMD_PORT")),
    Good = #{name => <<"good@127.0.0.1">>},
    Kinds =
        [{good, fun(S) -> raw_peer:accept(S, Good), raw_peer:closed(S) end, connected},
         {noflags, fun(S) -> raw_peer:accept(S, #{name => <<"noflags@127.0.0.1">>, flags => raw_peer:flags() band bnot 16#2000000}) end, "UNLINK_ID"},
         {other, fun(S) -> raw_peer:accept(S, #{name => <<"another@127.0.0.1">>}) end, "another@127.0.0.1"},
         {liar, fun(S) -> raw_peer:accept(S, #{name => <<"liar@127.0.0.1">>, ack => <<0:128>>}) end, "cookie"},
         {refuses, fun(S) -> raw_peer:accept(S, #{name => <<"refuses@127.0.0.1">>, status => <<"not_allowed">>}) end, "refuse"},
         {babbles, fun(S) -> raw_peer:accept(S, #{name => <<"babbles@127.0.0.1">>, status => <<"fine">>}) end, "babbles"},
         {hangs_up, fun(_) -> ok end, "hangs_up"},
         {garbage, fun(S) -> inet:setopts(S, [{packet, raw}]), gen_tcp:send(S, rand:bytes(5000)), raw_peer:closed(S) end, "garbage"},
         {nok, fun(S) -> raw_peer:accept(S, #{name => <<"nok@127.0.0.1">>, status => <<"nok">>}) end, "nok@127.0.0.1"},
         {silent, fun(S) -> raw_peer:closed(S) end, "silent"}],
    Registered = [raw_peer:register_name(atom_to_binary(Name), raw_peer:listen(Fun), Epmd) || {Name, Fun, _} <- Kinds],
    %% The last two take 7 s each.
    {Quick, [Nok, Silent]} = lists:split(length(Kinds) - 2, Kinds),
    interop:together([fun() -> dial(As, Some) end || {As, Some} <- [{quick, Quick}, {waits, [Nok]}, {hears_nothing, [Silent]}]]),
    [gen_tcp:close(S) || S <- Registered],
    ok.

%% Starts a C++ node that dials each of these, and checks what it says.
dial(As, Kinds) ->
    Node = interop:start(As, [hidden | [{connect, lists:concat([Name, "@127.0.0.1"])} || {Name, _, _} <- Kinds]]),
    [case Expected of
         connected -> true = interop:said(Node, "CONNECTED good@127.0.0.1");
         Word -> told(Node, lists:concat([Name, "@127.0.0.1"]), [Word])
     end || {Name, _, Expected} <- Kinds],
    interop:stop(Node).

lying_epmd() ->
    Here = raw_peer:own_port(),
    Lies =
        [{"wrong_port", fun() -> raw_peer:entry(<<"wrong_port">>, Here) end, "client@127.0.0.1"},
         {"port_zero", fun() -> raw_peer:entry(<<"port_zero">>, 0) end, "port_zero"},
         {"wrong_name", fun() -> raw_peer:entry(<<"other_name">>, Here) end, "another node"},
         {"old", fun() -> <<119, 0, Here:16, 77, 0, 4:16, 3:16, 3:16, "old", 0:16>> end, "version"},
         {"garbage", fun() -> rand:bytes(300) end, "EPMD"},
         {"empty", fun() -> close end, "EPMD"},
         {"cut", fun() -> <<119, 0, Here:16, 77, 0, 6:16, 6:16, 60000:16, "cut">> end, "EPMD"},
         {"endless", fun() -> {keep, binary:copy(<<119, 0>>, 5000000)} end, "EPMD"},
         {"unknown", fun() -> <<119, 1>> end, "registered"},
         {"mute", fun() -> silence end, "EPMD"}],
    Epmd = raw_peer:epmd_that_finds(fun(Name) -> {_, Lie, _} = lists:keyfind(binary_to_list(Name), 1, Lies), Lie() end),
    Node = interop:start(gullible, [hidden, {env, "ERL_EPMD_PORT=" ++ integer_to_list(Epmd)}
                                    | [{connect, list_to_atom(Name ++ "@127.0.0.1")} || {Name, _, _} <- Lies]]),
    [told(Node, Name ++ "@127.0.0.1", [Word]) || {Name, _, Word} <- Lies],
    interop:stop(Node).

bad_registration() ->
    [begin
         Epmd = raw_peer:epmd(fun(<<110>>) when Names =:= right -> <<4369:32>>; (_) -> Answer end),
         Node = interop:start_failing(unlucky, [hidden, {env, "ERL_EPMD_PORT=" ++ integer_to_list(Epmd)}]),
         true = interop:status(Node) > 0,
         [interop:said(Node, W) orelse error({not_said, W, interop:log(Node)}) || W <- ["EPMD", integer_to_list(Epmd)]]
     end || Names <- [right, wrong], Answer <- [<<118, 1, 99:32>>, <<1, 2, 3, 4, 5, 6>>, <<118>>, close, binary:copy(<<255>>, 100000)]],
    ok.
