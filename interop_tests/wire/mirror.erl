%% Every control message that two connected nodes may send, sent both ways, and terms of every kind.
%%
%% The nodes are connected over a tap, so that the last check can tell whether all of them have gone over the wire. What
%% goes the one way is named first, the same the other way below it.
-module(mirror).
-export([checks/0, started/2]).
-import(interop, [check/2, eventually/1, dead/0, gone/1, puppet/1, puppet/2, do/2, mailbox/1, mail/2]).

checks() ->
    interop:also("bad_input/raw_peer"),
    interop:also("codec/random_terms"),
    interop:distribute(),
    [with_a_node(Kind, Label, Without, all() ++ [{"all of them have gone over the wire", fun(_) -> Seen() end}])
     || {Kind, Label, Without, Seen} <-
            [{hidden, "", [], fun() -> on_the_wire(new, [atom_cache, fragments]) end},
             {visible, "", [], fun() -> on_the_wire(new, [atom_cache, fragments]) end},
             {hidden, "old forms, ", [send_sender, exit_payload, altact_sig, fragments],
              fun() -> on_the_wire(old, [atom_cache]) end},
             {visible, "no atom cache, ", [atom_cache], fun() -> on_the_wire(new, [fragments]) end},
             {visible, "no fragments, ", [fragments], fun() -> on_the_wire(new, [atom_cache]) end},
             {hidden, "pass-through, ", [atom_cache, fragments], fun() -> on_the_wire(new, [pass_through]) end}]],
    with_a_node(visible, "no spawns, ", [spawn], [{"a SPAWN_REQUEST is answered at home", fun no_spawns/1}]).

with_a_node(Kind, Label, Without, Checks) ->
    Node = wire_tap:start_node(Kind, [Kind], lists:sum([flag(F) || F <- Without])),
    true = lists:member(maps:get(node, Node), nodes(Kind)),
    [check([Label, atom_to_list(Kind), ": ", Name], fun() -> Fun(Node) end) || {Name, Fun} <- Checks],
    interop:stop(Node),
    eventually(fun() -> undefined =:= whereis(wire_tap) end).

flag(atom_cache) -> 16#2000;
flag(send_sender) -> 16#80000;
flag(exit_payload) -> 16#400000;
flag(fragments) -> 16#800000;
flag(spawn) -> 1 bsl 32;
flag(altact_sig) -> 1 bsl 37.

all() ->
    [{"SEND_SENDER, to a pid", fun send/1},
     {"REG_SEND, to a name", fun reg_send/1},
     {"ALIAS_SEND, or ALTACT_SIG_SEND to an alias", fun alias_send/1},
     {"LINK and PAYLOAD_EXIT", fun link_exit/1},
     {"LINK of a dead process, and PAYLOAD_EXIT of nobody", fun link_nobody/1},
     {"UNLINK_ID and UNLINK_ID_ACK", fun unlinks/1},
     {"PAYLOAD_EXIT2", fun exit2/1},
     {"GROUP_LEADER", fun group_leaders/1},
     {"MONITOR_P and PAYLOAD_MONITOR_P_EXIT, by pid", fun monitor_pid/1},
     {"MONITOR_P and PAYLOAD_MONITOR_P_EXIT, by name", fun monitor_name/1},
     {"DEMONITOR_P", fun demonitors/1},
     {"SPAWN_REQUEST with every option, and SPAWN_REPLY", fun spawn_options/1},
     {"SPAWN_REQUEST and SPAWN_REPLY the other way", fun spawn_from_cpp/1},
     {"SPAWN_REQUEST with options that are refused", fun spawn_refused/1},
     {"SEND_SENDER_TT, REG_SEND_TT, ALIAS_SEND_TT", fun traced_sends/1},
     {"PAYLOAD_EXIT_TT", fun traced_exit/1},
     {"SPAWN_REQUEST_TT and SPAWN_REPLY_TT", fun traced_spawn/1},
     {"ALTACT_SIG_SEND of high priority", fun priority/1},
     {"2000 terms, there and back", fun terms/1},
     {"2000 terms as bytes of ours and for ours", fun term_bytes/1}].

send(Node) ->
    P = puppet(Node),
    [P ! {number, I} || I <- lists:seq(1, 100)],
    Expected = [{number, I} || I <- lists:seq(1, 100)],
    Expected = mailbox(P),
    [ok = do(P, {send, self(), {number, I}}) || I <- lists:seq(1, 100)],
    Expected = [receive {number, _} = M -> M end || _ <- Expected].

reg_send(#{node := N} = Node) ->
    P = puppet(Node),
    true = do(P, {register, mirror}),
    {mirror, N} ! {by, name},
    {nobody_at_all, N} ! lost,
    [{by, name}] = mailbox(P),
    true = do(P, {unregister, mirror}),
    register(mirror, self()),
    ok = do(P, {send, {nobody_at_all, node()}, lost}),
    ok = do(P, {send, {mirror, node()}, {by, name}}),
    receive {by, name} -> ok end,
    unregister(mirror).

alias_send(Node) ->
    P = puppet(Node),
    Theirs = do(P, alias),
    Theirs ! one,
    [one] = mailbox(P),
    true = do(P, {unalias, Theirs}),
    Theirs ! lost,
    [] = mailbox(P),
    Ours = alias(),
    ok = do(P, {send, Ours, two}),
    receive two -> ok end,
    true = unalias(Ours),
    ok = do(P, {send, Ours, lost}),
    %% One that ends with its first message.
    Once = alias([reply]),
    ok = do(P, {send, Once, three}),
    ok = do(P, {send, Once, lost}),
    receive three -> ok end,
    %% One that is a monitor.
    Both = monitor(process, P, [{alias, demonitor}]),
    ok = do(P, {send, Both, four}),
    receive four -> ok end,
    demonitor(Both),
    ok = do(P, {send, Both, lost}).

link_exit(Node) ->
    process_flag(trap_exit, true),
    [begin
         P = puppet(Node),
         link(P),
         ok = do(P, {exit, Reason}),
         receive {'EXIT', P, Reason} -> ok end,
         Q = puppet(Node, trap),
         Pid = spawn(fun idle/0),
         ok = do(Q, {link, Pid}),
         Pid ! {exit, Reason},
         [{'EXIT', Pid, Reason}] = mail(Q, 1)
     end || Reason <- [normal, {some, reason}, kill, binary:copy(<<"large">>, 20000)]].

link_nobody(Node) ->
    process_flag(trap_exit, true),
    P = puppet(Node),
    ok = do(P, {exit, normal}),
    link(P),
    receive {'EXIT', P, noproc} -> ok end,
    Q = puppet(Node, trap),
    Dead = dead(),
    ok = do(Q, {link, Dead}),
    [{'EXIT', Dead, noproc}] = mail(Q, 1).

unlinks(Node) ->
    process_flag(trap_exit, true),
    P = puppet(Node, trap),
    Self = self(),
    [begin
         link(P),
         unlink(P),
         ok = do(P, {link, Self}),
         ok = do(P, {unlink, Self})
     end || _ <- lists:seq(1, 50)],
    {links, []} = process_info(self(), links),
    %% To one that has ended: acknowledged all the same.
    Gone = puppet(Node),
    link(Gone),
    ok = do(Gone, {exit, bye}),
    unlink(Gone),
    receive {'EXIT', Gone, bye} -> ok after 0 -> ok end,
    ok = do(P, {exit, quietly}),
    gone(P).

exit2(Node) ->
    process_flag(trap_exit, true),
    Self = self(),
    P = puppet(Node, trap),
    exit(P, {some, reason}),
    exit(P, normal),
    [{'EXIT', Self, {some, reason}}, {'EXIT', Self, normal}] = mailbox(P),
    ok = do(P, {exit2, Self, {some, reason}}),
    receive {'EXIT', P, {some, reason}} -> ok end,
    ok = do(P, {exit2, Self, normal}),
    receive {'EXIT', P, normal} -> ok end,
    Ref = monitor(process, P),
    exit(P, kill),
    receive {'DOWN', Ref, process, P, killed} -> ok end,
    exit(P, to_nobody).

%% What becomes of it is in output.erl.
group_leaders(Node) ->
    P = puppet(Node),
    true = group_leader(self(), P),
    P ! after_it,
    [after_it] = mailbox(P).

monitor_pid(Node) ->
    P = puppet(Node),
    Ref = monitor(process, P),
    ok = do(P, {exit, {some, reason}}),
    receive {'DOWN', Ref, process, P, {some, reason}} -> ok end,
    Late = monitor(process, P),
    receive {'DOWN', Late, process, P, noproc} -> ok end,
    Q = puppet(Node),
    Pid = spawn(fun idle/0),
    Theirs = do(Q, {monitor, Pid}),
    Pid ! {exit, {some, reason}},
    [{'DOWN', Theirs, process, Pid, {some, reason}}] = mail(Q, 1),
    TheirLate = do(Q, {monitor, Pid}),
    [{'DOWN', TheirLate, process, Pid, noproc}] = mail(Q, 1).

monitor_name(#{node := N} = Node) ->
    P = puppet(Node),
    true = do(P, {register, mirror}),
    Ref = monitor(process, {mirror, N}),
    ok = do(P, {exit, bye}),
    receive {'DOWN', Ref, process, {mirror, N}, bye} -> ok end,
    Late = monitor(process, {mirror, N}),
    receive {'DOWN', Late, process, {mirror, N}, noproc} -> ok end,
    Q = puppet(Node),
    Pid = spawn(fun idle/0),
    register(mirror, Pid),
    Here = node(),
    Theirs = do(Q, {monitor, {mirror, Here}}),
    Pid ! {exit, bye},
    [{'DOWN', Theirs, process, {mirror, Here}, bye}] = mail(Q, 1),
    TheirLate = do(Q, {monitor, {mirror, Here}}),
    [{'DOWN', TheirLate, process, {mirror, Here}, noproc}] = mail(Q, 1).

demonitors(#{node := N} = Node) ->
    P = puppet(Node),
    true = do(P, {register, mirror}),
    [true = demonitor(monitor(process, What)) || What <- [P, {mirror, N}]],
    true = do(P, {unregister, mirror}),
    Q = puppet(Node),
    Pid = spawn(fun idle/0),
    register(mirror, Pid),
    [true = do(Q, {demonitor, do(Q, {monitor, What})}) || What <- [Pid, {mirror, node()}]],
    ok = do(P, {exit, bye}),
    end_of(Pid),
    gone(P),
    %% The end of Pid would have told Q before this.
    ok = do(Q, {exit2, Pid, x}),
    [] = mailbox(Q).

%% Spawns.

started(To, Tag) ->
    To ! {Tag, self()},
    idle().

spawn_options(#{node := N}) ->
    process_flag(trap_exit, true),
    Quiet = [[], [{priority, high}], [{priority, low}], [{fullsweep_after, 5}], [{min_heap_size, 1000}],
             [{min_bin_vheap_size, 1000}], [{max_heap_size, 1000000}],
             [{max_heap_size, #{size => 1000000, kill => true, error_logger => false}}],
             [{message_queue_data, on_heap}], [{message_queue_data, off_heap}]]
        ++ [[{async_dist, true}] || release() >= 26],
    [begin
         Id = spawn_request(N, demo, run, [self(), Id0], Options),
         Pid = receive {spawn_reply, Id, ok, P} -> P end,
         receive {demo_run, Id0, Pid} -> ok end
     end || Options <- Quiet, Id0 <- [make_ref()]],
    %% The relations, alone and together, with replies as one likes.
    [begin
         Id = spawn_request(N, demo, fail, [{an, end_}], Options),
         case Reply of
             no -> ok;
             Tag -> receive {Tag, Id, ok, Pid} -> Pid end
         end,
         [receive {'EXIT', P1, {an, end_}} when node(P1) =:= N -> ok end || linked <- Linked],
         [receive {Down, Id, process, P2, {an, end_}} when node(P2) =:= N -> ok end || Down <- Monitored]
     end || {Options, Reply, Linked, Monitored} <-
                [{[link], spawn_reply, [linked], []},
                 {[monitor], spawn_reply, [], ['DOWN']},
                 {[link, monitor], spawn_reply, [linked], ['DOWN']},
                 {[link, {reply, no}], no, [linked], []},
                 {[monitor, {reply, error_only}], no, [], ['DOWN']},
                 {[monitor, {reply, success_only}], spawn_reply, [], ['DOWN']},
                 {[monitor, {reply, yes}, {reply_tag, my_tag}], my_tag, [], ['DOWN']},
                 {[{monitor, [{tag, my_down}]}, {reply_tag, my_tag}], my_tag, [], [my_down]},
                 {[{monitor, [{alias, explicit_unalias}]}, link], spawn_reply, [linked], ['DOWN']}]],
    {Both, Ref} = spawn_opt(N, demo, sleep, [10, x], [link, monitor, {priority, max}]),
    receive {'DOWN', Ref, process, Both, normal} -> ok end,
    receive {'EXIT', Both, normal} -> ok end.

spawn_from_cpp(Node) ->
    P = puppet(Node, trap),
    Here = node(),
    R1 = do(P, {spawn_request, Here, ?MODULE, started, [self(), one], false, false}),
    Pid1 = receive {one, One} -> One end,
    [{spawn_reply, R1, ok, Pid1}] = mail(P, 1),
    Pid1 ! {exit, bye},
    R2 = do(P, {spawn_request, Here, ?MODULE, started, [self(), two], true, true}),
    Pid2 = receive {two, Two} -> Two end,
    {links, [P]} = process_info(Pid2, links),
    Pid2 ! {exit, bye},
    [{spawn_reply, R2, ok, Pid2} | Ends] = mail(P, 3),
    [{'EXIT', Pid2, bye}, {'DOWN', R2, process, Pid2, bye}] = lists:sort(Ends).

spawn_refused(#{node := N}) ->
    process_flag(trap_exit, true),
    %% This node checks those that it knows; ours is asked about the others.
    [begin
         Id = spawn_request(N, demo, run, [self(), x], Options),
         receive {spawn_reply, Id, error, badopt} -> ok end
     end || Options <- [[{priority, highest}], [{priority, highest}, link, monitor], [{message_queue_data, nowhere}],
                        [{fullsweep_after, -1}], [{no_such, option}], [no_such_option]]].

%% Sequential tracing.

traced(Fun) ->
    seq_trace:set_token(label, mirror),
    seq_trace:set_token(send, true),
    Result = Fun(),
    seq_trace:set_token([]),
    Result.

traced_sends(#{node := N} = Node) ->
    P = puppet(Node, trap),
    true = do(P, {register, mirror}),
    Alias = do(P, alias),
    Large = binary:copy(<<"large">>, 30000),
    traced(fun() ->
        P ! by_pid,
        {mirror, N} ! by_name,
        Alias ! by_alias,
        P ! Large,
        exit(P, by_exit)
    end),
    true = do(P, {unregister, mirror}),
    Self = self(),
    [by_pid, by_name, by_alias, Large, {'EXIT', Self, by_exit}] = mailbox(P),
    [] = seq_trace:get_token(),
    register(mirror, self()),
    Ours = alias(),
    [begin
         ok = traced_do(P, {send, To, {to, To}}),
         receive {to, To} -> true = seq_trace:get_token() =/= [] end,
         seq_trace:set_token([])
     end || To <- [Self, {mirror, node()}, Ours]],
    unregister(mirror),
    true = unalias(Ours).

%% The puppet does it in a trace.
traced_do(P, Command) ->
    Ref = make_ref(),
    traced(fun() -> P ! {do, self(), Ref, Command} end),
    receive {Ref, Result} -> seq_trace:set_token([]), Result end.

traced_exit(Node) ->
    P = puppet(Node, trap),
    Pid = spawn(fun() ->
        link(P),
        seq_trace:set_token(label, mirror),
        seq_trace:set_token(send, true),
        receive {exit, Why} -> exit(Why) end
    end),
    eventually(fun() -> {links, L} = process_info(Pid, links), L =:= [P] end),
    Pid ! {exit, a},
    [{'EXIT', Pid, a}] = mail(P, 1),
    %% A message with a token, whose receiver then ends.
    Other = spawn(fun() -> link(P), idle() end),
    eventually(fun() -> {links, L} = process_info(Other, links), L =:= [P] end),
    traced(fun() -> Other ! {exit, {some, reason}} end),
    [{'EXIT', Other, {some, reason}}] = mail(P, 1),
    process_flag(trap_exit, true),
    link(P),
    ok = traced_do(P, {exit, {some, reason}}),
    receive {'EXIT', P, {some, reason}} -> true = seq_trace:get_token() =/= [] end,
    seq_trace:set_token([]).

traced_spawn(#{node := N} = Node) ->
    Id = traced(fun() -> spawn_request(N, demo, run, [self(), traced], [monitor]) end),
    Pid = receive {spawn_reply, Id, ok, P} -> P end,
    receive {demo_run, traced, Pid} -> ok end,
    receive {'DOWN', Id, process, Pid, normal} -> ok end,
    seq_trace:set_token([]),
    Q = puppet(Node),
    R = traced_do(Q, {spawn_request, node(), ?MODULE, started, [self(), traced], false, false}),
    Child = receive {traced, C} -> true = seq_trace:get_token() =/= [], C end,
    seq_trace:set_token([]),
    [{spawn_reply, R, ok, Child}] = mail(Q, 1),
    Child ! {exit, bye}.

%% Where there is such a thing.
priority(Node) ->
    case release() >= 28 of
        true -> priorities(Node);
        false -> ok
    end.

priorities(Node) ->
    process_flag(trap_exit, true),
    P = puppet(Node, trap),
    Self = self(),
    Alias = do(P, alias),
    apply(erlang, send, [Alias, urgent, [priority]]),
    apply(erlang, exit, [P, urgent, [priority]]),
    apply(erlang, exit, [P, kill_me_not, [priority]]),
    [urgent, {'EXIT', Self, urgent}, {'EXIT', Self, kill_me_not}] = mailbox(P),
    Ours = apply(erlang, alias, [[priority]]),
    ok = do(P, {send, Ours, by_priority_alias}),
    receive by_priority_alias -> ok end,
    Q = puppet(Node),
    apply(erlang, link, [Q, [priority]]),
    Ref = apply(erlang, monitor, [process, Q, [priority]]),
    ok = do(Q, {exit, bye}),
    receive {'DOWN', Ref, process, Q, bye} -> ok end,
    receive {'EXIT', Q, bye} -> ok end.

%% Terms.

terms(#{node := N} = Node) ->
    rand:seed(exsss, {1, 2, 3}),
    {Echo, N} = gen_server:call({echo, N}, whoami),
    P = puppet(Node),
    [begin
         T = random_terms:term(),
         Ref = make_ref(),
         Echo ! {self(), Ref, T},
         receive {Ref, Back} -> true = same(T, Back) end,
         P ! {kept, T},
         [{kept, Kept}] = mailbox(P),
         true = same(T, Kept)
     end || _ <- lists:seq(1, interop:scaled(2000, 20000))].

term_bytes(#{node := N}) ->
    rand:seed(exsss, {4, 5, 6}),
    [begin
         T = random_terms:term(),
         true = same(T, binary_to_term(gen_server:call({echo, N}, {t2b, T}, 60000))),
         {ok, Back} = gen_server:call({echo, N}, {b2t, term_to_binary(T)}, 60000),
         true = same(T, Back)
     end || _ <- lists:seq(1, interop:scaled(2000, 20000))].

%% Equal to the last bit: -0.0 is not 0.0.
same(A, B) -> A =:= B andalso term_to_binary(A, [deterministic()]) =:= term_to_binary(B, [deterministic()]).

deterministic() -> case release() >= 26 of true -> deterministic; false -> {minor_version, 2} end.

%% The wire.

on_the_wire(Forms, How) ->
    {Cpp, Erlang} = wire_tap:seen(),
    Alias = case {Forms, release() >= 28} of {new, true} -> [{37, 4}]; _ -> [33] end,
    TracedAlias = case Alias of [33] -> [34]; _ -> [{37, 6}] end,
    {Both, Traced} = case Forms of
        new -> {[22, 24, 26, 28], [23, 25]};
        old -> {[2, 3, 8, 21], [12, 13]}
    end,
    FromBoth = [1, 6, 16, 19, 20, 29, 30, 31, 32, 35, 36] ++ Both ++ Traced ++ Alias ++ TracedAlias ++ How,
    FromErlang = [7] ++ [{37, Flags} || {37, _} <- Alias, Flags <- [5, 17]],
    io:format("    C++ has sent ~0p~n    Erlang has sent ~0p~n", [Cpp, Erlang]),
    [] = FromBoth -- Cpp,
    [] = (FromBoth ++ FromErlang) -- Erlang,
    %% Nothing else. Neither side sends EXIT2_TT, as OTP gives exit/2 no token.
    [] = Cpp -- FromBoth,
    [] = Erlang -- (FromBoth ++ FromErlang).

no_spawns(#{node := N} = Node) ->
    Id = spawn_request(N, demo, add, [1, 2], []),
    receive {spawn_reply, Id, error, notsup} -> ok end,
    P = puppet(Node),
    R = do(P, {spawn_request, node(), ?MODULE, started, [self(), one], false, false}),
    [{spawn_reply, R, error, notsup}] = mail(P, 1).

%% Processes.

release() -> random_terms:release().

idle() -> receive {exit, Why} -> exit(Why) end.

end_of(Pid) ->
    Pid ! {exit, bye},
    gone(Pid).
