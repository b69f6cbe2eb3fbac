%% Breaks the connection between two nodes, whatever they are: a stranger says that it is the one, has a new connection
%% to the other, which gives up the old one for that, and leaves.
-module(puppet_cut).

-export([begin_as/2, finish/1]).

-define(TIME, 10000).

%% What OTP 25 and later demand.
-define(FLAGS, 16#4 bor 16#8 bor 16#10 bor 16#20 bor 16#80 bor 16#100 bor 16#200 bor 16#400 bor 16#800 bor 16#4000 bor
    16#10000 bor 16#20000 bor 16#40000 bor 16#80000 bor 16#400000 bor 16#1000000 bor 16#2000000 bor 16#4000000 bor
    (1 bsl 34) bor (1 bsl 35)).

%% Connects to Node in the name of One, which is connected to it.
begin_as(One, Node) ->
    [Name, _] = string:split(atom_to_list(Node), "@"),
    {port, Port, _} = erl_epmd:port_please(Name, {127, 0, 0, 1}),
    {ok, Socket} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {packet, 2}, {nodelay, true}]),
    Full = atom_to_binary(One),
    ok = gen_tcp:send(Socket, <<$N, (?FLAGS):64, 4:32, (byte_size(Full)):16, Full/binary>>),
    {ok, <<"salive">>} = gen_tcp:recv(Socket, 0, ?TIME),
    ok = gen_tcp:send(Socket, <<"strue">>),
    {ok, <<$N, _:64, Challenge:32, _/binary>>} = gen_tcp:recv(Socket, 0, ?TIME),
    Digest = erlang:md5([atom_to_list(erlang:get_cookie()), integer_to_list(Challenge)]),
    ok = gen_tcp:send(Socket, <<$r, 4711:32, Digest/binary>>),
    {ok, <<$a, _:16/binary>>} = gen_tcp:recv(Socket, 0, ?TIME),
    Socket.

finish(Socket) -> gen_tcp:close(Socket).
