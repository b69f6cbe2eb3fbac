%% Links, monitors and exit signals, in both directions.
-module(signals).
-export([checks/0]).
-import(interop, [dead/0, gone/1, puppet/1, puppet/2, do/2, mailbox/1, mail/2]).

checks() -> interop:check_kinds(all()).

all() ->
    [{"a monitor tells the true reason", fun monitor_reasons/1},
     {"a monitor by name tells the true reason", fun monitor_by_name/1},
     {"a monitor of a dead pid or an unknown name fires noproc at once", fun monitor_noproc/1},
     {"after demonitor with flush no DOWN arrives", fun demonitor_flush/1},
     {"several monitors of one process each fire once", fun several_monitors/1},
     {"a C++ monitor tells the true reason", fun monitor_reasons_from_cpp/1},
     {"a C++ monitor by name tells the true reason", fun monitor_by_name_from_cpp/1},
     {"a C++ monitor of a dead pid or an unknown name fires noproc", fun monitor_noproc_from_cpp/1},
     {"after a C++ demonitor with flush no DOWN arrives", fun demonitor_flush_from_cpp/1},
     {"a linked C++ process that ends takes an Erlang process along", fun link_cpp_ends/1},
     {"a linked Erlang process that ends takes a C++ process along", fun link_erlang_ends/1},
     {"a process that traps exits gets the reason as a message", fun trapping/1},
     {"a C++ process that traps exits gets the reason as a message", fun trapping_cpp/1},
     {"a normal end of a linked process ends nobody", fun normal_end/1},
     {"links made by C++ work the same", fun links_from_cpp/1},
     {"a link to a dead process gives noproc", fun link_noproc/1},
     {"after unlink no EXIT arrives", fun unlink_then_exit/1},
     {"after a C++ unlink no EXIT arrives", fun unlink_then_exit_cpp/1},
     {"links and unlinks in quick succession end as the last one says", fun link_storm/1},
     {"exit/2 obeys the rules of trapping and kill", fun exit_signals/1},
     {"exit/2 from C++ obeys the rules of trapping and kill", fun exit_signals_from_cpp/1},
     {"nothing from a process arrives after its DOWN", fun down_is_last/1},
     {"a large reason arrives whole", fun large_reason/1},
     {"1000 processes end at once and each end is told once", fun many_ends/1}].

reasons() -> [{R, R} || R <- [normal, shutdown, {shutdown, x}, {abnormal, [<<"term">>, 1.5]}, kill, noconnection]].

monitor_reasons(Node) ->
    [begin
         P = puppet(Node),
         Ref = monitor(process, P),
         ok = do(P, {exit, Reason}),
         receive {'DOWN', Ref, process, P, Got} -> Seen = Got end
     end || {Reason, Seen} <- reasons()],
    P = puppet(Node),
    Ref = monitor(process, P),
    exit(P, kill),
    receive {'DOWN', Ref, process, P, Killed} -> killed = Killed end.

monitor_by_name(#{node := N} = Node) ->
    P = puppet(Node),
    true = do(P, {register, named}),
    Ref = monitor(process, {named, N}),
    %% The monitor follows the process, not the name.
    true = do(P, {unregister, named}),
    ok = do(P, {exit, {some, reason}}),
    receive {'DOWN', Ref, process, {named, N}, Why} -> {some, reason} = Why end.

monitor_noproc(#{node := N} = Node) ->
    P = puppet(Node),
    ok = do(P, {exit, normal}),
    [begin
         Start = erlang:monotonic_time(millisecond),
         Ref = monitor(process, Target),
         receive {'DOWN', Ref, process, Target, noproc} -> ok end,
         true = erlang:monotonic_time(millisecond) - Start < 1000
     end || Target <- [P, {no_such_name, N}]].

demonitor_flush(Node) ->
    P = puppet(Node),
    Ref = monitor(process, P),
    true = demonitor(Ref, [flush]),
    ok = do(P, {exit, bye}),
    nothing(P).

several_monitors(Node) ->
    P = puppet(Node),
    Refs = [monitor(process, P) || _ <- lists:seq(1, 10)],
    demonitor(hd(Refs)),
    ok = do(P, {exit, bye}),
    [receive {'DOWN', Ref, process, P, bye} -> ok end || Ref <- tl(Refs)],
    nothing(P).

monitor_reasons_from_cpp(Node) ->
    P = puppet(Node),
    [begin
         Pid = spawn(fun forever/0),
         Monitor = do(P, {monitor, Pid}),
         end_with(Pid, Reason),
         [{'DOWN', Monitor, process, Pid, Seen}] = mail(P, 1)
     end || {Reason, Seen} <- reasons()],
    Pid = spawn(fun forever/0),
    Monitor = do(P, {monitor, Pid}),
    exit(Pid, kill),
    [{'DOWN', Monitor, process, Pid, killed}] = mail(P, 1).

monitor_by_name_from_cpp(Node) ->
    P = puppet(Node),
    Pid = spawn(fun forever/0),
    register(named, Pid),
    Monitor = do(P, {monitor, {named, node()}}),
    unregister(named),
    end_with(Pid, {some, reason}),
    Here = node(),
    [{'DOWN', Monitor, process, {named, Here}, {some, reason}}] = mail(P, 1).

monitor_noproc_from_cpp(Node) ->
    P = puppet(Node),
    Pid = dead(),
    M1 = do(P, {monitor, Pid}),
    [{'DOWN', M1, process, Pid, noproc}] = mail(P, 1),
    Target = {no_such_name, node()},
    M2 = do(P, {monitor, Target}),
    [{'DOWN', M2, process, Target, noproc}] = mail(P, 1).

demonitor_flush_from_cpp(Node) ->
    P = puppet(Node),
    Pid = spawn(fun forever/0),
    Monitor = do(P, {monitor, Pid}),
    true = do(P, {demonitor_flush, Monitor}),
    false = do(P, {demonitor, Monitor}),
    end_with(Pid, bye),
    [] = mailbox(P),
    %% One that has fired already.
    Dead = do(P, {monitor, Pid}),
    [] = begin timer:sleep(20), do(P, {demonitor_flush, Dead}), mailbox(P) end.

link_cpp_ends(Node) ->
    P = puppet(Node),
    {Pid, Ref} = spawn_monitor(fun() -> link(P), forever() end),
    eventually_linked(Pid, P),
    ok = do(P, {exit, {cpp, ended}}),
    receive {'DOWN', Ref, process, Pid, Why} -> {cpp, ended} = Why end.

link_erlang_ends(Node) ->
    P = puppet(Node),
    Ref = monitor(process, P),
    Pid = spawn(fun() -> link(P), forever() end),
    eventually_linked(Pid, P),
    end_with(Pid, {erlang, ended}),
    receive {'DOWN', Ref, process, P, Why} -> {erlang, ended} = Why end.

trapping(Node) ->
    process_flag(trap_exit, true),
    [begin
         P = puppet(Node),
         link(P),
         ok = do(P, {exit, Reason}),
         receive {'EXIT', P, Got} -> Seen = Got end
     end || {Reason, Seen} <- reasons()],
    P = puppet(Node),
    link(P),
    exit(P, kill),
    receive {'EXIT', P, Killed} -> killed = Killed end.

trapping_cpp(Node) ->
    P = puppet(Node, trap),
    [begin
         Pid = spawn(fun() -> link(P), forever() end),
         eventually_linked(Pid, P),
         end_with(Pid, Reason),
         [{'EXIT', Pid, Seen}] = mail(P, 1)
     end || {Reason, Seen} <- reasons()],
    Pid = spawn(fun() -> link(P), forever() end),
    eventually_linked(Pid, P),
    exit(Pid, kill),
    [{'EXIT', Pid, killed}] = mail(P, 1).

normal_end(Node) ->
    P = puppet(Node),
    Pid = spawn(fun() -> link(P), forever() end),
    eventually_linked(Pid, P),
    end_with(Pid, normal),
    true = is_pid(do(P, self)),
    Other = puppet(Node),
    link(Other),
    ok = do(Other, {exit, normal}),
    gone(Other).

links_from_cpp(Node) ->
    process_flag(trap_exit, true),
    P = puppet(Node),
    ok = do(P, {link, self()}),
    {links, [P]} = process_info(self(), links),
    ok = do(P, {exit, first}),
    receive {'EXIT', P, first} -> ok end,
    Q = puppet(Node),
    Ref = monitor(process, Q),
    Pid = spawn(fun forever/0),
    ok = do(Q, {link, Pid}),
    end_with(Pid, second),
    receive {'DOWN', Ref, process, Q, second} -> ok end.

link_noproc(Node) ->
    process_flag(trap_exit, true),
    P = puppet(Node),
    ok = do(P, {exit, normal}),
    link(P),
    receive {'EXIT', P, noproc} -> ok end,
    Q = puppet(Node, trap),
    Pid = dead(),
    ok = do(Q, {link, Pid}),
    [{'EXIT', Pid, noproc}] = mail(Q, 1).

unlink_then_exit(Node) ->
    process_flag(trap_exit, true),
    P = puppet(Node),
    link(P),
    true = is_pid(do(P, self)),
    unlink(P),
    ok = do(P, {exit, bye}),
    nothing(P),
    %% The exit is on its way when the unlink is made.
    [begin
         Q = puppet(Node),
         link(Q),
         Q ! {do, self(), make_ref(), {exit, bye}},
         unlink(Q),
         receive {'EXIT', Q, bye} -> came_before_unlink after 0 -> ok end,
         receive {Ref, ok} when is_reference(Ref) -> ok end,
         gone(Q)
     end || _ <- lists:seq(1, 50)].

unlink_then_exit_cpp(Node) ->
    P = puppet(Node, trap),
    Pid = spawn(fun forever/0),
    ok = do(P, {link, Pid}),
    ok = do(P, {unlink, Pid}),
    end_with(Pid, bye),
    [] = mailbox(P),
    Q = spawn(fun forever/0),
    link_from(Q, P),
    ok = do(P, {unlink, Q}),
    end_with(Q, bye),
    [] = mailbox(P),
    true = is_pid(do(P, self)).

link_storm(Node) ->
    process_flag(trap_exit, true),
    P = puppet(Node, trap),
    Self = self(),
    [begin
         Pid = spawn(fun() -> [begin link(P), unlink(P) end || _ <- lists:seq(1, 200)], link(P), Self ! ready, forever() end),
         [begin
              P ! {do, self(), make_ref(), {link, Pid}},
              P ! {do, self(), make_ref(), {unlink, Pid}}
          end || _ <- lists:seq(1, 200)],
         [receive {R, ok} when is_reference(R) -> ok end || _ <- lists:seq(1, 400)],
         receive ready -> ok end,
         ok = do(P, {link, Pid}),
         eventually_linked(Pid, P),
         end_with(Pid, {storm, I}),
         [{'EXIT', Pid, {storm, I}}] = mail(P, 1)
     end || I <- lists:seq(1, 5)].

exit_signals(Node) ->
    [begin
         P = puppet(Node),
         Ref = monitor(process, P),
         exit(P, Reason),
         receive {'DOWN', Ref, process, P, Got} -> Seen = Got end
     end || {Reason, Seen} <- [{bye, bye}, {{a, term}, {a, term}}, {kill, killed}, {shutdown, shutdown}]],
    Ignores = puppet(Node),
    exit(Ignores, normal),
    true = is_pid(do(Ignores, self)),
    T = puppet(Node, trap),
    Self = self(),
    exit(T, bye),
    exit(T, normal),
    [{'EXIT', Self, bye}, {'EXIT', Self, normal}] = mailbox(T),
    Ref = monitor(process, T),
    exit(T, kill),
    receive {'DOWN', Ref, process, T, killed} -> ok end,
    exit(T, bye).

exit_signals_from_cpp(Node) ->
    process_flag(trap_exit, true),
    P = puppet(Node),
    ok = do(P, {exit2, self(), bye}),
    receive {'EXIT', P, bye} -> ok end,
    ok = do(P, {exit2, self(), normal}),
    receive {'EXIT', P, normal} -> ok end,
    [begin
         {Pid, Ref} = spawn_monitor(fun forever/0),
         ok = do(P, {exit2, Pid, Reason}),
         receive {'DOWN', Ref, process, Pid, Got} -> Seen = Got end
     end || {Reason, Seen} <- [{bye, bye}, {kill, killed}, {{a, term}, {a, term}}]],
    {Pid, Ref} = spawn_monitor(fun forever/0),
    ok = do(P, {exit2, Pid, normal}),
    true = is_process_alive(Pid),
    end_with(Pid, bye),
    receive {'DOWN', Ref, process, Pid, bye} -> ok end.

down_is_last(Node) ->
    P = puppet(Node),
    Ref = monitor(process, P),
    P ! {do, self(), make_ref(), {flood, self(), n, 5000}},
    P ! {do, self(), make_ref(), {exit, bye}},
    Count = fun Count(N) ->
        receive
            {n, I} -> I = N + 1, Count(I);
            {R, ok} when is_reference(R) -> Count(N);
            {'DOWN', Ref, process, P, bye} -> N
        end
    end,
    5000 = Count(0).

large_reason(Node) ->
    Reason = {large, binary:copy(<<"r">>, 300000), lists:seq(1, 10000)},
    P = puppet(Node),
    Ref = monitor(process, P),
    ok = do(P, {exit, Reason}),
    receive {'DOWN', Ref, process, P, Got} -> true = Got =:= Reason end,
    Q = puppet(Node),
    Pid = spawn(fun forever/0),
    Monitor = do(Q, {monitor, Pid}),
    end_with(Pid, Reason),
    [{'DOWN', Monitor, process, Pid, Same}] = mail(Q, 1),
    true = Same =:= Reason.

many_ends(Node) ->
    process_flag(trap_exit, true),
    Puppets = [puppet(Node) || _ <- lists:seq(1, 1000)],
    Refs = [{P, monitor(process, P)} || P <- Puppets],
    [link(P) || P <- Puppets],
    [exit(P, {bye, 1}) || P <- Puppets],
    [receive {'DOWN', Ref, process, P, {bye, 1}} -> ok end || {P, Ref} <- Refs],
    [receive {'EXIT', P, {bye, 1}} -> ok end || P <- Puppets].

forever() ->
    receive {end_with, Reason} -> exit(Reason); {link, P} -> link(P), forever() end.

%% Returns when what the end of Pid sends out has had time to arrive.
end_with(Pid, Reason) ->
    Monitor = monitor(process, Pid),
    Pid ! {end_with, Reason},
    receive {'DOWN', Monitor, process, Pid, _} -> ok end,
    timer:sleep(20).

link_from(Pid, P) ->
    Pid ! {link, P},
    eventually_linked(Pid, P).

%% The link signal has been sent, and P has handled it when this returns.
eventually_linked(Pid, P) ->
    interop:eventually(fun() -> {links, L} = process_info(Pid, links), lists:member(P, L) end),
    timer:sleep(5),
    true = is_pid(do(P, self)).

%% No signal from P, which has ended, is on its way.
nothing(P) ->
    gone(P),
    {messages, []} = process_info(self(), messages).
