%% Traces in a form in which equal ones are equal terms: pids by the order in which they were spawned, references by
%% the order in which they are first seen, the nodes as `a` and `b`.
-module(puppet_trace).

-export([normal/3, write/2]).

%% Trace: {N, Result, Ended} for each step, and {kept, _}, {names, _}.
normal({A, B}, Pids, Trace) ->
    put(references, #{}),
    put(numbers, maps:from_list([{B, b}, {A, a} | lists:zip(Pids, lists:seq(1, length(Pids)))])),
    [entry(Each) || Each <- Trace].

entry({N, Result, Ended}) ->
    {N, term(Result), lists:sort([{term(P), term(Why)} || {P, Why} <- Ended])};
entry({kept, Kept}) -> {kept, [{term(P), windows(Messages)} || {P, Messages} <- Kept]};
entry({names, Names}) -> {names, term(Names)}.

term({kept, Messages}) -> {kept, windows(Messages)};
term(Pid) when is_pid(Pid) ->
    case get(numbers) of
        #{Pid := Number} -> {pid, Number};
        Known -> {pid, maps:get(node(Pid), Known, driver)}
    end;
term(Ref) when is_reference(Ref) ->
    Known = get(references),
    Number = maps:get(Ref, Known, map_size(Known) + 1),
    put(references, Known#{Ref => Number}),
    {ref, Number};
term(Atom) when is_atom(Atom) ->
    maps:get(Atom, get(numbers), Atom);
term(Tuple) when is_tuple(Tuple) -> list_to_tuple([term(Part) || Part <- tuple_to_list(Tuple)]);
term([Head | Tail]) -> [term(Head) | term(Tail)];
term(Map) when is_map(Map) -> maps:from_list([{term(K), term(V)} || {K, V} <- maps:to_list(Map)]);
term(Other) -> Other.

%% What came in each step, {N, Messages}. Those of one sender are in order, those of different senders are not.
windows(has_ended) -> has_ended;
windows(Messages) -> windows(Messages, [], []).

windows([], [], Windows) -> lists:reverse(Windows);
windows([], Window, Windows) -> windows([{mark, last}], Window, Windows);
windows([{mark, _} | Messages], [], Windows) -> windows(Messages, [], Windows);
windows([{mark, N} | Messages], Window, Windows) ->
    Sorted = lists:keysort(1, [{sender(M), M} || M <- lists:reverse(Window)]),
    windows(Messages, [], [{N, downs_in_order([term(M) || {_, M} <- Sorted])} | Windows]);
windows([M | Messages], Window, Windows) -> windows(Messages, [M | Window], Windows).

%% What one end does to several monitors comes in no order.
downs_in_order([]) -> [];
downs_in_order(Messages) ->
    case lists:splitwith(fun(M) -> is_tuple(M) andalso element(1, M) =:= 'DOWN' end, Messages) of
        {[], [First | Others]} -> [First | downs_in_order(Others)];
        {Downs, Others} -> lists:sort(Downs) ++ downs_in_order(Others)
    end.

%% The messages of the programs say themselves who sent them. That a process had a name is known to the monitor only.
%% What a lost connection does comes from nobody, in no order.
sender({'EXIT', P, noconnection}) -> {lost, term(P)};
sender({'DOWN', Ref, process, _, noconnection}) -> {lost, term(Ref)};
sender({'EXIT', P, _}) -> term(P);
sender({'DOWN', _, process, P, _}) when is_pid(P) -> term(P);
sender({'DOWN', Ref, process, _, _}) -> {down, term(Ref)};
sender({'$gen_call', {P, _}, _}) -> term(P);
sender({nodedown, Node}) -> {nodedown, term(Node)};
sender({spawn_reply, _, ok, P}) -> term(P);
sender({spawn_reply, Ref, error, _}) -> {reply, term(Ref)};
sender({message, P, _}) -> term(P);
sender({message, P, _, _}) -> term(P);
sender({[alias | _], {answer, P, _}}) -> term(P).

%% Marks what another trace does not have.
write(Trace, Other) ->
    [io_lib:format("    ~ts ~0tp~n", [case lists:member(Entry, Other) of true -> " "; false -> "!" end, Entry])
     || Entry <- Trace].
