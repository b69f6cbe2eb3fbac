%% The functions that demo_node serves, as far as the programs start them.
-module(demo).
-export([run/2]).

run(To, Tag) ->
    To ! {demo_run, Tag, self()},
    ok.
