%% The functions that demo_node serves, as far as the BEAM has to be compared with it.
-module(demo).
-export([run/2, witness/1]).

run(To, Tag) ->
    To ! {demo_run, Tag, self()},
    ok.

witness(To) ->
    process_flag(trap_exit, true),
    To ! {ready, self()},
    witnessing(To).

witnessing(To) ->
    receive
        {link, P} -> link(P);
        {exit, Reason} -> exit(Reason);
        {exit2, P, Reason} -> exit(P, Reason);
        {ask, Node, Module, Function, Arguments} -> spawn_request(Node, Module, Function, Arguments);
        {start, Tag} -> spawn(?MODULE, run, [To, Tag]);
        Other -> To ! {seen, Other}
    end,
    witnessing(To).
