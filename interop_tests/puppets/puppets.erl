%% Puppets of demo_node against puppets of the BEAM: the same random programs have to leave the same traces.
%%
%% Which programs, is said by the environment, which puppets/run sets.
-module(puppets).
-export([checks/0]).

-define(MOST_DIFFERENCES, 5).
-define(SHRINK_SECONDS, 40).

checks() ->
    interop:distribute(),
    #{node := Beam} = Peer = interop:peer(beam),
    interop:teach(Peer, beam_puppet),
    ok = peer:call(maps:get(peer, Peer), beam_puppet, start, []),
    [Seed, First, Count, Steps] =
        [list_to_integer(os:getenv(Name)) || Name <- ["SEED", "FIRST", "COUNT", "STEPS"]],
    interop:check(io_lib:format("programs ~b to ~b of seed ~b", [First, First + Count - 1, Seed]), 3600000, fun() ->
        put(beam, Beam),
        start_ours(),
        put(differences, 0),
        [compare(Seed, N, Steps) || N <- lists:seq(First, First + Count - 1)],
        0 = get(differences)
    end).

start_ours() -> put(ours, interop:start([hidden, "schedulers=2"])).

compare(Seed, N, Steps) ->
    Program = puppet_programs:program(Seed, N, Steps),
    case verdict(Program) of
        same -> ok;
        Different ->
            io:format("DIFFERENCE: --seed=~b --first=~b --count=1 --steps=~b~n", [Seed, N, Steps]),
            put(shrink_until, erlang:monotonic_time(second) + ?SHRINK_SECONDS),
            {Least, {Ours, Beam}} = shrink(Program, Different),
            io:format("    what is needed for it:~n~ts    the BEAM:~n~ts    ours:~n~ts",
                [puppet_trace:write(Least, Least), puppet_trace:write(Beam, Ours), puppet_trace:write(Ours, Beam)]),
            put(differences, get(differences) + 1),
            get(differences) < ?MOST_DIFFERENCES orelse error({differences, ?MOST_DIFFERENCES})
    end.

%% same, or both traces. Ours has to be one that the BEAM may leave. If its first is not the same, more are asked for:
%% with the steps of groups one after the other in every order, and at once a few times more.
verdict(Program) ->
    case traces(Program) of
        {Ours, [{Failed, _, _}] = Beam} when Failed =:= failed; Failed =:= stuck -> {Ours, Beam};
        {Same, Same} -> same;
        {Ours, Beam} ->
            case allowed(Program, Ours) of
                true -> same;
                false -> {Ours, Beam}
            end
    end.

allowed(Program, Ours) ->
    lists:any(fun(Orders) -> on_beam(Program, Orders) =:= Ours end,
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

on_beam(Program, Orders) -> puppet_driver:run(Program, get(beam), Orders).

traces(Program) ->
    #{node := Node} = Ours = get(ours),
    {Pid, Ref} = spawn_monitor(fun() -> exit({trace, puppet_driver:run(Program, Node, #{})}) end),
    Beam = on_beam(Program, #{}),
    receive {'DOWN', Ref, process, Pid, {trace, Trace}} -> ok end,
    case interop:alive(Ours) of
        true -> {Trace, Beam};
        false -> start_ours(), {[{crashed, Trace}], Beam}
    end.

%% Takes out one step after the other, from the last to the first, as long as that leaves a difference and there is
%% time.
shrink(Program, Different) -> shrink(lists:reverse(Program), [], Different, false).

shrink([], Needed, Different, true) -> shrink(lists:reverse(Needed), [], Different, false);
shrink([], Needed, Different, false) -> {Needed, Different};
shrink([Step | Earlier], Needed, Different, Shrunk) ->
    Late = erlang:monotonic_time(second) > get(shrink_until),
    case Late orelse verdict(lists:reverse(Earlier, Needed)) of
        true -> {lists:reverse(Earlier, [Step | Needed]), Different};
        same -> shrink(Earlier, [Step | Needed], Different, Shrunk);
        StillDifferent -> shrink(Earlier, Needed, StillDifferent, true)
    end.
