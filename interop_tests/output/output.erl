%% Group leaders: what is started for a node prints there.
-module(output).
-export([checks/0, print/2, leader/1]).
-import(interop, [puppet/1, do/2, eventually/1, said/2]).

checks() -> interop:check_kinds(all()).

all() ->
    [{"what C++ starts here prints there", fun printed/1},
     {"user answers io requests", fun requests/1},
     {"a group leader is given along, and inherited", fun inherited/1},
     {"GROUP_LEADER sets it", fun set/1}].

%% What C++ starts here.
print(To, Tag) ->
    Result = io:format("~p printed ~ts ~5.2f~n", [Tag, "größer", 1.5]),
    Error = try io:put_chars([no_text]) catch error:badarg -> refused end,
    To ! {Tag, self(), Result, Error, io:get_line("")}.

leader(To) -> To ! {leader, group_leader()}.

printed(#{node := N} = Node) ->
    P = puppet(Node),
    Tag = list_to_atom("tag_" ++ integer_to_list(erlang:unique_integer([positive]))),
    _ = do(P, {spawn_request, node(), ?MODULE, print, [self(), Tag], false, false}),
    receive {Tag, Pid, ok, refused, eof} -> true = node(Pid) =:= node() end,
    %% What has been said are bytes.
    Text = unicode:characters_to_binary(lists:concat([Tag, " printed größer  1.50\n"])),
    eventually(fun() -> said(Node, binary_to_list(Text)) end),
    _ = do(P, {spawn_request, node(), ?MODULE, leader, [self()], false, false}),
    User = do(P, group_leader),
    receive {leader, User} -> N = node(User) end.

requests(#{node := N} = Node) ->
    User = do(puppet(Node), group_leader),
    ByName = make_ref(),
    {user, N} ! {io_request, self(), ByName, getopts},
    receive {io_reply, ByName, [{binary, false}, {encoding, unicode}]} -> ok end,
    ok = io:format(User, "by format ~p~n", [[a, {b}]]),
    ok = io:put_chars(User, ["chars", [<<" in ">>, $a], " list\n"]),
    ok = io:nl(User),
    ok = io:write(User, {a, term}),
    ok = io:request(User, {put_chars, latin1, <<"latin\n">>}),
    ok = io:requests(User, [{put_chars, unicode, "one "}, {format, "~w~n", [two]}]),
    eof = io:get_line(User, ""),
    eof = io:get_chars(User, "", 3),
    eof = io:read(User, ""),
    {error, enotsup} = io:setopts(User, [binary]),
    {error, enotsup} = io:columns(User),
    eventually(fun() ->
        lists:all(fun(T) -> said(Node, T) end,
            ["by format [a,{b}]\n", "chars in a list\n", "{a,term}latin\n", "one two\n"]) end),
    Ref = make_ref(),
    User ! {io_request, self(), Ref, no_such_request},
    receive {io_reply, Ref, {error, request}} -> ok end.

inherited(#{node := N} = Node) ->
    Self = self(),
    Leader = spawn(fun() -> receive stop -> ok end end),
    P = puppet(Node),
    User = do(P, group_leader),
    N = node(User),
    %% The spawner's, as with spawn of Erlang.
    spawn(fun() ->
        group_leader(Leader, self()),
        Self ! {started, spawn(N, demo, leader, [Self])}
    end),
    Child = receive {started, Pid} -> Pid end,
    receive {demo_leader, Child, Leader, Leader} -> ok end,
    %% Ours is given along.
    ok = do(P, {group_leader, Leader}),
    Leader = do(P, group_leader),
    _ = do(P, {spawn_request, node(), ?MODULE, leader, [self()], false, false}),
    receive {leader, Leader} -> ok end,
    Leader ! stop.

set(#{node := N} = Node) ->
    P = puppet(Node),
    User = do(P, group_leader),
    true = group_leader(self(), P),
    true = self() =:= do(P, group_leader),
    true = group_leader(User, P),
    User = do(P, group_leader),
    %% And from C++.
    Pid = spawn(fun() -> receive {tell, To} -> To ! {now, group_leader()} end end),
    ok = do(P, {group_leader, User, Pid}),
    Pid ! {tell, self()},
    receive {now, User} -> N = node(User) end.
