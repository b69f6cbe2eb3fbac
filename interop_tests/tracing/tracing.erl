%% Sequential trace tokens go through C++ processes.
-module(tracing).
-export([checks/0]).
-import(interop, [puppet/1, do/2, mailbox/1]).

checks() -> interop:check_kinds(all()).

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
