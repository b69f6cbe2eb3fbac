%% Processes that one node starts on the other.
-module(spawning).
-export([checks/0, served/2]).
-import(interop, [puppet/1, puppet/2, do/2, mail/2]).

checks() -> interop:check_kinds(all()).

all() ->
    [{"spawn starts a C++ function", fun spawn_plain/1},
     {"spawn_link and spawn_monitor hold from the first moment", fun related/1},
     {"spawn_request answers with the pid", fun request/1},
     {"what is not served ends with undef", fun undefined/1},
     {"options that do not exist are refused", fun bad_options/1},
     {"1000 processes start at once", fun many/1},
     {"C++ starts an Erlang function", fun spawn_from_cpp/1},
     {"a C++ spawn with link and monitor holds both", fun related_from_cpp/1},
     {"a C++ spawn of an undefined function ends with undef", fun undefined_from_cpp/1},
     {"a C++ spawn that is refused says why", fun refused_from_cpp/1}].

%% What C++ starts here.
served(To, Tag) ->
    To ! {Tag, self()},
    receive {exit, Why} -> exit(Why) end.

spawn_plain(#{node := N}) ->
    Pid = spawn(N, demo, run, [self(), here]),
    N = node(Pid),
    receive {demo_run, here, Pid} -> ok end.

related(#{node := N}) ->
    process_flag(trap_exit, true),
    Linked = spawn_link(N, demo, fail, [{on, purpose}]),
    receive {'EXIT', Linked, {on, purpose}} -> ok end,
    {Watched, Ref} = spawn_monitor(N, demo, fail, [why]),
    receive {'DOWN', Ref, process, Watched, why} -> ok end,
    {Normal, Ref2} = spawn_opt(N, demo, sleep, [50, x], [monitor, link, {priority, high}]),
    receive {'DOWN', Ref2, process, Normal, normal} -> ok end,
    receive {'EXIT', Normal, normal} -> ok end,
    %% Its end takes the C++ process along.
    Parent = self(),
    {Middle, Ref3} = spawn_monitor(fun() -> Parent ! {child, spawn_link(N, demo, sleep, [60000, x])} end),
    receive {'DOWN', Ref3, process, Middle, normal} -> ok end,
    receive {child, Child} -> Ref4 = monitor(process, Child) end,
    exit(Child, enough),
    receive {'DOWN', Ref4, process, Child, Why} -> true = lists:member(Why, [enough, noproc]) end,
    process_flag(trap_exit, false).

request(#{node := N}) ->
    Id = spawn_request(N, demo, run, [self(), asked], [monitor, {reply_tag, answer}]),
    receive {answer, Id, ok, Pid} -> ok end,
    receive {demo_run, asked, Pid} -> ok end,
    receive {'DOWN', Id, process, Pid, normal} -> ok end.

undefined(#{node := N}) ->
    [begin
         {Pid, Ref} = spawn_monitor(N, M, F, A),
         receive {'DOWN', Ref, process, Pid, {undef, [{M, F, A, []} | _]}} -> ok end
     end || {M, F, A} <- [{os, cmd, ["true"]}, {demo, add, [1]}, {demo, nothing, []}]],
    {Pid, Ref} = spawn_monitor(N, fun() -> ok end),
    receive {'DOWN', Ref, process, Pid, {undef, [{erlang, apply, [_, []], []} | _]}} -> ok end.

bad_options(#{node := N}) ->
    %% The caller's own node lets none through, but for one of a newer release.
    Id = spawn_request(N, demo, add, [1, 2], [{message_queue_data, on_heap}, monitor]),
    receive {spawn_reply, Id, ok, Pid} -> ok end,
    receive {'DOWN', Id, process, Pid, normal} -> ok end.

many(#{node := N}) ->
    Ids = [spawn_request(N, demo, run, [self(), I], []) || I <- lists:seq(1, 1000)],
    [receive {spawn_reply, Id, ok, _} -> ok end || Id <- Ids],
    [receive {demo_run, I, _} -> ok end || I <- lists:seq(1, 1000)].

spawn_from_cpp(Node) ->
    P = puppet(Node),
    Ref = do(P, {spawn_request, node(), ?MODULE, served, [self(), here], false, false}),
    receive {here, Pid} -> ok end,
    [{spawn_reply, Ref, ok, Pid}] = mail(P, 1).

related_from_cpp(Node) ->
    P = puppet(Node, trap),
    Ref = do(P, {spawn_request, node(), ?MODULE, served, [self(), both], true, true}),
    receive {both, Pid} -> ok end,
    Pid ! {exit, {some, reason}},
    [{spawn_reply, Ref, ok, Pid} | Ends] = mail(P, 3),
    [{'EXIT', Pid, {some, reason}}, {'DOWN', Ref, process, Pid, {some, reason}}] = lists:sort(Ends).

undefined_from_cpp(Node) ->
    P = puppet(Node),
    Ref = do(P, {spawn_request, node(), ?MODULE, nothing, [1], false, true}),
    [{spawn_reply, Ref, ok, Pid}, {'DOWN', Ref, process, Pid, {undef, _}}] = mail(P, 2).

refused_from_cpp(Node) ->
    P = puppet(Node),
    Ref = do(P, {spawn_request, 'nobody@127.0.0.1', ?MODULE, served, [], false, false}),
    [{spawn_reply, Ref, error, noconnection}] = mail(P, 1).
