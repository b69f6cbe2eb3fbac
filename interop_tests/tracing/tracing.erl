%% Sequential trace tokens go through C++ processes, and are those of the BEAM.
-module(tracing).
-export([checks/0, child/1, count_serials/0]).
-import(interop, [puppet/1, do/2, mailbox/1]).

checks() ->
    [interop:also(Path) || Path <- ["puppets/demo", "bad_input/raw_peer"]],
    interop:distribute(),
    Beam = interop:peer(beam),
    [interop:teach(Beam, Module) || Module <- [demo, ?MODULE]],
    ok = peer:call(maps:get(peer, Beam), ?MODULE, count_serials, []),
    {_, Port} = lists:keyfind("beam", 1, element(2, erl_epmd:names({127, 0, 0, 1}))),
    Model = with_tracer(fun() -> tokens(maps:get(node, Beam), Port) end),
    io:format("    the tokens of two BEAMs:~n"),
    [io:format("    ~ts: ~0p~n", [Name, Tokens]) || {Name, Tokens} <- Model],
    interop:check_kinds(all() ++ [{"tokens are those of two BEAMs", fun(Node) -> as_beams(Node, Model) end}]).

all() ->
    [{"the token of a call comes back with the reply", fun reply/1},
     {"a token goes through two C++ processes, also by name and alias", fun through/1},
     {"a message without a token ends the trace", fun ends/1},
     {"what is no token is not one, and messages arrive", fun plain/1}].

%% Runs Fun with a token. Its result, and the token after it: that of the last message received.
traced(Label, Fun) ->
    seq_trace:set_token(label, Label),
    seq_trace:set_token(send, true),
    Result = Fun(),
    Token = seq_trace:get_token(),
    seq_trace:set_token([]),
    {Result, Token}.

%% Otherwise OTP has no serials.
with_tracer(Fun) ->
    Tracer = spawn_link(fun Loop() -> receive _ -> Loop() end end),
    seq_trace:set_system_tracer(Tracer),
    try Fun() after
        seq_trace:set_system_tracer(false), unlink(Tracer), exit(Tracer, kill)
    end.

count_serials() ->
    seq_trace:set_system_tracer(spawn(fun Loop() -> receive _ -> Loop() end end)),
    ok.

as_beams(#{node := N} = Node, Model) ->
    Tokens = with_tracer(fun() -> tokens(N, interop:port_of(Node)) end),
    [] = [{Name, {is, Token}, {beams, Expected}}
          || {{Name, Token}, {Name, Expected}} <- lists:zip(Tokens, Model), Token =/= Expected].

%% What each exchange with a witness on Node leaves as tokens, with the parts that processes have in place of their pids.
%% Each begins with serials of its own.
tokens(Node, Port) ->
    [{Name, fresh(fun() -> Fun(witness(Node), Port) end)} || {Name, Fun} <- exchanges()].

exchanges() ->
    [{"SEND_SENDER_TT", fun message/2},
     {"EXIT_TT to Node", fun exit_to/2},
     {"EXIT_TT from Node", fun exit_from/2},
     {"EXIT2 to Node", fun exit2_to/2},
     {"EXIT2 from Node", fun exit2_from/2},
     {"PAYLOAD_EXIT2_TT", fun(W, Port) -> exit2_traced(W, Port, payload) end},
     {"EXIT2_TT", fun(W, Port) -> exit2_traced(W, Port, whole) end},
     {"SPAWN_REQUEST_TT to Node", fun spawn_to/2},
     {"SPAWN_REPLY_TT of a refusal", fun spawn_refused/2},
     {"SPAWN_REQUEST_TT from Node", fun spawn_from/2},
     {"a start on Node", fun spawn_there/2}].

fresh(Fun) ->
    Self = self(),
    {Pid, Ref} = spawn_monitor(fun() -> process_flag(trap_exit, true), Self ! {self(), Fun()} end),
    receive
        {Pid, Result} -> demonitor(Ref, [flush]), Result;
        {'DOWN', Ref, process, Pid, Why} -> error(Why)
    after 10000 -> error({no_tokens, process_info(Pid, [current_stacktrace, messages])})
    end.

witness(Node) ->
    Id = spawn_request(Node, demo, witness, [self()]),
    receive {spawn_reply, Id, ok, W} -> receive {ready, W} -> W end end.

%% What W has done so far is done.
settled(W) ->
    W ! settled,
    receive {seen, settled} -> ok end.

start_trace() ->
    seq_trace:set_token(label, {some, label}),
    seq_trace:set_token(send, true).

%% The token after the receipt of a message, with names for pids.
token(Names) ->
    Token = seq_trace:get_token(),
    seq_trace:set_token([]),
    named(Token, [{self(), tester} | Names]).

named({Flags, Label, Serial, From, Last}, Names) ->
    {_, Name} = lists:keyfind(From, 1, Names),
    {Flags, Label, Serial, Name, Last};
named([], _) -> [].

message(W, _) ->
    start_trace(),
    W ! hello,
    receive {seen, hello} -> token([{W, witness}]) end.

exit_to(W, _) ->
    X = spawn(fun() -> link(W), settled(W), start_trace(), exit(why) end),
    receive {seen, settled} -> X ! {seen, settled} end,
    receive {seen, {'EXIT', X, why}} -> token([{W, witness}]) end.

exit_from(W, _) ->
    W ! {link, self()},
    settled(W),
    start_trace(),
    W ! {exit, why},
    receive {'EXIT', W, why} -> token([{W, witness}]) end.

exit2_to(W, _) ->
    start_trace(),
    exit(W, why),
    Self = self(),
    receive {seen, {'EXIT', Self, why}} -> token([{W, witness}]) end.

exit2_from(W, _) ->
    start_trace(),
    W ! {exit2, self(), why},
    receive {'EXIT', W, why} -> token([{W, witness}]) end.

%% No node sends these; a peer of bytes does.
exit2_traced(W, Port, Form) ->
    Name = <<(atom_to_binary(Form))/binary, "@127.0.0.1">>,
    Socket = raw_peer:connect(Port, Name),
    From = binary_to_term(<<131, 88, 119, (byte_size(Name)), Name/binary, 7:32, 0:32, 4:32>>),
    Token = {1, raw, 5, From, 4},
    case Form of
        payload -> raw_peer:send(Socket, {27, From, W, Token}, why);
        whole -> raw_peer:send(Socket, {18, From, W, Token, why}, none)
    end,
    receive {seen, {'EXIT', From, why}} -> ok end,
    Result = token([{W, witness}]),
    gen_tcp:close(Socket),
    Result.

spawn_to(W, _) ->
    start_trace(),
    Id = spawn_request(node(W), demo, run, [self(), tag]),
    Child = receive {spawn_reply, Id, ok, C} -> C end,
    OfReply = token([{Child, child}]),
    receive {demo_run, tag, Child} -> {OfReply, token([{Child, child}])} end.

spawn_refused(W, _) ->
    start_trace(),
    Id = spawn_request(node(W), demo, run, [self(), tag], [{priority, highest}]),
    receive {spawn_reply, Id, error, badopt} -> token([{node(W), node}]) end.

spawn_from(W, _) ->
    start_trace(),
    W ! {ask, node(), ?MODULE, child, [self()]},
    {Child, Given} = receive {child, C, Token} -> {C, Token} end,
    Names = [{W, witness}, {Child, child}],
    OfChild = token(Names),
    receive {seen, {spawn_reply, _, ok, Child}} -> {named(Given, Names), OfChild, token(Names)} end.

child(To) -> To ! {child, self(), seq_trace:get_token()}.

spawn_there(W, _) ->
    start_trace(),
    W ! {start, tag},
    receive {demo_run, tag, Child} -> token([{Child, child}]) end.

reply(#{node := N}) ->
    with_tracer(fun() ->
        {{Echo, N}, {_, {some, label}, Serial, Echo, Last}} =
            traced({some, label}, fun() -> gen_server:call({echo, N}, whoami) end),
        true = Serial > Last,
        true = Last > 0
    end),
    [] = seq_trace:get_token().

%% A puppet that is told to send does it in the trace of who has told it.
through(#{node := N} = Node) ->
    P = puppet(Node),
    Q = puppet(Node),
    Self = self(),
    true = do(Q, {register, tracing_q}),
    Alias = do(Q, alias),
    with_tracer(fun() ->
        [begin
             Ref = make_ref(),
             Told = make_ref(),
             {ok, {_, Label, Serial, Q, Last}} = traced(Label, fun() ->
                 P ! {do, Self, Told, {send, To, {do, Self, Ref, {send, Self, {through, Label}}}}},
                 receive {through, Label} -> ok end
             end),
             true = Serial > Last,
             receive {Told, ok} -> ok end,
             receive {Ref, ok} -> ok end
         end || {Label, To} <- [{one, Q}, {two, {tracing_q, N}}, {three, Alias}]]
    end),
    true = do(Q, {unregister, tracing_q}).

ends(Node) ->
    P = puppet(Node),
    Self = self(),
    Told = make_ref(),
    {ok, {_, label, _, P, _}} = traced(label, fun() ->
        P ! {do, Self, Told, {send, Self, traced}},
        receive traced -> ok end
    end),
    receive {Told, ok} -> ok end,
    seq_trace:set_token([]),
    ok = do(P, {send, Self, untraced}),
    receive untraced -> [] = seq_trace:get_token() end.

plain(Node) ->
    P = puppet(Node),
    Large = binary:copy(<<"large">>, 30000),
    traced(#{any => [term, 1.5]}, fun() -> P ! one, P ! Large, P ! three end),
    [one, Large, three] = mailbox(P),
    [] = seq_trace:get_token().
