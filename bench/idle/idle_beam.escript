#!/usr/bin/env escript
%%! -noinput
%% A BEAM with nothing to do, or with nothing but timers; the counterpart of idle_ours.cpp. Says
%% `ready` and its process id, and then stays until it is killed.
%%
%%   ERL_FLAGS="+S 2:2" escript idle_beam.escript TIMERS
%%
%% Each timer sends ten messages a second, in the way that costs the BEAM least: the receiver arms
%% it again.
-mode(compile).
-export([main/1]).

main([Timers]) ->
    [arm() || _ <- lists:seq(1, list_to_integer(Timers))],
    io:format("ready ~s~n", [os:getpid()]),
    ticks().

arm() -> erlang:send_after(100, self(), tick).
ticks() -> receive tick -> arm(), ticks() end.
