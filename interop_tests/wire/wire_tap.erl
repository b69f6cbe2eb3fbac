%% A C++ node whose connection to this one passes a tap, which tells what control messages went by in which direction,
%% and can take flags out of the handshake, so that both nodes do without what these stand for.
-module(wire_tap).
-export([start_node/3, seen/0]).

%% Starts a C++ node, which connects to this one. It is told by an EPMD of its own where this node listens, and that is
%% not true.
start_node(Name, Options, Cleared) ->
    Epmd = raw_peer:epmd_that_finds(tap(raw_peer:own_port(), Cleared)),
    interop:start(Name, [{env, "ERL_EPMD_PORT=" ++ integer_to_list(Epmd)}, {first, cpp} | Options]).

%% The numbers of the control messages that C++ and Erlang have sent so far, {37, Flags} for those of 37; and what they
%% came in: atom_cache, fragments, pass_through.
seen() ->
    wire_tap ! {seen, self()},
    receive {wire_tap, Cpp, Erlang} -> {frames(Cpp, []), frames(Erlang, [])} end.

tap(Port, Cleared) ->
    {ok, Listening} = gen_tcp:listen(0, [binary, {active, false}, {packet, 2}, {ip, {127, 0, 0, 1}}]),
    {ok, Tap} = inet:port(Listening),
    Pid = raw_peer:owner(fun erlang:spawn_link/1, Listening, fun() -> connected(Listening, Port, Cleared) end),
    register(wire_tap, Pid),
    Tap.

%% The handshake, message by message. The flags are no part of its proofs.
connected(Listening, Port, Cleared) ->
    {ok, Cpp} = gen_tcp:accept(Listening),
    {ok, Erlang} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {packet, 2}]),
    Pass = fun(From, To, Change) ->
        {ok, Message} = gen_tcp:recv(From, 0, 10000),
        ok = gen_tcp:send(To, Change(Message))
    end,
    Without = fun(<<$N, Flags:64, Rest/binary>>) -> <<$N, (Flags band bnot Cleared):64, Rest/binary>> end,
    Same = fun(Message) -> Message end,
    Pass(Cpp, Erlang, Without),
    Pass(Erlang, Cpp, Same),
    Pass(Erlang, Cpp, Without),
    Pass(Cpp, Erlang, Same),
    Pass(Erlang, Cpp, Same),
    [ok = inet:setopts(S, [{packet, raw}, {active, true}, {nodelay, true}]) || S <- [Cpp, Erlang]],
    relay(Cpp, Erlang, [], []).

relay(Cpp, Erlang, FromCpp, FromErlang) ->
    receive
        {tcp, Cpp, Bytes} ->
            ok = gen_tcp:send(Erlang, Bytes),
            relay(Cpp, Erlang, [Bytes | FromCpp], FromErlang);
        {tcp, Erlang, Bytes} ->
            ok = gen_tcp:send(Cpp, Bytes),
            relay(Cpp, Erlang, FromCpp, [Bytes | FromErlang]);
        {seen, Who} ->
            Who ! {wire_tap, all(FromCpp), all(FromErlang)},
            relay(Cpp, Erlang, FromCpp, FromErlang);
        {tcp_closed, _} ->
            gen_tcp:close(Cpp),
            gen_tcp:close(Erlang)
    end.

all(Parts) -> iolist_to_binary(lists:reverse(Parts)).

frames(<<0:32, Rest/binary>>, Seen) -> frames(Rest, Seen);
frames(<<Size:32, Frame:Size/binary, Rest/binary>>, Seen) -> frames(Rest, control(Frame) ++ Seen);
frames(_, Seen) -> lists:usort(Seen).

%% The first frame of a message: behind the list of its atoms comes the control message, whose first element is a small
%% number.
control(<<131, 68, 0, Control/binary>>) -> operation(Control);
control(<<131, 68, Atoms/binary>>) -> [atom_cache | behind_atoms(Atoms)];
control(<<131, 69, _:64, _:64, 0, Control/binary>>) -> [fragments | operation(Control)];
control(<<131, 69, _:64, _:64, Atoms/binary>>) -> [atom_cache, fragments | behind_atoms(Atoms)];
control(<<131, 70, _/binary>>) -> [];
control(<<112, 131, Control/binary>>) -> [pass_through | operation(Control)].

behind_atoms(<<Count, Rest/binary>>) ->
    FlagBytes = Count div 2 + 1,
    <<Flags:FlagBytes/binary, References/binary>> = Rest,
    Nibbles = lists:append([[Low, High] || <<High:4, Low:4>> <= Flags]),
    {News, [Message | _]} = lists:split(Count, Nibbles),
    LengthBits = case Message band 1 of 1 -> 16; 0 -> 8 end,
    operation(lists:foldl(fun(Nibble, Bytes) -> behind_atom(Nibble, LengthBits, Bytes) end, References, News)).

behind_atom(Nibble, LengthBits, <<_, Bytes/binary>>) when Nibble >= 8 ->
    <<Size:LengthBits, _:Size/binary, Rest/binary>> = Bytes,
    Rest;
behind_atom(_, _, <<_, Rest/binary>>) -> Rest.

operation(<<104, _, 97, 37, 97, Flags, _/binary>>) -> [{37, Flags}];
operation(<<104, _, 97, Number, _/binary>>) -> [Number].
