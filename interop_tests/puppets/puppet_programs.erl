%% Random programs for puppets, from a seed.
%%
%% A program is a list of steps, each with its number, which it keeps when others are taken out:
%%
%%   {N, {Slot, Command}}                              the puppet in the slot obeys
%%   {N, {together, [{Slot, Command}]}}                all at the same time
%%   {N, {call, Slot, Server, To, Patience, [{Slot, Command}]}}
%%       one calls the puppet in the slot Server by its pid or a name, and until the call has ended, or after that
%%       (Patience: long or short), the others do something
%%   {N, cut}                                          the connection between the nodes breaks
%%
%% The puppets in odd slots live on node a, those in even ones on node b.
%%
%% What is known only when the program runs is written as {'$', What}: {slot, S}, the pid of the puppet in a slot;
%% {former, S}, of the one before it, which has ended; {unknown, S} and {stale, S}, pids that never were, of this life of
%% its node and an earlier one; {ref, N}, the reference that step N resulted in; {node, a} and {node, b}; `me`, the puppet
%% that obeys, and `other_node`, where it is not; `driver`; `tag` and `alias`, those of the call that is under way.
%%
%% What the steps of a group may be: each sends at most one signal, and only one of them can end processes. Then
%% whatever can be seen afterwards is also an outcome of these steps one after the other, in some order. (What two
%% steps that end processes send may arrive at one process in this order and at another in that one.) A link is among
%% those that end: there may be nobody at its other end. Whoever obeyed may end then a little later, and so does nothing
%% else in the group.
-module(puppet_programs).

-export([program/3, slots/0, side/1]).

slots() -> lists:seq(1, 6).

side(Slot) -> case Slot rem 2 of 1 -> a; 0 -> b end.

program(Seed, Number, Steps) ->
    rand:seed(exsss, {Seed, Number, Steps}),
    Groups = [rand:uniform(Steps) || _ <- lists:seq(1, rand:uniform(3) - 1)],
    {Program, _} = lists:mapfoldl(
        fun(N, Made) ->
            What = case lists:member(N, Groups) of true -> together(N, Made); false -> single(N, Made) end,
            {{N, What}, [{N, What} | Made]}
        end, [], lists:seq(1, Steps)),
    Program.

single(N, Made) ->
    case rand:uniform(36) of
        C when C =< 3 -> call(N, Made);
        C when C =< 5 -> cut;
        _ ->
            Slot = slot(),
            {Slot, command(any, N, Slot, Made)}
    end.

together(N, Made) ->
    [First | Others] = shuffle(slots()),
    {Kind, Slots} = pick([{mild, slots()}, {ends, Others}]),
    Steps = [{S, command(mild, N, S, Made)} || S <- [pick(Slots) || _ <- lists:seq(1, rand:uniform(2))]],
    {together, shuffle([{First, command(Kind, N, First, Made)} | Steps])}.

call(N, Made) ->
    [Caller, Server] = lists:sublist(shuffle(slots()), 2),
    Slots = slots() -- [Caller],
    Meanwhile = [during(N, Caller, Server, S, Made) || S <- [pick(Slots) || _ <- lists:seq(1, rand:uniform(3) - 1)]],
    Last = pick([answer({'$', alias}, N), answer({'$', alias}, N), answer({'$', {slot, Caller}}, N),
                 {exit, reason(N)}, {exit2, {'$', me}, kill}]),
    {call, Caller, Server, pick([pid, pid, {name, name()}, {name_at_node, name()}]), pick([long, long, short]),
     Meanwhile ++ [{Server, Last}]}.

during(N, Caller, Server, Slot, Made) ->
    case rand:uniform(6) of
        1 -> {Slot, {send, {'$', {slot, Caller}}, message(N, Made)}};
        2 -> {Slot, {exit2, {'$', {slot, Caller}}, reason(N)}};
        3 -> {Slot, {exit2, {'$', {slot, Server}}, reason(N)}};
        4 -> {Server, answer(pick([{'$', alias}, {'$', {slot, Caller}}]), N)};
        _ -> {Slot, command(pick([mild, ends]), N, Slot, Made)}
    end.

answer(To, N) -> {send, To, {{'$', tag}, {answer, {'$', me}, N}}}.

command(Kind, N, Slot, Made) -> command(weighted(commands(Kind)), {N, Slot, Made}).

commands(any) ->
    [{1, self}, {2, mailbox}, {4, call}, {3, spawn_request}] ++ commands(mild) ++ commands(ends);
commands(mild) ->
    [{5, unlink}, {5, trap}, {5, register}, {3, unregister}, {10, monitor}, {5, demonitor}, {4, demonitor_flush},
     {4, alias}, {3, unalias}, {14, send}, {8, monitor_node}];
commands(ends) ->
    [{12, link}, {3, exit}, {8, exit2}].

command(self, _) -> self;
command(mailbox, _) -> mailbox;
command(alias, _) -> alias;
command(trap, _) -> {trap, pick([true, true, false])};
command(link, Where) -> {link, pick([pid(), pid(), linked(Where)])};
command(unlink, Where) -> {unlink, pick([pid(), linked(Where), linked(Where)])};
command(exit, {N, _, _}) -> {exit, reason(N)};
command(exit2, {N, Slot, _} = Where) -> {exit2, nearer(Slot, pick([pid(), pid(), linked(Where)])), reason(N)};
command(monitor_node, _) -> {monitor_node, {'$', other_node}};
command(spawn_request, {N, _, _}) ->
    {spawn_request, {'$', other_node}, demo, run, [{'$', driver}, N], pick([true, false]), pick([true, false])};
command(register, _) -> {register, pick([name(), name(), name(), spawner, undefined])};
command(unregister, _) -> {unregister, pick([name(), name(), name(), undefined])};
command(monitor, _) -> {monitor, pick([pid(), pid(), pid(), name(), at_node(name())])};
command(demonitor, Where) -> {demonitor, reference(monitor, Where)};
command(demonitor_flush, Where) -> {demonitor_flush, reference(monitor, Where)};
command(unalias, Where) -> {unalias, reference(alias, Where)};
command(send, {N, _, Made} = Where) ->
    To = pick([pid(), pid(), name(), at_node(name()), reference(alias, Where), reference(alias, Where)]),
    {send, To, message(N, Made)};
command(call, {N, _, _}) -> {call, pick([pid(), pid(), name(), at_node(name())]), {question, N}, {'$', patience}}.

message(N, Made) ->
    case rand:uniform(3) of
        1 -> {message, {'$', me}, N, pick([payload(), {'$', {slot, slot()}}, reference(alias, {N, slot(), Made})])};
        _ -> {message, {'$', me}, N}
    end.

payload() -> pick([<<"binary">>, 1.5, 1 bsl 70, [improper | list], #{key => [value]}, "text", []]).

reason(N) ->
    pick([normal, kill, shutdown, killed, noproc, noconnection, {shutdown, N}, {bye, N}, {bye, N}, {bye, N},
          {bye, payload()}, {{'$', {slot, slot()}}, N}]).

%% The first ones have more to do than the others, so that they have more to do with each other.
slot() -> min(pick(slots()), pick(slots())).

%% Two names more often than not do not exist.
name() -> pick([anna, bert, carl]).

at_node(Name) -> {Name, {'$', {node, pick([a, b])}}}.

pid() ->
    case rand:uniform(20) of
        1 -> {'$', {unknown, slot()}};
        2 -> {'$', {stale, slot()}};
        N when N =< 4 -> {'$', {former, slot()}};
        5 -> {'$', me};
        _ -> {'$', {slot, slot()}}
    end.

%% The BEAM ends a connection over an exit signal to an earlier life of the node at its other end.
nearer(Slot, {'$', {stale, _}}) -> {'$', {stale, Slot}};
nearer(_, Pid) -> Pid.

%% One to which this puppet was once linked, by itself or the other.
linked({_, Slot, Made}) ->
    Pairs = [{S, T} || {_, {S, {link, {'$', {slot, T}}}}} <- Made],
    case [T || {S, T} <- Pairs, S =:= Slot] ++ [S || {S, T} <- Pairs, T =:= Slot] of
        [] -> pid();
        Slots -> {'$', {slot, pick(Slots)}}
    end.

%% One that an earlier step made: mostly the command that fits, mostly by this puppet, mostly lately.
reference(Kind, {N, Slot, Made}) ->
    Fits = fun(monitor, {monitor, _}) -> true; (alias, alias) -> true; (_, _) -> false end,
    Others = [{S, M} || {M, {S, C}} <- Made, is_integer(S), Fits(monitor, C) orelse Fits(alias, C)],
    Fitting = [{S, M} || {M, {S, C}} <- Made, is_integer(S), Fits(Kind, C)],
    Own = [Each || {S, _} = Each <- Fitting, S =:= Slot],
    case {rand:uniform(5), Own, Fitting, Others} of
        {_, _, _, []} -> {'$', {ref, N}};
        {P, [_ | _], _, _} when P > 2 -> recent(Own);
        {P, _, [_ | _], _} when P > 1 -> recent(Fitting);
        _ -> recent(Others)
    end.

recent(List) ->
    {_, N} = lists:nth(min(rand:uniform(length(List)), rand:uniform(length(List))), List),
    {'$', {ref, N}}.

pick(List) -> lists:nth(rand:uniform(length(List)), List).

weighted(Choices) -> weighted(rand:uniform(lists:sum([W || {W, _} <- Choices])), Choices).

weighted(At, [{Weight, What} | _]) when At =< Weight -> What;
weighted(At, [{Weight, _} | Choices]) -> weighted(At - Weight, Choices).

shuffle(List) -> [Each || {_, Each} <- lists:sort([{rand:uniform(), Each} || Each <- List])].
