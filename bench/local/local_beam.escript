#!/usr/bin/env escript
%%! +P 4000000 -noinput
%% Processes and messages inside one BEAM; the modes are those of local_ours.cpp. Prints
%% implementation,mode,count,operations,ns per operation,bytes per process.
%%
%%   escript local_beam.escript NAME MODE OPERATIONS COUNT
-mode(compile).
-behaviour(gen_server).
-export([main/1, init/1, handle_call/3, handle_cast/2]).

init(_) -> {ok, state}.
handle_call(Request, _, State) -> {reply, Request, State}.
handle_cast(_, State) -> {noreply, State}.

main([Name, Mode, Operations, Count]) ->
    N = list_to_integer(Operations), K = list_to_integer(Count),
    {Time, Bytes} = run(Mode, N, K),
    io:format("~s,~s,~b,~b,~.2f,~s~n", [Name, Mode, K, N, Time / N, Bytes]).

%% Time in ns for N operations, and what else there is to say.
run("tell", N, Pairs) ->
    Self = self(), Each = N div Pairs,
    Sinks = [spawn(fun() -> sink(Each), Self ! done end) || _ <- lists:seq(1, Pairs)],
    timed(fun() -> [spawn(fun() -> blast(Sink, Each) end) || Sink <- Sinks], wait(Pairs) end);
run("stream", N, Senders) ->
    Self = self(), Each = N div Senders,
    Sink = spawn(fun() -> sink(Each * Senders), Self ! done end),
    timed(fun() -> [spawn(fun() -> blast(Sink, Each) end) || _ <- lists:seq(1, Senders)], wait(1) end);
run("pingpong", N, Pairs) ->
    Self = self(), Each = N div Pairs,
    Echoes = [spawn(fun echo/0) || _ <- lists:seq(1, Pairs)],
    timed(fun() -> [spawn(fun() -> ping(E, Each), Self ! done end) || E <- Echoes], wait(Pairs) end);
run("call", N, Pairs) ->
    Self = self(), Each = N div Pairs,
    Servers = [begin {ok, S} = gen_server:start(?MODULE, [], []), S end || _ <- lists:seq(1, Pairs)],
    timed(fun() -> [spawn(fun() -> calls(S, Each), Self ! done end) || S <- Servers], wait(Pairs) end);
run("call_behind", N, Waiting) ->
    {ok, Server} = gen_server:start(?MODULE, [], []),
    [self() ! {waiting, I} || I <- lists:seq(1, Waiting)],
    timed(fun() -> calls(Server, N) end);
run("ring", N, Size) ->
    Self = self(),
    [First | _] = Ring = [spawn(fun() -> receive {next, Next} -> ring(Next, Self) end end) || _ <- lists:seq(1, Size)],
    [Each ! {next, Next} || {Each, Next} <- lists:zip(Ring, tl(Ring) ++ [First])],
    timed(fun() -> First ! N, wait(1) end);
run("spawn", N, _) ->
    Before = rss(),
    {Time, _} = timed(fun() -> idle(N) end),
    {Time, integer_to_list((rss() - Before) div N)};
run("spawn_exit", N, _) ->
    Self = self(),
    timed(fun() -> brief(N, Self), wait(N) end);
run("timers", N, _) ->
    timed(fun() -> cancel(arm(N, [])) end).

timed(What) ->
    Start = erlang:monotonic_time(nanosecond),
    What(),
    {erlang:monotonic_time(nanosecond) - Start, ""}.

wait(0) -> ok;
wait(N) -> receive done -> wait(N - 1) end.
sink(0) -> ok;
sink(N) -> receive _ -> sink(N - 1) end.
blast(_, 0) -> ok;
blast(To, N) -> To ! 1, blast(To, N - 1).
echo() -> receive {From, X} -> From ! X, echo() end.
ping(_, 0) -> ok;
ping(To, N) -> To ! {self(), 1}, receive 1 -> ping(To, N - 1) end.
calls(_, 0) -> ok;
calls(Server, N) -> 1 = gen_server:call(Server, 1), calls(Server, N - 1).
ring(Next, Main) -> receive 0 -> Main ! done; N -> Next ! N - 1, ring(Next, Main) end.
idle(0) -> ok;
idle(N) -> spawn(fun() -> receive stop -> ok end end), idle(N - 1).
brief(0, _) -> ok;
brief(N, Main) -> P = spawn(fun() -> receive 1 -> Main ! done end end), P ! 1, brief(N - 1, Main).
arm(0, Timers) -> Timers;
arm(N, Timers) -> arm(N - 1, [erlang:start_timer(1000 + N rem 3600000, self(), N) | Timers]).
cancel([]) -> ok;
cancel([T | Rest]) -> erlang:cancel_timer(T), cancel(Rest).
rss() ->
    {ok, Status} = file:read_file("/proc/self/status"),
    [_, Rest | _] = binary:split(Status, <<"VmRSS:">>),
    [Line | _] = binary:split(Rest, <<"kB">>),
    list_to_integer(string:trim(binary_to_list(Line))) * 1024.
