%% Messages of every size, both ways.
-module(sizes).
-export([checks/0]).
-import(interop, [puppet/1, puppet/2, do/2, mailbox/1]).

checks() ->
    interop:check_two(
        [{io_lib:format("~b bytes, both ways", [Size]), fun(Node) -> both_ways(Node, Size) end} || Size <- sizes()]
            ++ [{"exit reasons, arguments and requests of 16 MB", fun elsewhere/1}]).

%% 64 KB is where fragments begin.
sizes() -> [1, 100, 65535, 65536, 65537, 1 bsl 20, 16 bsl 20, 64 bsl 20].

bytes(Size) ->
    Pattern = rand:bytes(min(Size, 65521)),
    binary:part(binary:copy(Pattern, Size div byte_size(Pattern) + 1), 0, Size).

both_ways(#{node := N} = Node, Size) ->
    Bytes = bytes(Size),
    Ref = make_ref(),
    {echo, N} ! {size, self(), Ref, Bytes},
    receive {Ref, Size} -> ok end,
    Same = gen_server:call({echo, N}, {echo, Bytes}, 60000),
    true = Same =:= Bytes,
    {echo, N} ! {self(), Ref, [Bytes | a]},
    receive {Ref, [Again | a]} -> true = Again =:= Bytes end,
    %% Told to a puppet, and sent back by itself: no reply to anything.
    P = puppet(Node),
    P ! {kept, Bytes},
    [{kept, Kept}] = mailbox(P),
    true = Kept =:= Bytes,
    ok = do(P, {send, self(), {sent, Bytes}}),
    receive {sent, Sent} -> true = Sent =:= Bytes end,
    %% No bytes of a binary: many small parts.
    Parts = lists:seq(1, min(Size, 1 bsl 20) div 8),
    true = Parts =:= gen_server:call({echo, N}, {echo, Parts}, 60000).

elsewhere(#{node := N} = Node) ->
    process_flag(trap_exit, true),
    Bytes = bytes(16 bsl 20),
    P = puppet(Node),
    Ref = monitor(process, P),
    link(P),
    ok = do(P, {exit, Bytes}),
    receive {'DOWN', Ref, process, P, Why} -> true = Why =:= Bytes end,
    receive {'EXIT', P, Reason} -> true = Reason =:= Bytes end,
    Q = puppet(Node, trap),
    exit(Q, Bytes),
    Self = self(),
    [{'EXIT', Self, Other}] = mailbox(Q),
    true = Other =:= Bytes,
    spawn(N, demo, run, [self(), Bytes]),
    receive {demo_run, Tag, _} -> true = Tag =:= Bytes end.
