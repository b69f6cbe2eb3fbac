%% Connections that must not come about, and what the operator is told then.
-module(refusals).
-export([checks/0]).
-import(interop, [check/2, eventually/1, told/3, port_of/1]).

checks() ->
    interop:distribute(),
    [check(Name, Fun) || {Name, Fun} <- all()].

all() ->
    [{"an Erlang node with another cookie is refused, and the log says why", fun wrong_cookie/0},
     {"a C++ node with another cookie is refused, and is told why", fun cpp_wrong_cookie/0},
     {"names of no node, no host and no form are told apart", fun no_such_peer/0},
     {"a node that is registered and does not listen", fun dead_port/0},
     {"a cookie file that others can read is refused, with the cure", fun open_cookie/0},
     {"a name that is none is refused", fun bad_name/0}].

wrong_cookie() ->
    Node = #{node := N} = interop:start(good, [hidden]),
    true = erlang:monitor_node(N, true),
    Port = port_of(Node),
    Bad = #{peer := Control, node := Other} = interop:peer(bad_cookie, ["-setcookie", "wrong_cookie"]),
    pang = peer:call(Control, net_adm, ping, [N]),
    eventually(fun() -> interop:said(Node, "cookie") end),
    false = interop:said(Node, "wrong_cookie"),
    false = interop:said(Node, atom_to_list(erlang:get_cookie())),
    %% The other way round.
    Dialling = interop:start(dialling, [hidden, {connect, Other}, {connect, N}]),
    told(Dialling, Other, ["cookie", ".erlang.cookie"]),
    true = interop:said(Dialling, "CONNECTED " ++ atom_to_list(N)),
    peer:stop(maps:get(peer, Bad)),
    1 = gen_server:call({echo, N}, {echo, 1}),
    true = Port =:= port_of(Node),
    interop:stop(Dialling),
    true = erlang:monitor_node(N, false),
    interop:stop(Node).

cpp_wrong_cookie() ->
    Node = interop:start(wrong, [visible, own_cookie, {env, "ERLPP_COOKIE=secret_of_others"}, {connect, node()}]),
    told(Node, node(), ["cookie", ".erlang.cookie"]),
    false = interop:said(Node, "secret_of_others"),
    pang = net_adm:ping(maps:get(node, Node)),
    interop:stop(Node).

no_such_peer() ->
    Node = interop:start(searching, [hidden, {connect, 'nobody@127.0.0.1'}, {connect, 'x@no.such.host.invalid'},
                                     {connect, no_name}, {connect, node()}]),
    told(Node, 'nobody@127.0.0.1', ["registered", "EPMD"]),
    told(Node, 'x@no.such.host.invalid', ["no.such.host.invalid", "address"]),
    told(Node, no_name, ["@"]),
    true = interop:said(Node, "CONNECTED client@127.0.0.1"),
    interop:stop(Node).

dead_port() ->
    {ok, Listening} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}]),
    {ok, Port} = inet:port(Listening),
    gen_tcp:close(Listening),
    Epmd = list_to_integer(os:getenv("ERL_EPMD_PORT")),
    Socket = raw_peer:register_name(<<"ghost">>, Port, Epmd),
    Node = interop:start(caller, [hidden, {connect, 'ghost@127.0.0.1'}]),
    told(Node, 'ghost@127.0.0.1', [integer_to_list(Port), "refused"]),
    gen_tcp:close(Socket),
    interop:stop(Node).

open_cookie() ->
    Home = filename:join(os:getenv("INTEROP"), "open_home"),
    Cookie = filename:join(Home, ".erlang.cookie"),
    ok = file:make_dir(Home),
    ok = file:write_file(Cookie, "public"),
    ok = file:change_mode(Cookie, 8#644),
    Node = interop:start_failing(careless, [own_cookie, {env, "HOME=" ++ Home}]),
    true = interop:status(Node) > 0,
    true = interop:said(Node, "chmod 600 " ++ Cookie),
    ok = file:change_mode(Cookie, 8#600),
    interop:stop(interop:start(careful, [own_cookie, {env, "HOME=" ++ Home}])).

bad_name() ->
    Node = interop:start_failing('two@signs', []),
    true = interop:status(Node) > 0,
    true = interop:said(Node, "node name").
