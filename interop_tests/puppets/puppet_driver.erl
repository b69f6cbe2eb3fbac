%% Runs a program of puppet_programs on two nodes and returns its trace: what every step resulted in and who ended, in
%% the end what every puppet that lives has kept, and who has the names.
%%
%% A step is over when nothing that it caused is on its way. So after each step the puppet that obeyed sends to each
%% one a request, which arrives behind the signals of the step (they travel in pairs of processes, in order), and each
%% answers. Signals to nobody are answered by the scheduler that would have had the receiver, so on each scheduler of each
%% node a puppet takes part that does nothing else, a witness. What came back over the connection of the nodes is there
%% when what the witnesses send each other over it has arrived. If a puppet has ended meanwhile, all this is done again for
%% what it has sent to others. Then every puppet gets a mark, so that it can be seen which messages came in which step.
-module(puppet_driver).

-export([run/3]).

-define(PATIENCE, 10000).

%% What a call that nobody answers has to wait.
-define(SHORT, 3).

%% Orders: #{N => Order}. The steps of group N are not taken together, but one after the other, the Order says which
%% first ([2, 1, 3]).
run(Program, {_, _} = Nodes, Orders) ->
    {Pid, Ref} = spawn_monitor(fun() -> exit({done, run_here(Program, Nodes, Orders)}) end),
    receive
        {'DOWN', Ref, process, Pid, {done, Trace}} -> Trace;
        {'DOWN', Ref, process, Pid, {stuck, Step, Why}} -> [{stuck, Step, Why}];
        {'DOWN', Ref, process, Pid, Why} -> [{failed, none, Why}]
    end.

run_here(Program, {A, B} = Nodes, Orders) ->
    put(nodes, #{a => A, b => B}),
    put(pids, #{all => []}),
    put(references, #{}),
    put(ended, []),
    put(names, #{}),
    put(busy, none),
    put(tag, none),
    put(step, start),
    put(witnesses, [spawn_on(Side, Scheduler, plain) || Side <- [a, b], Scheduler <- [0, 1]]),
    try
        [spawn_into(Slot) || Slot <- puppet_programs:slots()],
        Steps = [step(Step, Orders) || Step <- Program],
        put(step, finish),
        Kept = [{P, do(P, mailbox)} || P <- living()],
        Names = [{To, holder(To)} || To <- names()],
        puppet_trace:normal(Nodes, maps:get(all, get(pids)), Steps ++ [{kept, Kept}, {names, Names}])
    after
        %% Nothing may be left for the next program.
        [exit(P, kill) || P <- living() ++ get(witnesses)],
        [receive {'DOWN', _, process, P, _} -> ok after ?PATIENCE -> stuck(P) end || P <- living() ++ get(witnesses)],
        [noproc = holder(To) || To <- names()]
    end.

names() -> [{Name, Node} || Node <- different_nodes(), Name <- [anna, bert, carl]].

different_nodes() ->
    case get(nodes) of
        #{a := Node, b := Node} -> [Node];
        #{a := A, b := B} -> [A, B]
    end.

stuck(Why) -> exit({stuck, get(step), Why}).

%% Puppets.

spawn_into(Slot) ->
    Pids = get(pids),
    All = maps:get(all, Pids),
    Number = length(All) + 1,
    Kind = case Number rem 3 of 0 -> trap; _ -> plain end,
    %% Half of the puppets run on another scheduler.
    Pid = spawn_on(puppet_programs:side(Slot), Number div 2 rem 2, Kind),
    put(pids, Pids#{all => All ++ [Pid], {slot, Slot} => Pid, {former, Slot} => maps:get({slot, Slot}, Pids, none)}).

spawn_on(Side, Scheduler, Kind) ->
    Pid = gen_server:call({spawner, node_of(Side)}, {spawn, Kind, Scheduler}, ?PATIENCE),
    monitor(process, Pid),
    Pid.

node_of(Side) -> maps:get(Side, get(nodes)).

other_node(Node) ->
    case get(nodes) of
        #{a := Node, b := Node} -> throw(impossible);
        #{a := Node, b := Other} -> Other;
        #{a := Other} -> Other
    end.

in_slot(Slot) -> maps:get({slot, Slot}, get(pids)).

ended(Pid) -> lists:keymember(Pid, 1, get(ended)).

living() -> [P || P <- maps:get(all, get(pids)), not ended(P)].

%% Whoever has to obey and has ended is replaced.
revive(Slot) ->
    has_ended_now(),
    case ended(in_slot(Slot)) of
        true -> spawn_into(Slot);
        false -> ok
    end.

%% Notes who has ended, as far as it has been heard.
has_ended_now() ->
    receive {'DOWN', _, process, P, Why} -> note_end(P, Why), has_ended_now() after 0 -> ok end.

note_end(P, Why) -> put(ended, get(ended) ++ [{P, Why}]).

%% Steps.

step({N, What}, Orders) ->
    put(step, N),
    Before = get(ended),
    Result = perform(N, What, Orders),
    [P ! {mark, N} || P <- living()],
    collect([{P, direct(P)} || P <- living()]), % before anything of the next step
    {N, Result, lists:sort(get(ended) -- Before)}.

perform(N, {together, Steps}, Orders) ->
    [revive(Slot) || {Slot, _} <- Steps],
    case Orders of
        #{N := Order} ->
            Results = [{I, obey(Slot, Command)} || I <- Order, {Slot, Command} <- [lists:nth(I, Steps)]],
            [Result || {_, Result} <- lists:sort(Results)];
        #{} ->
            Results = [finish(Begun) || Begun <- [start(Slot, Command) || {Slot, Command} <- Steps]],
            settle(lists:usort([in_slot(Slot) || {Slot, _} <- Steps])),
            Results
    end;
perform(N, {call, Caller, Server, To, Patience, Others}, _) ->
    revive(Caller),
    revive(Server),
    during_call(N, Caller, Server, To, Patience, Others);
perform(_, cut, _) ->
    cut(node_of(a), node_of(b));
perform(N, {Slot, Command}, _) ->
    revive(Slot),
    Result = obey(Slot, Command),
    is_reference(Result) andalso put(references, maps:put(N, Result, get(references))),
    Result.

%% The puppet obeys, and everything is quiet again.
obey(Slot, Command) ->
    Result = finish(start(Slot, Command)),
    is_tuple(Command) andalso element(1, Command) =:= spawn_request andalso is_reference(Result) andalso
        await_spawned(element(5, Command)),
    settle([in_slot(Slot)]),
    Result.

%% The process that another node has started has ended.
await_spawned([_, Tag]) ->
    receive
        {demo_run, Tag, Pid} ->
            Ref = monitor(process, Pid),
            receive {'DOWN', Ref, process, Pid, _} -> ok after ?PATIENCE -> stuck({does_not_end, Pid}) end
    after ?PATIENCE -> stuck(nothing_spawned)
    end.

%% The nodes are connected again in the end, as before.
cut(Node, Node) ->
    ok;
cut(A, B) ->
    settle([]),
    {There, Here} = lists:partition(fun(W) -> node(W) =:= B end, get(witnesses)),
    [do(W, {monitor_node, other_node(node(W))}) || W <- Here ++ There],
    Stranger = stranger(A, B),
    [await_nodedown(W) || W <- Here ++ There],
    [do(W, {monitor_node, A}) || W <- There],
    gen_tcp:close(Stranger),
    [await_nodedown(W) || W <- There],
    settle([]).

%% Breaks the connection, whatever the nodes are: somebody who says that it is A has a new one to B, which gives up the old
%% one for that.
stranger(A, B) ->
    [Name, _] = string:split(atom_to_list(B), "@"),
    {port, Port, _} = erl_epmd:port_please(Name, {127, 0, 0, 1}),
    {<<"alive">>, Socket} = raw_peer:dial(Port, atom_to_binary(A)),
    ok = gen_tcp:send(Socket, <<"strue">>),
    {ok, _, Socket} = raw_peer:finish(Socket, atom_to_list(erlang:get_cookie())),
    Socket.

await_nodedown(W) -> await_nodedown(W, erlang:monotonic_time(millisecond) + ?PATIENCE).

await_nodedown(W, End) ->
    case [Node || {nodedown, Node} <- do(W, mailbox)] of
        [_] -> ok;
        [] ->
            erlang:monotonic_time(millisecond) < End orelse stuck({no_nodedown, W}),
            await_nodedown(W, End)
    end.

start(Slot, Command) ->
    P = in_slot(Slot),
    has_ended_now(),
    case {ended(P), resolve(Command, P)} of
        {true, _} -> {finished, has_ended};
        {_, impossible} -> {finished, impossible};
        {_, Resolved} ->
            Ref = make_ref(),
            P ! {do, self(), Ref, Resolved},
            {started, P, Ref, Resolved}
    end.

finish({finished, Result}) -> Result;
finish({started, P, Ref, Command}) -> result(P, Command, answer(P, Ref)).

result(_, {call, _, _, _}, {exit, {Reason, _}}) -> {exit, Reason};
result(_, mailbox, Kept) when is_list(Kept) -> {kept, Kept};
result(P, {register, Name}, true) -> put(names, maps:put({Name, node(P)}, P, get(names))), true;
result(P, {unregister, Name}, true) -> put(names, maps:remove({Name, node(P)}, get(names))), true;
result(_, _, Result) -> Result.

answer(P, Ref) ->
    case ended(P) of
        true -> receive {Ref, Result} -> Result after 0 -> has_ended end;
        false ->
            receive
                {Ref, Result} -> Result;
                {'DOWN', _, process, P, Why} -> note_end(P, Why), has_ended
            after ?PATIENCE -> stuck({silent, P})
            end
    end.

do(P, Command) ->
    Ref = make_ref(),
    P ! {do, self(), Ref, Command},
    answer(P, Ref).

%% Waits until what the puppets Active have caused has arrived, and what this has caused too: first at whom they sent it
%% to, then, as there may have been answers for them, on the way between the nodes and at all.
settle(Active) ->
    Ended = get(ended),
    Asked = [P || P <- living(), P =/= get(busy)] ++ get(witnesses),
    Senders = [A || A <- Active, A =/= get(busy), not ended(A)],
    collect([{P, request(A, P)} || A <- Senders, P <- Asked]),
    collect([{W, request(V, W)} || V <- get(witnesses), W <- get(witnesses), node(V) =/= node(W)]),
    collect([{P, direct(P)} || P <- Asked, not ended(P)]),
    has_ended_now(),
    case get(ended) of
        Ended -> ok;
        _ -> settle(Active)
    end.

direct(P) ->
    Ref = make_ref(),
    P ! {do, self(), Ref, self},
    {direct, Ref}.

request(By, To) ->
    Sent = make_ref(),
    Arrived = make_ref(),
    By ! {do, self(), Sent, {send, To, {do, self(), Arrived, self}}},
    {by, By, Sent, Arrived}.

collect(Requests) -> [collect(P, Request) || {P, Request} <- Requests].

collect(P, {direct, Ref}) -> answer(P, Ref);
collect(P, {by, By, Sent, Arrived}) ->
    case answer(By, Sent) of
        ok -> answer(P, Arrived);
        has_ended -> ok
    end.

%% A call with company.
during_call(N, Caller, Server, To, Patience, Others) ->
    Named = name_server(Server, To),
    {A, B} = {in_slot(Caller), in_slot(Server)},
    Time = case Patience of long -> ?PATIENCE div 2; short -> ?SHORT end,
    Call = {call, case Named of true -> address(To, A, B); _ -> B end, {question, N}, Time},
    Ref = make_ref(),
    A ! {do, self(), Ref, Call},
    {First, Question, Kept} = wait_for_question(Patience, A, B, N, Ref, []),
    put(busy, case First of none -> A; _ -> none end),
    put(tag, Question),
    Results = [meanwhile(A, Slot, Command) || {Slot, Command} <- Others, Question =/= none],
    put(busy, none),
    Result = case First of none -> answer(A, Ref); _ -> First end,
    settle([A]),
    %% The end of B may end A too, before or after it has said what became of the call.
    {Named, {kept, Kept}, Results, case ended(A) of true -> has_ended; false -> result(A, Call, Result) end}.

name_server(Server, {_, Name}) -> obey(Server, {register, Name});
name_server(_, pid) -> none.

address({name, Name}, A, B) when node(A) =:= node(B) -> Name;
address({_, Name}, _, B) -> {Name, node(B)}.

meanwhile(A, Slot, Command) ->
    case in_slot(Slot) of
        A -> busy;
        _ -> obey(Slot, Command)
    end.

%% How the call ended if it has, the tag of the question if it came, and what B has kept.
wait_for_question(short, A, B, N, Ref, _) ->
    Result = answer(A, Ref),
    settle([A]),
    Kept = kept(B),
    {Result, question(A, N, Kept), Kept};
wait_for_question(long, A, B, N, Ref, Before) ->
    Kept = Before ++ kept(B),
    receive
        {Ref, Result} -> {Result, none, Kept};
        {'DOWN', _, process, A, Why} -> note_end(A, Why), {has_ended, none, Kept}
    after 0 ->
        case question(A, N, Kept) of
            none -> wait_for_question(long, A, B, N, Ref, Kept);
            Tag -> {none, Tag, Kept}
        end
    end.

kept(P) ->
    case do(P, mailbox) of
        has_ended -> [];
        Kept -> Kept
    end.

question(A, N, Kept) ->
    case [Tag || {'$gen_call', {Who, Tag}, {question, M}} <- Kept, Who =:= A, M =:= N] of
        [Tag] -> Tag;
        [] -> none
    end.

%% What stands for what.
resolve(Command, Me) ->
    try replace(Command, [{me, Me}, {command, Command}])
    catch throw:impossible -> impossible
    end.

replace({'$', me}, [{me, Me} | _]) -> Me;
replace({'$', other_node}, [{me, Me} | _]) -> other_node(node(Me));
replace({'$', patience}, [{me, Me}, {command, {call, To, _, _}}]) -> patience(To, Me);
replace({'$', What}, _) -> value(What);
replace(Tuple, Context) when is_tuple(Tuple) ->
    list_to_tuple([replace(Part, Context) || Part <- tuple_to_list(Tuple)]);
replace([Head | Tail], Context) -> [replace(Head, Context) | replace(Tail, Context)];
replace(Other, _) -> Other.

value({slot, Slot}) -> in_slot(Slot);
value({former, Slot}) ->
    case maps:get({former, Slot}, get(pids)) of
        none -> value({unknown, Slot});
        Pid -> Pid
    end;
value({ref, N}) ->
    case get(references) of
        #{N := Ref} -> Ref;
        _ -> throw(impossible)
    end;
value({node, Side}) -> node_of(Side);
value(driver) -> self();
value(tag) -> get(tag);
value(alias) -> [alias | Alias] = get(tag), Alias;
value({unknown, Slot}) -> pid_like(in_slot(Slot), 1000, 0);
value({stale, Slot}) -> pid_like(in_slot(Slot), 0, 1).

%% A pid of the same node that no process has, or one of an earlier life of the node.
pid_like(Pid, Later, Older) ->
    Whole = term_to_binary(Pid),
    Size = byte_size(Whole) - 8,
    <<Start:Size/binary, Serial:32, Creation:32>> = Whole,
    binary_to_term(<<Start/binary, (Serial + Later):32, (Creation - Older):32>>).

%% Only a call that reaches somebody, who is not going to answer, times out.
patience({'$', {slot, Slot}}, _) -> patience_with(in_slot(Slot));
patience({'$', me}, _) -> ?SHORT;
patience({Name, {'$', {node, Side}}}, _) -> patience_named({Name, node_of(Side)});
patience(Name, Me) when is_atom(Name) -> patience_named({Name, node(Me)});
patience(_, _) -> ?PATIENCE div 2.

patience_named(To) ->
    case get(names) of
        #{To := Pid} -> patience_with(Pid);
        _ -> ?PATIENCE div 2
    end.

patience_with(Pid) ->
    case ended(Pid) of
        true -> ?PATIENCE div 2;
        false -> ?SHORT
    end.

%% The puppet with this name, if one has it.
holder(To) ->
    Monitor = monitor(process, To),
    Ref = make_ref(),
    To ! {do, self(), Ref, self},
    receive
        {Ref, Pid} -> demonitor(Monitor, [flush]), Pid;
        {'DOWN', Monitor, process, _, Why} -> Why
    after ?PATIENCE -> stuck({holder, To})
    end.
