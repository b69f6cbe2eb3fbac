%% Links that both sides make and undo at the same time, thousands of times, and ends in the middle of it: everybody gets
%% exactly the exits that are due.
-module(storms).
-export([checks/0]).
-import(interop, [gone/1, puppet/1, puppet/2, do/2, mailbox/1, scaled/2]).

checks() ->
    interop:check_two(
        [{"links and unlinks of both sides cross, and the last one counts", fun crossing/1},
         {"a link is made and undone while an end is on its way", fun ends_in_the_storm/1},
         {"C++ makes and undoes links while ends are on their way", fun ends_in_the_cpp_storm/1},
         {"ends of both sides cross", fun crossing_ends/1},
         {"each of many linked to each other gets each end once", fun everybody/1}]).

%% Both sides at the same pair. Who has the last word does so when all else has arrived.
crossing(Node) ->
    process_flag(trap_exit, true),
    Rounds = scaled(1000, 20000),
    [begin
         P = puppet(Node, trap),
         Other = spawn_link(fun() -> storm(P, Rounds) end),
         Self = self(),
         [begin
              P ! {do, Self, make_ref(), {link, Other}},
              P ! {do, Self, make_ref(), {unlink, Other}}
          end || _ <- lists:seq(1, Rounds)],
         [answered() || _ <- lists:seq(1, 2 * Rounds)],
         Other ! {all_seen, self()},
         receive {Other, done} -> ok end,
         case Last of
             erlang_links -> Other ! {link, self()}, receive {Other, done} -> ok end;
             cpp_links -> ok = do(P, {link, Other});
             nobody -> ok
         end,
         case Ends of
             erlang ->
                 Other ! {exit, {the, end_}},
                 receive {'EXIT', Other, {the, end_}} -> ok end,
                 %% The puppet has heard it before this, if it hears at all.
                 Expected = [{'EXIT', Other, {the, end_}} || Last =/= nobody],
                 true = Expected =:= heard(P, Other);
             cpp ->
                 ok = do(P, {exit, {the, end_}}),
                 gone(P),
                 Other ! {what_came, self()},
                 receive {Other, Mail} -> true = Mail =:= [{'EXIT', P, {the, end_}} || Last =/= nobody] end,
                 Other ! {exit, normal},
                 receive {'EXIT', Other, normal} -> ok end
         end
     end || Last <- [erlang_links, cpp_links, nobody], Ends <- [erlang, cpp]].

%% A process of ours: half of the storm, then what it is told.
storm(P, Rounds) ->
    process_flag(trap_exit, true),
    [begin link(P), unlink(P) end || _ <- lists:seq(1, Rounds)],
    obey(P, []).

obey(P, Mail) ->
    receive
        {all_seen, From} ->
            %% What the puppet has sent before its answers is here.
            From ! {self(), done}, obey(P, Mail);
        {link, From} ->
            %% A message behind the link, answered by the puppet, tells that the link is there.
            link(P), true = is_pid(do(P, self)), From ! {self(), done}, obey(P, Mail);
        {what_came, From} ->
            From ! {self(), lists:reverse(Mail)}, obey(P, Mail);
        {exit, Why} ->
            exit(Why);
        {'EXIT', _, _} = Exit ->
            obey(P, [Exit | Mail])
    end.

%% The puppet's exits, once whatever Pid, which has ended, has sent must be there.
heard(P, Pid) -> [M || {'EXIT', _, _} = M <- all_mail(P, Pid)].

all_mail(P, Pid) -> all_mail(P, do(P, {monitor, Pid}), []).

all_mail(P, Ref, Got) ->
    Mail = Got ++ mailbox(P),
    case lists:keymember(Ref, 2, Mail) of
        true -> Mail;
        false -> all_mail(P, Ref, Mail)
    end.

%% A puppet has done what it was told without waiting for it.
answered() -> receive {Ref, ok} when is_reference(Ref) -> ok end.

%% The exit has been sent, or not, when unlink is called. After that it is too late for it.
ends_in_the_storm(Node) ->
    process_flag(trap_exit, true),
    Late = [begin
         P = puppet(Node),
         link(P),
         P ! {do, self(), make_ref(), {exit, bye}},
         %% In every other round it has been sent for sure.
         I rem 2 =:= 0 orelse answered(),
         [begin unlink(P), link(P) end || _ <- lists:seq(1, rand:uniform(3) - 1)],
         unlink(P),
         Early = min(1, exits_of(P)),
         gone(P),
         I rem 2 =/= 0 orelse answered(),
         receive {'EXIT', P, _} = M -> error({after_unlink, M}) after 0 -> ok end,
         Early
     end || I <- lists:seq(1, scaled(1000, 20000))],
    io:format("    ~b of ~b ends came before the unlink~n", [lists:sum(Late), length(Late)]).

%% With links made anew there may be several.
exits_of(P) ->
    receive {'EXIT', P, Why} -> true = lists:member(Why, [bye, noproc]), 1 + exits_of(P) after 0 -> 0 end.

ends_in_the_cpp_storm(Node) ->
    P = puppet(Node, trap),
    Self = self(),
    Early = [begin
         Pid = spawn(fun() -> receive go -> exit(bye) end end),
         P ! {do, Self, make_ref(), {link, Pid}},
         answered(),
         %% The end is told before or after the unlink is, so that it comes before it, or while it is under way.
         I rem 2 =:= 0 orelse begin Pid ! go, interop:busy_wait(rand:uniform(60)) end,
         P ! {do, Self, make_ref(), {unlink, Pid}},
         P ! {do, Self, make_ref(), {send, P, {unlinked}}},
         I rem 2 =/= 0 orelse begin interop:busy_wait(rand:uniform(200)), Pid ! go end,
         answered(),
         answered(),
         gone(Pid),
         Mail = [M || M <- all_mail(P, Pid), element(1, M) =/= 'DOWN'],
         true = lists:member(Mail, [[{unlinked}], [{'EXIT', Pid, bye}, {unlinked}]]),
         length(Mail) - 1
     end || I <- lists:seq(1, scaled(1000, 20000))],
    io:format("    ~b of ~b ends came before the unlink~n", [lists:sum(Early), length(Early)]).

%% Both ends of a link end at the same time, each with a reason of its own; watchers hear the true ones.
crossing_ends(Node) ->
    [begin
         P = puppet(Node),
         Self = self(),
         {Pid, Ref} = spawn_monitor(fun() ->
             link(P),
             P = do(P, self),
             Self ! linked,
             receive go -> exit(of_erlang) end
         end),
         M = monitor(process, P),
         receive linked -> ok end,
         Pid ! go,
         P ! {do, self(), make_ref(), {exit, of_cpp}},
         Why1 = receive {'DOWN', Ref, process, Pid, R1} -> R1 end,
         Why2 = receive {'DOWN', M, process, P, R2} -> R2 end,
         receive {R, ok} when is_reference(R) -> ok after 0 -> Why2 = of_erlang end,
         true = lists:member({Why1, Why2}, [{of_erlang, of_cpp}, {of_erlang, of_erlang}, {of_cpp, of_cpp}])
     end || _ <- lists:seq(1, scaled(200, 5000))].

%% Every process of one side is linked to every one of the other, some by both, some undone again.
everybody(Node) ->
    Size = scaled(30, 150),
    Self = self(),
    Theirs = [puppet(Node, trap) || _ <- lists:seq(1, Size)],
    Ours = [spawn(fun() -> process_flag(trap_exit, true), member([]) end) || _ <- lists:seq(1, Size)],
    %% For each pair: what each side does, in this order. In the end linked unless the second one undoes it.
    Pairs = [{A, B, lists:nth((I + J) rem 4 + 1, [ours, theirs, both, undone])}
             || {I, A} <- number(Ours), {J, B} <- number(Theirs)],
    [case How of
         ours -> A ! {link, B};
         theirs -> B ! {do, Self, make_ref(), {link, A}};
         both -> A ! {link, B}, B ! {do, Self, make_ref(), {link, A}};
         undone -> A ! {link, B}, A ! {unlink, B}
     end || {A, B, How} <- Pairs],
    [answered() || {_, _, How} <- Pairs, How =:= theirs orelse How =:= both],
    [begin A ! {seen, self()}, receive {A, seen} -> ok end end || A <- Ours],
    %% Every process of ours has told every one of theirs what it does, and their answers come behind that.
    [begin A ! {ask, Theirs, self()}, receive {A, asked} -> ok end end || A <- Ours],
    {EndOurs, EndTheirs} = {every_other(Ours), every_other(Theirs)},
    [exit(A, kill) || A <- EndOurs],
    [B ! {do, Self, make_ref(), {exit, {end_of, B}}} || B <- EndTheirs],
    [answered() || _ <- EndTheirs],
    [gone(X) || X <- EndOurs ++ EndTheirs],
    [begin
         A ! {mail, self()},
         Mail = receive {A, M} -> M end,
         Due = [{'EXIT', B, {end_of, B}} || {A1, B, How} <- Pairs, A1 =:= A, How =/= undone, lists:member(B, EndTheirs)],
         true = lists:sort(Mail) =:= lists:sort(Due)
     end || A <- Ours -- EndOurs],
    [begin
         Due = [{'EXIT', A, killed} || {A, B1, How} <- Pairs, B1 =:= B, How =/= undone, lists:member(A, EndOurs)],
         true = lists:sort(all_heard(B, EndOurs)) =:= lists:sort(Due)
     end || B <- Theirs -- EndTheirs].

all_heard(B, Pids) -> lists:append([heard(B, Pid) || Pid <- Pids]).

number(List) -> lists:zip(lists:seq(1, length(List)), List).

every_other([A, _ | Rest]) -> [A | every_other(Rest)];
every_other(Rest) -> Rest.

member(Mail) ->
    receive
        {link, B} -> link(B), member(Mail);
        {unlink, B} -> unlink(B), member(Mail);
        {seen, From} -> From ! {self(), seen}, member(Mail);
        {ask, All, From} -> [B = do(B, self) || B <- All], From ! {self(), asked}, member(Mail);
        %% What the ended ones have sent has come: a monitor's answer comes behind it.
        {mail, From} -> From ! {self(), settle(Mail)}, member([]);
        {'EXIT', _, _} = Exit -> member([Exit | Mail])
    end.

settle(Mail) -> receive {'EXIT', _, _} = Exit -> settle([Exit | Mail]) after 0 -> Mail end.
