#!/usr/bin/env escript
%%! +sbwt none
%% Throughput of the BEAM's own codec. usage: etf_beam.escript DIRECTORY SECONDS DOCUMENT...
%% Prints implementation,operation,document,bytes,terms,ns for each document; the best of three thirds of SECONDS.
-mode(compile).

main([Directory, Seconds | Documents]) ->
    Third = round(list_to_float(Seconds) * 1.0e9 / 3),
    [document(Directory, Document, Third) || Document <- Documents].

document(Directory, Document, Third) ->
    {ok, Bytes} = file:read_file(filename:join(Directory, Document ++ ".etf")),
    Term = binary_to_term(Bytes),
    [operation(Operation, Document, byte_size(Bytes), count(Term), Third, Work) ||
        {Operation, Work} <- [{"decode", fun() -> binary_to_term(Bytes) end},
                              {"encode", fun() -> term_to_binary(Term) end},
                              {"encode_iovec", fun() -> term_to_iovec(Term) end}]].

%% In a process with a large heap, so that garbage collection is as cheap as a server would have it.
operation(Operation, Document, Size, Terms, Third, Work) ->
    Self = self(),
    spawn_opt(fun() ->
        loop(Work, 1),
        Batch = calibrate(Work, 1),
        Self ! {best, lists:min([timed(Work, Batch, now_ns(), Third, 0) || _ <- [1, 2, 3]])}
    end, [{min_heap_size, 2000000}, link]),
    receive {best, Ns} ->
        io:format("beam~s,~s,~s,~b,~b,~.1f~n",
                  [erlang:system_info(otp_release), Operation, Document, Size, Terms, Ns])
    end.

now_ns() -> erlang:monotonic_time(nanosecond).

calibrate(Work, Batch) ->
    Start = now_ns(),
    loop(Work, Batch),
    case now_ns() - Start < 10000000 of
        true -> calibrate(Work, Batch * 2);
        false -> Batch
    end.

timed(Work, Batch, Start, Third, Done) ->
    loop(Work, Batch),
    case now_ns() - Start of
        Taken when Taken < Third -> timed(Work, Batch, Start, Third, Done + Batch);
        Taken -> Taken / (Done + Batch)
    end.

loop(_, 0) -> ok;
loop(Work, Times) -> Work(), loop(Work, Times - 1).

count(List) when is_list(List) -> count(List, 1);
count(Tuple) when is_tuple(Tuple) -> 1 + lists:sum([count(Element) || Element <- tuple_to_list(Tuple)]);
count(Map) when is_map(Map) -> 1 + lists:sum([count(Key) + count(Value) || {Key, Value} <- maps:to_list(Map)]);
count(_) -> 1.

count([Head | Tail], Sum) -> count(Tail, Sum + count(Head));
count([], Sum) -> Sum;
count(Tail, Sum) -> Sum + count(Tail).
