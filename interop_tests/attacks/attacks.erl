%% What attackers try to make a node spend, from the network and with the cookie, while another node is served: its calls are
%% answered within a second at all times, memory stays within what the limits allow, and comes back when the attacker
%% is gone. The attackers are made of bytes (raw_peer).
%%
%% ERLPP_LONG: a million handshakes in place of twenty thousand.
-module(attacks).
-export([checks/0, ask/3]).
-import(interop, [check/3, eventually/1, eventually/2, puppet/1, puppet/2, do/2, mailbox/1, port_of/1, resident/1, scaled/2]).
-import(raw_peer, [connect/2, pid_of/1, pid_of/2, ref_of/2]).

-define(KB, 1024).
-define(MB, (1024 * 1024)).

checks() ->
    interop:also("bad_input/raw_peer"),
    interop:distribute(),
    %% Who asks is a VM of its own: this one may be busy with its attacks.
    Client = #{peer := Control} = interop:peer(client_of_target),
    interop:teach(Client, ?MODULE),
    Node = interop:start(target, [visible, {relations, 20000}]),
    [check(Name, scaled(60000, 3600000), fun() -> attack(Node, Client, Grows, Stays, Times, Fun) end)
     || {Name, Grows, Stays, Times, Fun} <- attacks()],
    peer:stop(Control),
    check("the node ends well after all that", 60000, fun() -> interop:stop(Node) end).

%% {What, MB that the node may grow by while it lasts, MB that may stay, how often, Fun(Port, Node)}. Fun leaves no socket
%% open. What stays: atoms are for ever, up to the limit of the whole program; large blocks, of which 32 MB are kept for
%% later; other memory the allocator keeps, and takes again when the same comes a second time.
attacks() ->
    [{"handshakes with ever new names", 1, 12, 1, fun names/2},
     {"half-open handshakes from many addresses, dripping", 2, 12, 1, fun drips/2},
     {"ever new atoms", 24, 8, 1, fun atoms/2},
     {"first fragments that announce 2^36 more", 1, 12, 1, fun huge_counts/2},
     {"first fragments that announce 2^20 more", 4, 12, 1, fun large_counts/2},
     {"frames announced with 128 MB, on 100 connections", 12, 12, 1, fun announced_frames/2},
     {"frames that drip, on 50 connections", 16, 12, 1, fun dripping_frames/2},
     {"compressed terms that grow a thousandfold", 260, 12, 1, fun zip_bombs/2},
     {"monitors of one process", 64, 12, 1, fun monitors_of_one/2},
     {"monitors of many processes", 64, 12, 1, fun monitors_of_many/2},
     {"links of one process", 64, 12, 1, fun links_of_one/2},
     {"monitors of names", 64, 12, 1, fun monitors_of_names/2},
     {"senders that are not the peer's, again and again", 4, 12, 1, fun forged/2},
     %% Last: what the allocator keeps of these would hide what others take.
     {"2000 messages begun with 64 KB and never ended", 90, 36, 4, fun unfinished_messages/2},
     {"300 MB of messages never ended", 340, 36, 4, fun unfinished_bytes/2}].

attack(#{node := N} = Node, #{peer := Client}, Grows, Stays, Times, Fun) ->
    Asked = counters:new(1, []),
    Asking = spawn_link(fun() -> asking(Client, N, Asked) end),
    eventually(fun() -> counters:get(Asked, 1) > 0 end),
    Before = resident(Node),
    Sampling = spawn_link(fun() -> sample(Node, Before) end),
    [Fun(port_of(Node), Node) || _ <- lists:seq(1, Times)],
    eventually(fun() -> settled(Node, Before, Stays) end, 15000),
    Peak = stop_process(Sampling),
    Slowest = stop_process(Asking),
    After = resident(Node),
    io:format("    grew by ~b KB at the most, ~b KB in the end; slowest call ~b ms~n", [Peak - Before, After - Before, Slowest]),
    Slowest < 1000 orelse error({a_call_took_ms, Slowest}),
    Peak - Before =< Grows * 1024 orelse error({grew_by_kb, Peak - Before, allowed, Grows * 1024}),
    true = interop:alive(Node).

settled(Node, Before, Stays) -> resident(Node) - Before =< Stays * 1024 orelse {still_kb, resident(Node) - Before}.

stop_process(Pid) ->
    unlink(Pid),
    Pid ! {stop, self()},
    receive {Pid, Result} -> Result after 20000 -> error({stuck, process_info(Pid, current_stacktrace)}) end.

sample(Node, Peak) ->
    Now = max(Peak, resident(Node)),
    receive {stop, From} -> From ! {self(), Now} after 5 -> sample(Node, Now) end.

%% Asks for a tenth of a second at a time, for as long as the attack lasts. The result is the slowest answer's time in ms.
asking(Client, N, Asked) -> asking(Client, N, Asked, 0).

asking(Client, N, Asked, Slowest) ->
    Took = peer:call(Client, ?MODULE, ask, [N, 10, 0], 60000),
    counters:add(Asked, 1, 1),
    receive {stop, From} -> From ! {self(), max(Took, Slowest)}
    after 0 -> asking(Client, N, Asked, max(Took, Slowest))
    end.

ask(_, 0, Slowest) -> Slowest;
ask(N, Times, Slowest) ->
    {Micros, {Times}} = timer:tc(fun() -> gen_server:call({echo, N}, {echo, {Times}}, 30000) end),
    timer:sleep(10),
    ask(N, Times - 1, max(Slowest, Micros div 1000)).

%% Raw peers.

name(I) -> <<"raw", (integer_to_binary(I))/binary, "@127.0.0.1">>.

%% One that may send fragments. Its frames have distribution headers.
connect_with_fragments(Port, Name) -> raw_peer:connect(Port, Name, raw_peer:flags() bor 16#2000 bor 16#800000).

%% The first of Count fragments of message Number to the process Name there: an atom cannot tell what its payload will be.
first_fragment(Number, Count, From, Name, Bytes) ->
    <<131, Control/binary>> = term_to_binary({6, From, '', Name}),
    [<<131, 69, Number:64, Count:64, 0>>, Control, <<109, 16#7fffffff:32>>, Bytes].

close(Socket) ->
    _ = inet:setopts(Socket, [{linger, {true, 0}}]),
    gen_tcp:close(Socket).

%% Sends until the other side has had enough; how many were sent.
until_closed(Socket, Next) -> until_closed(Socket, Next, 0).

until_closed(Socket, Next, Sent) ->
    case Next(Sent) of
        done -> Sent;
        Bytes ->
            case gen_tcp:send(Socket, Bytes) of
                ok -> until_closed(Socket, Next, Sent + 1);
                {error, _} -> {closed, Sent}
            end
    end.

closed(Socket, Sent, Node, Said) ->
    is_tuple(Sent) orelse raw_peer:closed(Socket, 10000) orelse error({still_open_after, Sent}),
    close(Socket),
    eventually(fun() -> interop:said(Node, Said) orelse {not_said, Said} end).

%% The attacks.

%% Nobody has proved anything: the name of each leaves nothing behind.
names(Port, _) ->
    Each = scaled(20000, 1000000) div 4,
    interop:together([fun() -> [stranger(Port, K * Each + I) || I <- lists:seq(1, Each)] end || K <- [1, 2, 3, 4]]).

stranger(Port, I) ->
    case raw_peer:dial(Port, <<"stranger", (integer_to_binary(I))/binary, "@127.0.0.1">>) of
        {<<"ok">>, Socket} -> close(Socket);
        %% No more than so many of one address at a time.
        {closed, Socket} -> close(Socket), stranger(Port, I)
    end.

%% Seven addresses, each with as many as it may have.
drips(Port, _) ->
    Sockets = [begin
        {ok, Socket} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {ip, {127, 0, 0, 10 + K}}, {nodelay, true}]),
        Socket
    end || K <- lists:seq(1, 7), _ <- lists:seq(1, 16)],
    Start = erlang:monotonic_time(millisecond),
    [begin [gen_tcp:send(S, <<B>>) || S <- Sockets], timer:sleep(400) end || <<B>> <= <<0, 35, $N, (raw_peer:flags()):64, 4:32, 13:16>>],
    [true = raw_peer:closed(S, 3000) || S <- Sockets],
    Took = erlang:monotonic_time(millisecond) - Start,
    true = Took > 6000 andalso Took < 10000 orelse error({closed_after_ms, Took}),
    [close(S) || S <- Sockets].

atoms(Port, Node) ->
    Socket = connect(Port, Name = name(1)),
    Control = term_to_binary({6, pid_of(Name), '', echo}),
    Sent = until_closed(Socket, fun
        (70) -> done;
        (I) ->
            Atoms = [<<119, 12, (iolist_to_binary(io_lib:format("new~9..0b", [I * 1000 + K])))/binary>> || K <- lists:seq(1, 1000)],
            [112, Control, <<131, 108, 1000:32>>, Atoms, 106]
    end),
    closed(Socket, Sent, Node, "atoms").

huge_counts(Port, _) ->
    Socket = connect_with_fragments(Port, Name = name(2)),
    _ = gen_tcp:send(Socket, first_fragment(1, 1 bsl 36, pid_of(Name), echo, <<0:8192>>)),
    true = raw_peer:closed(Socket, 5000),
    close(Socket).

%% So many are believed, and cost nothing before they come.
large_counts(Port, _) ->
    Socket = connect_with_fragments(Port, Name = name(2)),
    [ok = gen_tcp:send(Socket, first_fragment(I, 1 bsl 20, pid_of(Name), echo, <<0:8192>>)) || I <- lists:seq(1, 1000)],
    [ok = gen_tcp:send(Socket, <<131, 70, I:64, ((1 bsl 20) - 1):64, 0:8192>>) || I <- lists:seq(1, 1000)],
    until_answered_in_fragments(Socket, Name),
    close(Socket).

unfinished_messages(Port, Node) ->
    Bytes = <<0:(64 * ?KB * 8)>>,
    Socket = connect_with_fragments(Port, Name = name(3)),
    Sent = until_closed(Socket, fun(2000) -> done; (I) -> first_fragment(I + 1, 2, pid_of(Name), echo, Bytes) end),
    closed(Socket, Sent, Node, "unfinished").

unfinished_bytes(Port, Node) ->
    Bytes = <<0:(?MB * 8)>>,
    Socket = connect_with_fragments(Port, Name = name(4)),
    Sent = until_closed(Socket, fun(300) -> done; (I) -> first_fragment(I + 1, 2, pid_of(Name), echo, Bytes) end),
    closed(Socket, Sent, Node, "unfinished").

announced_frames(Port, _) ->
    Sockets = [begin
        Socket = connect(Port, name(100 + I)),
        ok = inet:setopts(Socket, [{packet, raw}]),
        ok = gen_tcp:send(Socket, <<16#7ffffff:32, 112>>),
        Socket
    end || I <- lists:seq(1, 100)],
    timer:sleep(300),
    [close(S) || S <- Sockets].

dripping_frames(Port, _) ->
    Sockets = [begin
        Socket = connect(Port, name(300 + I)),
        ok = inet:setopts(Socket, [{packet, raw}, {nodelay, true}]),
        ok = gen_tcp:send(Socket, <<16#7ffffff:32, 112>>),
        Socket
    end || I <- lists:seq(1, 50)],
    [begin [ok = gen_tcp:send(S, <<131>>) || S <- Sockets], timer:sleep(5) end || _ <- lists:seq(1, 200)],
    [close(S) || S <- Sockets].

%% No node compresses what it sends to another: that ends the connection, unread. What is given to be decoded may grow
%% to 256 MB, and what is announced too small or too large is not believed.
zip_bombs(Port, #{node := N}) ->
    Good = bomb(200 * ?MB),
    Name = name(5),
    [begin
         Socket = connect(Port, Name),
         ok = gen_tcp:send(Socket, [112, term_to_binary({6, pid_of(Name), '', echo}), Bytes]),
         raw_peer:closed(Socket, 10000) orelse error({still_open_after, What}),
         close(Socket)
     end || {What, Bytes} <- [{good, Good}, {announced_too_small, announce(1000, Good)}]],
    [{error, badarg} = gen_server:call({echo, N}, {b2t, Bytes}, 20000)
     || Bytes <- [bomb(300 * ?MB), announce(1000, Good), announce(250 * ?MB, Good),
                  <<131, 80, (200 * ?MB):32, 120, 156, 1, 0, 0, 255, 255>>]],
    {ok, Zeros} = gen_server:call({echo, N}, {b2t, bomb(50 * ?MB)}, 20000),
    true = byte_size(Zeros) =:= 50 * ?MB.

%% The answer to a call tells that all before it has been read.
until_answered_in_fragments(Socket, Name) ->
    Pid = pid_of(Name),
    [<<131, Control/binary>>, <<131, Call/binary>>] =
        [term_to_binary(T) || T <- [{6, Pid, '', echo}, {'$gen_call', {Pid, ref_of(Name, 1)}, {echo, here}}]],
    ok = gen_tcp:send(Socket, [<<131, 68, 0>>, Control, Call]),
    some_answer(Socket).

some_answer(Socket) ->
    case gen_tcp:recv(Socket, 0, 20000) of
        {ok, <<>>} -> some_answer(Socket);
        {ok, <<_, _/binary>>} -> ok
    end.

%% A binary of zeros, compressed.
bomb(Size) ->
    Part = binary:copy(<<0>>, ?MB),
    Z = zlib:open(),
    ok = zlib:deflateInit(Z, best_compression),
    Head = zlib:deflate(Z, <<109, Size:32>>),
    Body = [zlib:deflate(Z, Part) || _ <- lists:seq(1, Size div ?MB)],
    End = zlib:deflate(Z, <<>>, finish),
    zlib:close(Z),
    iolist_to_binary([<<131, 80, (Size + 5):32>>, Head, Body, End]).

announce(Size, <<131, 80, _:32, Rest/binary>>) -> <<131, 80, Size:32, Rest/binary>>.

%% More than one process takes from one peer, and more than all of them take. The limit of the target is 20 000; default
%% for one process 100 000.
monitors_of_one(Port, #{node := N} = Node) ->
    {Echo, N} = gen_server:call({echo, N}, whoami),
    flood(Port, Node, name(6), fun(Pid, Name, I) -> {19, Pid, Echo, ref_of(Name, I)} end).

%% It traps exits, and gets one for each.
links_of_one(Port, Node) ->
    Puppet = puppet(Node, trap),
    flood(Port, Node, name(7), fun(_, Name, I) -> {1, pid_of(Name, I), Puppet} end),
    true = length(mailbox(Puppet)) > 10000,
    ok = do(Puppet, {exit, normal}).

monitors_of_names(Port, Node) ->
    flood(Port, Node, name(8), fun(Pid, Name, I) -> {19, Pid, echo, ref_of(Name, I)} end).

monitors_of_many(Port, Node) ->
    Puppets = [puppet(Node) || _ <- lists:seq(1, 16)],
    flood(Port, Node, name(9), fun(Pid, Name, I) -> {19, Pid, lists:nth(I rem 16 + 1, Puppets), ref_of(Name, I)} end),
    %% Nothing has happened to them.
    [begin [] = mailbox(P), ok = do(P, {exit, normal}) end || P <- Puppets].

flood(Port, Node, Name, Control) ->
    Socket = connect(Port, Name),
    ok = inet:setopts(Socket, [{packet, raw}]),
    Pid = pid_of(Name),
    Sent = until_closed(Socket, fun
        (1500) -> done;
        (K) -> [begin F = raw_peer:frame(Control(Pid, Name, K * 100 + I), none), [<<(byte_size(F)):32>>, F] end || I <- lists:seq(1, 100)]
    end),
    ok = inet:setopts(Socket, [{packet, 4}]),
    closed(Socket, Sent, Node, "links and monitors").

forged(Port, _) ->
    Other = pid_of(<<"third@127.0.0.1">>),
    [begin
         Socket = connect(Port, Name = name(10)),
         Raw = pid_of(Name),
         {Control, Payload} = lists:nth(I rem 5 + 1, [{{1, Other, Raw}, none}, {{35, 1, Other, Raw}, none},
             {{19, Other, echo, ref_of(Name, I)}, none}, {{24, Other, Raw}, bye}, {{26, Other, Raw}, bye}]),
         ok = gen_tcp:send(Socket, raw_peer:frame(Control, Payload)),
         raw_peer:closed(Socket, 5000) orelse error({still_open_after, Control}),
         close(Socket)
     end || I <- lists:seq(1, scaled(500, 20000))].
