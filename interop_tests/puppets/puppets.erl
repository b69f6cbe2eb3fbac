%% Puppets of demo_node against puppets of the BEAM: the same random programs have to leave the same traces, on two nodes
%% of which any may be ours, and on one.
%%
%% Which programs, is said by the environment, which puppets/run sets.
-module(puppets).
-export([checks/0]).

-define(MOST_DIFFERENCES, 5).
-define(SHRINK_SECONDS, 40).

checks() ->
    interop:also("bad_input/raw_peer"),
    interop:distribute(),
    [Seed, First, Count, Steps] =
        [list_to_integer(os:getenv(Name)) || Name <- ["SEED", "FIRST", "COUNT", "STEPS"]],
    interop:check(io_lib:format("programs ~b to ~b of seed ~b", [First, First + Count - 1, Seed]), 3600000, fun() ->
        [put({node, Name}, start(Name)) || Name <- [beam1, beam2, beam3, beam4, ours1, ours2, ours3, ours4]],
        put(differences, 0),
        [compare(Seed, N, Steps) || N <- lists:seq(First, First + Count - 1)],
        0 = get(differences)
    end).

%% What is compared with what: {Reference, Others}. Those of one line run at the same time, each on nodes of its own.
comparisons() ->
    [{{beam1, beam2}, [{beam3, ours1}, {ours2, beam4}, {ours3, ours4}]},
     {{beam1, beam1}, [{ours1, ours1}]}].

is_beam(Name) -> lists:member(Name, [beam1, beam2, beam3, beam4]).

start(Name) ->
    case is_beam(Name) of
        true ->
            %% Nobody but the programs connects and disconnects.
            Peer = interop:peer(Name, ["-hidden", "-connect_all", "false"]),
            [interop:teach(Peer, Module) || Module <- [beam_puppet, demo]],
            ok = peer:call(maps:get(peer, Peer), beam_puppet, start, []),
            Peer;
        false -> interop:start(Name, [hidden, "schedulers=2"])
    end.

node_of(Name) -> maps:get(node, get({node, Name})).

nodes_of({A, B}) -> {node_of(A), node_of(B)}.

compare(Seed, N, Steps) ->
    Program = puppet_programs:program(Seed, N, Steps),
    [begin
         [Model | Traces] = traces(Program, [Reference | Others]),
         [compare(Seed, N, Steps, Program, Reference, Nodes, {Trace, Model})
          || {Nodes, Trace} <- lists:zip(Others, Traces)]
     end || {Reference, Others} <- comparisons()].

compare(Seed, N, Steps, Program, Reference, Nodes, Traces) ->
    case verdict(Program, Reference, Traces) of
        same -> ok;
        Different ->
            io:format("DIFFERENCE on ~0p: --seed=~b --first=~b --count=1 --steps=~b~n", [Nodes, Seed, N, Steps]),
            put(shrink_until, erlang:monotonic_time(second) + ?SHRINK_SECONDS),
            Again = fun(Fewer) ->
                [Model, Trace] = traces(Fewer, [Reference, Nodes]),
                verdict(Fewer, Reference, {Trace, Model})
            end,
            {Least, {Ours, Beam}} = shrink(Program, Different, Again),
            io:format("    what is needed for it:~n~ts    the BEAM:~n~ts    ours:~n~ts",
                [puppet_trace:write(Least, Least), puppet_trace:write(Beam, Ours), puppet_trace:write(Ours, Beam)]),
            put(differences, get(differences) + 1),
            get(differences) < ?MOST_DIFFERENCES orelse error({differences, ?MOST_DIFFERENCES})
    end.

%% same, or both traces. Ours has to be one that the BEAM may leave. If its first is not the same, more are asked for:
%% with the steps of groups one after the other in every order, and at once a few times more.
verdict(_, _, {Ours, [{Failed, _, _}] = Beam}) when Failed =:= failed; Failed =:= stuck -> {Ours, Beam};
verdict(_, _, {Same, Same}) -> same;
verdict(Program, Reference, {Ours, Beam}) ->
    case allowed(Program, Reference, Ours) of
        true -> same;
        false -> {Ours, Beam}
    end.

allowed(Program, Reference, Ours) ->
    lists:any(fun(Orders) -> puppet_driver:run(Program, nodes_of(Reference), Orders) =:= Ours end,
        orders(Program) ++ lists:duplicate(more_runs(Program), #{})).

%% Without groups the BEAM should never leave another trace.
more_runs(Program) ->
    case [N || {N, {together, _}} <- Program] of
        [] -> 3;
        _ -> 20
    end.

orders([]) -> [#{}];
orders([{N, {together, Steps}} | Program]) ->
    [Orders#{N => Order} || Orders <- orders(Program), Order <- permutations(lists:seq(1, length(Steps)), Steps)];
orders([_ | Program]) -> orders(Program).

%% Those in which the steps of each slot stay in order.
permutations([], _) -> [[]];
permutations(Numbers, Steps) ->
    [[I | Rest] || I <- Numbers, not is_later(I, Numbers, Steps), Rest <- permutations(Numbers -- [I], Steps)].

is_later(I, Numbers, Steps) ->
    Slot = fun(J) -> element(1, lists:nth(J, Steps)) end,
    lists:any(fun(J) -> J < I andalso Slot(J) =:= Slot(I) end, Numbers).

%% The traces that a program leaves on these pairs of nodes.
traces(Program, Pairs) ->
    Running = [spawn_monitor(fun() -> exit({trace, puppet_driver:run(Program, Nodes, #{})}) end)
               || Nodes <- [nodes_of(Pair) || Pair <- Pairs]],
    Traces = [receive {'DOWN', Ref, process, Pid, {trace, Trace}} -> Trace end || {Pid, Ref} <- Running],
    [after_crashes(Pair, Trace) || {Pair, Trace} <- lists:zip(Pairs, Traces)].

after_crashes({A, B}, Trace) ->
    case [Name || Name <- lists:usort([A, B]), not is_beam(Name), not interop:alive(get({node, Name}))] of
        [] -> Trace;
        Crashed -> [put({node, Name}, start(Name)) || Name <- Crashed], [{crashed, Trace}]
    end.

%% Takes out one step after the other, from the last to the first, as long as that leaves a difference and there is
%% time.
shrink(Program, Different, Again) -> shrink(lists:reverse(Program), [], Different, false, Again).

shrink([], Needed, Different, true, Again) -> shrink(lists:reverse(Needed), [], Different, false, Again);
shrink([], Needed, Different, false, _) -> {Needed, Different};
shrink([Step | Earlier], Needed, Different, Shrunk, Again) ->
    Late = erlang:monotonic_time(second) > get(shrink_until),
    case Late orelse Again(lists:reverse(Earlier, Needed)) of
        true -> {lists:reverse(Earlier, [Step | Needed]), Different};
        same -> shrink(Earlier, [Step | Needed], Different, Shrunk, Again);
        StillDifferent -> shrink(Earlier, Needed, StillDifferent, true, Again)
    end.
