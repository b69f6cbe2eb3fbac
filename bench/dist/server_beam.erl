%% The server of bench/dist on the BEAM: a process `bench` that serves what client_beam.erl asks for.
-module(server_beam).
-export([main/0]).

main() ->
    register(bench, spawn(fun() -> process_flag(message_queue_data, off_heap), loop(0, 0) end)),
    io:format("READY~n").

loop(Count, Bytes) ->
    receive
        {'$gen_call', From, {add, X, Y}} -> gen_server:reply(From, X + Y), loop(Count, Bytes);
        {'$gen_call', From, {echo, T}} -> gen_server:reply(From, T), loop(Count, Bytes);
        {sync, P, R} -> P ! {R, Count, Bytes}, loop(0, 0);
        {bin, X} -> loop(Count + 1, Bytes + byte_size(X));
        _ -> loop(Count + 1, Bytes)
    end.
