%% Puppets as the BEAM has them: the model that those of demo_node have to equal.
-module(beam_puppet).
-behaviour(gen_server).

-export([start/0]).
-export([init/1, handle_call/3, handle_cast/2]).

start() ->
    {ok, _} = gen_server:start({local, spawner}, ?MODULE, [], []),
    ok.

init([]) -> {ok, none}.

%% Where a puppet runs is left to the BEAM.
handle_call({spawn, Kind, _Scheduler}, From, State) ->
    handle_call({spawn, Kind}, From, State);
handle_call({spawn, Kind}, _, State) ->
    Self = self(),
    Pid = spawn(fun() ->
        process_flag(trap_exit, Kind =:= trap),
        Self ! {ready, self()},
        obey([])
    end),
    receive {ready, Pid} -> ok end,
    {reply, Pid, State}.

handle_cast(_, State) -> {noreply, State}.

%% Kept: all other messages, the newest first.
obey(Kept) ->
    receive
        {do, From, Ref, {exit, Reason}} ->
            From ! {Ref, ok},
            exit(Reason);
        {do, From, Ref, {link, P}} ->
            %% Nobody at the other end: an exit signal, but the BEAM raises an error when it knows that one would end
            %% its receiver.
            Linked = try link(P) catch error:noproc -> false end,
            From ! {Ref, ok},
            Linked orelse exit(noproc),
            obey(Kept);
        {do, From, Ref, mailbox} ->
            From ! {Ref, lists:reverse(Kept)},
            obey([]);
        {do, From, Ref, {demonitor_flush, Monitor}} ->
            From ! {Ref, ends(Monitor, [flush, info])},
            obey([M || M <- Kept, not is_down(M, Monitor)]);
        {do, From, Ref, Command} ->
            From ! {Ref, perform(Command)},
            obey(Kept);
        Other ->
            obey([Other | Kept])
    end.

is_down({'DOWN', Monitor, process, _, _}, Monitor) -> true;
is_down(_, _) -> false.

perform(self) -> self();
perform({unlink, P}) -> unlink(P), ok;
perform({trap, On}) -> process_flag(trap_exit, On);
perform({exit2, P, Reason}) -> exit(P, Reason), ok;
perform({register, Name}) -> succeeds(fun() -> register(Name, self()) end);
perform({unregister, Name}) -> succeeds(fun() -> unregister(Name) end);
perform({monitor, P}) -> monitor(process, P);
perform({demonitor, Monitor}) -> ends(Monitor, [info]);
perform(alias) -> alias();
perform({unalias, Alias}) -> unalias(Alias);
%% A name that nobody has is an error here, and nothing more than a lost message when it is sent to from afar.
perform({send, To, Message}) -> succeeds(fun() -> To ! Message end), ok;
perform({monitor_node, Node}) -> monitor_node(Node, true);
perform(nodes) -> nodes();
perform(nodes_hidden) -> nodes(hidden);
perform({spawn_request, Node, Module, Function, Arguments, Link, Monitor}) ->
    spawn_request(Node, Module, Function, Arguments, [link || Link] ++ [monitor || Monitor]);
perform({call, To, Request, Time}) ->
    try gen_server:call(To, Request, Time) of
        Reply -> {ok, Reply}
    catch
        exit:Why -> {exit, Why}
    end.

succeeds(Fun) ->
    try Fun() of _ -> true catch error:badarg -> false end.

%% That a reference of another node is no monitor here is an error on the BEAM; ours says that it is none.
ends(Monitor, Options) ->
    try demonitor(Monitor, Options) catch error:badarg -> false end.
