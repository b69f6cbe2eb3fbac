%% What all checks share: running them, C++ nodes, other Erlang nodes, and what happens in them.
-module(interop).

-export([main/1, also/1, scaled/2, start_checks/0, finish/0, check/2, check/3, eventually/1, eventually/2, busy_wait/1, together/1]).
-export([start/2, start_failing/2, check_kinds/1, check_two/1, log/1, said/2, status/1, signal/2, kill/1, stop/1, alive/1, resident/1, port_of/1, told/3]).
-export([failure/1, gone/1, dead/0, puppet/1, puppet/2, do/2, mailbox/1, mail/2]).
-export([peer/1, peer/2, teach/2, distribute/0, distribute/1]).

-define(CLIENT, 'client@127.0.0.1').

%% Runs checks/0 of the module in Path, with all modules of its folder at hand.
main(Path) ->
    try
        Modules = [load(File) || File <- filelib:wildcard(filename:dirname(Path) ++ "/*.erl")],
        Module = list_to_atom(filename:basename(Path, ".erl")),
        true = lists:member(Module, Modules),
        start_checks(),
        Module:checks(),
        finish()
    catch
        Class:Reason:Stack ->
            io:format("FAILED: ~p: ~p~n~p~n", [Class, Reason, Stack]),
            halt(1)
    end.

load(File) ->
    {ok, Module, Beam} = compile:file(File, [binary, report]),
    {module, Module} = code:load_binary(Module, File, Beam),
    Module.

%% Loads a module of another folder of interop_tests.
also(Path) ->
    {source, Here} = lists:keyfind(source, 1, ?MODULE:module_info(compile)),
    load(filename:join([filename:dirname(Here), "..", Path ++ ".erl"])).

%% How much a check does: the first in everyday runs, the second if the environment has ERLPP_LONG.
scaled(Everyday, Long) ->
    case os:getenv("ERLPP_LONG", "") of
        "" -> Everyday;
        _ -> Long
    end.

start_checks() -> put(failed, 0).

%% Ends the VM; the exit status tells whether all checks went well.
finish() ->
    Failed = get(failed),
    Failed =:= 0 orelse io:format("~b checks failed~n", [Failed]),
    halt(min(Failed, 1)).

%% Joins the cluster. Not at the start of the VM, since the EPMD may be one that a check has to start first.
distribute() -> distribute(?CLIENT).

distribute(Name) ->
    case node() of
        Name -> ok;
        _ -> distribute(Name, 50)
    end.

distribute(Name, Tries) ->
    logger:set_primary_config(level, none),
    case net_kernel:start([Name, longnames]) of
        {ok, _} -> logger:set_primary_config(level, critical), ok;
        {error, _} when Tries > 0 -> timer:sleep(100), distribute(Name, Tries - 1);
        {error, Why} -> error({cannot_distribute, Why})
    end.

%% Runs Fun in a process of its own, which must end without a message left in its mailbox.
check(Name, Fun) -> check(Name, 60000, Fun).

check(Name, Time, Fun) ->
    Start = erlang:monotonic_time(millisecond),
    {Pid, Ref} = spawn_monitor(fun() ->
        Fun(),
        {messages, Left} = process_info(self(), messages),
        Left =:= [] orelse exit({left_in_mailbox, lists:sublist(Left, 5)})
    end),
    Result =
        receive
            {'DOWN', Ref, process, _, normal} -> ok;
            {'DOWN', Ref, process, _, Reason} -> Reason
        after Time ->
            Where = process_info(Pid, [current_stacktrace, messages]),
            exit(Pid, kill),
            receive {'DOWN', Ref, process, _, _} -> {not_done_in_ms, Time, Where} end
        end,
    Took = erlang:monotonic_time(millisecond) - Start,
    case Result of
        ok ->
            io:format("ok ~ts (~b ms)~n", [Name, Took]);
        _ ->
            put(failed, get(failed) + 1),
            io:format("FAILED ~ts (~b ms): ~0tP~n", [Name, Took, Result, 60])
    end.

%% Waits until Fun is true.
eventually(Fun) -> eventually(Fun, 10000).

eventually(Fun, Milliseconds) ->
    eventually_until(Fun, erlang:monotonic_time(millisecond) + Milliseconds).

eventually_until(Fun, End) ->
    case Fun() of
        true ->
            ok;
        Other ->
            erlang:monotonic_time(millisecond) < End orelse error({never_true, Other}),
            timer:sleep(20),
            eventually_until(Fun, End)
    end.

busy_wait(Microseconds) ->
    End = erlang:monotonic_time(microsecond) + Microseconds,
    (fun Wait() -> erlang:monotonic_time(microsecond) >= End orelse Wait() end)().

%% Runs all at the same time.
together(Funs) ->
    Running = [spawn_monitor(Fun) || Fun <- Funs],
    [receive {'DOWN', Ref, process, Pid, Why} -> normal = Why end || {Pid, Ref} <- Running],
    ok.

%% C++ nodes. A node is a map: `node` is its name, `os` its process id.

%% Starts one and waits for its READY. Options: words for the command line, {env, "VARIABLE=VALUE"} (or another argument
%% of env), {host, Address}: the part of its name behind the @, {first, cpp}: it connects to this node before it says
%% READY, and {cookie, Text}.
start(Name, Options) ->
    Node = launch(Name, Options),
    eventually(fun() -> is_ready(Node) end, 30000),
    Node.

%% Starts one that is not going to be ready, and waits for its end.
start_failing(Name, Options) ->
    Node = launch(Name, Options),
    eventually(fun() -> status(Node) =/= running end, 30000),
    Node.

launch(Name, Options) ->
    Id = atom_to_list(Name) ++ "." ++ integer_to_list(erlang:unique_integer([positive, monotonic])),
    Full = lists:concat([Name, "@", proplists:get_value(host, Options, "127.0.0.1")]),
    Words = [Full, proplists:get_value(cookie, Options, cookie()) | lists:flatmap(fun word/1, Options)],
    Line = [Id, "|", lists:join(" ", [E || {env, E} <- Options]), "|", lists:join(" ", Words)],
    os:cmd(lists:flatten(["echo '", Line, "' >", file("requests")])),
    eventually(fun() -> filelib:is_file(file(Id ++ ".pid")) end, 30000),
    {ok, Os} = file:read_file(file(Id ++ ".pid")),
    #{node => list_to_atom(Full), name => Name, id => Id, os => string:trim(binary_to_list(Os))}.

%% The cookie of the test.
cookie() ->
    {ok, Text} = file:read_file(filename:join(os:getenv("HOME"), ".erlang.cookie")),
    binary_to_list(Text).

word({env, _}) -> [];
word({host, _}) -> [];
word({cookie, _}) -> [];
word({first, cpp}) -> ["connect=" ++ atom_to_list(node())];
word({first, erlang}) -> [];
word({Key, Value}) -> [lists:concat([Key, "=", Value])];
word(Atom) when is_atom(Atom) -> [atom_to_list(Atom)];
word(Text) -> [Text].

is_ready(Node) ->
    status(Node) =:= running orelse error({ended_before_it_was_ready, log(Node)}),
    said(Node, "\nREADY ") orelse string:prefix(log(Node), "READY ") =/= nomatch.

file(Name) -> filename:join(os:getenv("INTEROP"), Name).

log(#{id := Id}) ->
    {ok, Text} = file:read_file(file(Id ++ ".log")),
    binary_to_list(Text).

said(Node, Text) -> string:find(log(Node), Text) =/= nomatch.

%% The reason that the node told for a connection that it could not make has all these words.
told(Node, Peer, Words) ->
    Start = lists:concat(["FAILED TO CONNECT ", Peer, ": "]),
    case [L || L <- string:split(log(Node), "\n", all), string:prefix(L, Start) =/= nomatch] of
        [Line] -> [string:find(Line, W) =/= nomatch orelse error({not_told, W, Line}) || W <- Words];
        Other -> error({not_told, Peer, Other})
    end.

%% Where the node listens.
port_of(Node) ->
    {match, [Port]} = re:run(log(Node), "READY .* port ([0-9]+)", [{capture, all_but_first, list}]),
    list_to_integer(Port).

%% running, or the exit status.
status(#{id := Id}) ->
    case file:read_file(file(Id ++ ".status")) of
        {ok, Text} -> list_to_integer(string:trim(binary_to_list(Text)));
        {error, enoent} -> running
    end.

alive(Node) -> status(Node) =:= running.

%% Memory in KB.
resident(#{os := Os}) ->
    {ok, Status} = file:read_file("/proc/" ++ Os ++ "/status"),
    {match, [Size]} = re:run(Status, "VmRSS:\\s+([0-9]+)", [{capture, all_but_first, list}]),
    list_to_integer(Size).

%% Signal: "KILL", "STOP", "CONT", "TERM"; to a C++ node or a peer.
signal(#{os := Os}, Signal) -> os:cmd("kill -" ++ Signal ++ " " ++ Os).

kill(Node) ->
    signal(Node, "KILL"),
    eventually(fun() -> not alive(Node) end).

%% An orderly end; the status must be 0.
stop(Node) ->
    signal(Node, "TERM"),
    eventually(fun() -> not alive(Node) end),
    0 = status(Node),
    ok.

%% Each of the checks {Name, Fun}, as Fun(Node), for nodes hidden and visible, connected by the one side or the other, and
%% whether they are what they are said to be.
check_kinds(Checks) -> check_kinds([{Kind, First} || Kind <- [hidden, visible], First <- [erlang, cpp]], 60000, Checks).

%% The same for two of them, for checks that take longer: a hidden one, which is connected to, and a visible one, which
%% connects.
check_two(Checks) -> check_kinds([{hidden, erlang}, {visible, cpp}], scaled(60000, 600000), Checks).

check_kinds(Kinds, Time, Checks) ->
    distribute(),
    [check_kind(Kind, First, Time, Checks) || {Kind, First} <- Kinds],
    ok.

check_kind(Kind, First, Time, Checks) ->
    Label = io_lib:format("~ts, ~ts connects first", [Kind, case First of cpp -> "C++"; erlang -> "Erlang" end]),
    Name = list_to_atom(lists:concat([Kind, '_', First])),
    Node = #{node := Full} = start(Name, [Kind, {first, First}]),
    check([Label, ": connected"], fun() ->
        case First of
            cpp -> true = lists:member(Full, nodes(connected));
            erlang -> false = lists:member(Full, nodes(connected)), pong = net_adm:ping(Full)
        end,
        true = lists:member(Full, nodes(Kind))
    end),
    [check([Label, ": ", What], Time, fun() -> Fun(Node) end) || {What, Fun} <- Checks],
    stop(Node).

%% Why Fun fails; the reason of a call is without what was called.
failure(Fun) ->
    try Fun() of
        Result -> {succeeded, Result}
    catch
        exit:{Reason, {gen_server, call, _}} -> Reason;
        _:Reason -> Reason
    end.

%% Waits until the process has ended.
gone(Pid) ->
    Ref = monitor(process, Pid),
    receive {'DOWN', Ref, process, Pid, _} -> ok end.

%% A process of this node that has ended.
dead() ->
    Pid = spawn(fun() -> ok end),
    gone(Pid),
    Pid.

%% Puppets: processes of a C++ node, to which do/2 gives a command.
puppet(Node) -> puppet(Node, plain).

puppet(#{node := Node}, Kind) -> gen_server:call({spawner, Node}, {spawn, Kind}, 10000).

do(Puppet, Command) ->
    Ref = monitor(process, Puppet),
    Puppet ! {do, self(), Ref, Command},
    receive
        {Ref, {bad_command, Text}} -> error({bad_command, Command, Text});
        {Ref, Result} -> demonitor(Ref, [flush]), Result;
        {'DOWN', Ref, process, _, Reason} -> error({puppet_ended, Command, Reason})
    after 120000 -> error({puppet_is_silent, Command})
    end.

mailbox(Puppet) -> do(Puppet, mailbox).

%% The messages of a puppet, once there are so many.
mail(Puppet, Count) -> mail(Puppet, Count, []).

mail(_, Count, Got) when length(Got) >= Count -> Got;
mail(Puppet, Count, Got) -> timer:sleep(5), mail(Puppet, Count, Got ++ mailbox(Puppet)).

%% Another Erlang node, steered over its standard streams. `call` runs a function there.
peer(Name) -> peer(Name, []).

peer(Name, Arguments) ->
    {ok, Peer, Node} = peer:start(#{
        name => Name, host => "127.0.0.1", longnames => true, connection => standard_io, wait_boot => 30000,
        args => ["-start_epmd", "false", "-kernel", "logger_level", "critical" | Arguments]
    }),
    #{peer => Peer, node => Node, os => peer:call(Peer, os, getpid, [])}.

%% Loads a module there that is loaded here.
teach(#{peer := Peer}, Module) ->
    {Module, Beam, File} = code_of(Module),
    {module, Module} = peer:call(Peer, code, load_binary, [Module, File, Beam]),
    ok.

code_of(Module) ->
    {ok, Module, Beam} = compile:file(
        filename:join([filename:dirname(proplists:get_value(source, Module:module_info(compile))), Module]), [binary]),
    {Module, Beam, atom_to_list(Module)}.
