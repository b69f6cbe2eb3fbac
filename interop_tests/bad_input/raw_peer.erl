%% A peer made of bytes: it can do what a real node never would.
-module(raw_peer).

-export([flags/0, digest/2, dial/2, dial/3, finish/2, connect/2, connect/3, send/3, frame/2, closed/1, closed/2, open/1]).
-export([pid_of/1, pid_of/2, ref_of/1, ref_of/2]).
-export([listen/1, accept/2, register_name/3, owner/3]).
-export([epmd/1, own_name/0, own_port/0, entry/2, epmd_that_finds/1]).

-define(TIME, 10000).

%% What OTP 25 and later demand, and the means to answer calls.
flags() ->
    %% EXTENDED_REFERENCES ... HANDSHAKE_23, DIST_MONITOR(_NAME), SEND_SENDER, EXIT_PAYLOAD, UNLINK_ID, the digest, V4_NC, ALIAS.
    16#4 bor 16#8 bor 16#10 bor 16#20 bor 16#80 bor 16#100 bor 16#200 bor 16#400 bor 16#800 bor 16#4000 bor 16#10000 bor
        16#20000 bor 16#40000 bor 16#80000 bor 16#400000 bor 16#1000000 bor 16#2000000 bor 16#4000000 bor
        (1 bsl 34) bor (1 bsl 35).

cookie() -> atom_to_list(erlang:get_cookie()).

digest(Cookie, Challenge) -> erlang:md5([Cookie, integer_to_list(Challenge)]).

%% Gives a name and returns the status.
dial(Port, Name) -> dial(Port, Name, flags()).

dial(Port, Name, Flags) ->
    {ok, Socket} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {packet, 2}, {nodelay, true}]),
    ok = gen_tcp:send(Socket, <<$N, Flags:64, 4:32, (byte_size(Name)):16, Name/binary>>),
    case gen_tcp:recv(Socket, 0, ?TIME) of
        {ok, <<$s, Status/binary>>} -> {Status, Socket};
        {error, closed} -> {closed, Socket}
    end.

%% The rest of the handshake, with this cookie.
finish(Socket, Cookie) ->
    {ok, <<$N, _Flags:64, Challenge:32, _Creation:32, Size:16, Name:Size/binary>>} = gen_tcp:recv(Socket, 0, ?TIME),
    ok = gen_tcp:send(Socket, <<$r, 4711:32, (digest(Cookie, Challenge))/binary>>),
    case gen_tcp:recv(Socket, 0, ?TIME) of
        {ok, <<$a, Digest:16/binary>>} ->
            Digest = digest(Cookie, 4711),
            ok = inet:setopts(Socket, [{packet, 4}]),
            {ok, Name, Socket};
        {error, closed} ->
            closed
    end.

%% A connection that is up.
connect(Port, Name) -> connect(Port, Name, flags()).

connect(Port, Name, Flags) ->
    {<<"ok">>, Socket} = dial(Port, Name, Flags),
    {ok, _, Socket} = finish(Socket, cookie()),
    Socket.

%% Frames in pass-through mode: a control message and perhaps a payload, each an external term.
frame(Control, none) -> <<112, (term_to_binary(Control))/binary>>;
frame(Control, Payload) -> <<112, (term_to_binary(Control))/binary, (term_to_binary(Payload))/binary>>.

send(Socket, Control, Payload) -> ok = gen_tcp:send(Socket, frame(Control, Payload)).

%% Is the connection closed by the other side? Ticks and messages before that are passed over.
closed(Socket) -> closed(Socket, ?TIME).

closed(Socket, Time) ->
    case gen_tcp:recv(Socket, 0, Time) of
        {ok, _} -> closed(Socket, Time);
        {error, closed} -> true;
        {error, econnreset} -> true;
        {error, timeout} -> false
    end.

open(Socket) -> not closed(Socket, 100).

%% Pids and references of a peer of this name.
pid_of(Name) -> pid_of(Name, 7).
pid_of(Name, Number) -> binary_to_term(<<131, 88, 119, (byte_size(Name)), Name/binary, Number:32, 0:32, 4:32>>).

ref_of(Name) -> ref_of(Name, erlang:unique_integer([positive])).
ref_of(Name, Number) -> binary_to_term(<<131, 90, 2:16, 119, (byte_size(Name)), Name/binary, 4:32, 1:32, Number:32>>).

%% A process, started with Spawn, that owns this socket and runs Fun.
owner(Spawn, Socket, Fun) ->
    Pid = Spawn(fun() -> receive go -> Fun() end end),
    ok = gen_tcp:controlling_process(Socket, Pid),
    Pid ! go,
    Pid.

%% Acceptor's side.

listen(Fun) ->
    {ok, Listening} = gen_tcp:listen(0, [binary, {active, false}, {packet, 2}, {ip, {127, 0, 0, 1}}]),
    {ok, Port} = inet:port(Listening),
    Parent = self(),
    owner(fun erlang:spawn_link/1, Listening, fun Loop() ->
        {ok, Socket} = gen_tcp:accept(Listening),
        try Fun(Socket) catch error:_ -> the_node_gave_up end,
        gen_tcp:close(Socket),
        is_process_alive(Parent) andalso Loop()
    end),
    Port.

%% Plays an acceptor up to its ack. Options: name, flags, cookie, status, ack.
accept(Socket, Options) ->
    {ok, <<$N, _/binary>>} = gen_tcp:recv(Socket, 0, ?TIME),
    ok = gen_tcp:send(Socket, <<$s, (maps:get(status, Options, <<"ok">>))/binary>>),
    Name = maps:get(name, Options),
    ok = gen_tcp:send(Socket, <<$N, (maps:get(flags, Options, flags())):64, 1234:32, 5:32, (byte_size(Name)):16, Name/binary>>),
    {ok, <<$r, Theirs:32, Digest:16/binary>>} = gen_tcp:recv(Socket, 0, ?TIME),
    true = Digest =:= digest(cookie(), 1234),
    ok = gen_tcp:send(Socket, <<$a, (maps:get(ack, Options, digest(cookie(), Theirs)))/binary>>),
    ok = inet:setopts(Socket, [{packet, 4}]).

%% Registers a name with the real EPMD, for as long as the returned socket is open.
register_name(Name, Port, Epmd) ->
    {ok, Socket} = gen_tcp:connect({127, 0, 0, 1}, Epmd, [binary, {active, false}]),
    Body = <<120, Port:16, 77, 0, 6:16, 6:16, (byte_size(Name)):16, Name/binary, 0:16>>,
    ok = gen_tcp:send(Socket, <<(byte_size(Body)):16, Body/binary>>),
    {ok, <<118, 0, _:32>>} = gen_tcp:recv(Socket, 0, ?TIME),
    Socket.

%% An EPMD that answers each request with Fun(Request): bytes, `close`, `silence`, or {keep, Bytes}.
epmd(Fun) ->
    {ok, Listening} = gen_tcp:listen(0, [binary, {active, false}, {packet, 2}, {ip, {127, 0, 0, 1}}, {reuseaddr, true}]),
    {ok, Port} = inet:port(Listening),
    owner(fun erlang:spawn_link/1, Listening, fun() -> epmd_loop(Listening, Fun) end),
    Port.

epmd_loop(Listening, Fun) ->
    {ok, Socket} = gen_tcp:accept(Listening),
    owner(fun erlang:spawn_link/1, Socket, fun() -> epmd_answer(Socket, Fun) end),
    epmd_loop(Listening, Fun).

epmd_answer(Socket, Fun) ->
    case gen_tcp:recv(Socket, 0, 60000) of
        {ok, Request} ->
            ok = inet:setopts(Socket, [{packet, raw}]),
            case Fun(Request) of
                close -> ok;
                silence -> gen_tcp:recv(Socket, 0, 60000);
                {keep, Bytes} -> gen_tcp:send(Socket, Bytes), gen_tcp:recv(Socket, 0, infinity);
                Bytes -> gen_tcp:send(Socket, Bytes)
            end;
        {error, _} ->
            ok
    end,
    gen_tcp:close(Socket).

%% An EPMD for C++ nodes, whose look-ups Find(Name) answers. With a port in its place, they find this node there, whatever
%% they look for.
epmd_that_finds(Port) when is_integer(Port) ->
    Entry = entry(own_name(), Port),
    epmd_that_finds(fun(_) -> Entry end);
epmd_that_finds(Find) ->
    epmd(fun
        (<<110>>) -> <<4369:32>>;
        (<<120, _/binary>>) -> {keep, <<118, 0, 77777:32>>};
        (<<122, Name/binary>>) -> Find(Name)
    end).

%% What an EPMD says of a node that it knows.
entry(Name, Port) -> <<119, 0, Port:16, 77, 0, 6:16, 6:16, (byte_size(Name)):16, Name/binary, 0:16>>.

%% This node, as the real EPMD knows it.
own_name() ->
    [Name, _] = string:split(atom_to_binary(node()), "@"),
    Name.

own_port() ->
    {port, Port, _} = erl_epmd:port_please(binary_to_list(own_name()), {127, 0, 0, 1}),
    Port.
