%% Asks our codec (differential.cpp, on standard input and output) and OTP's the same questions.
-module(differential).

-export([main/1]).

-define(BATCH, 50).
-define(MOST_FAILURES, 20).

%% Cases First to First + Count - 1 of each kind. Each has its own random numbers, so that it can be had again alone.
main([Seed, First, Count]) ->
    Port = open_port({fd, 0, 1}, [binary, {packet, 4}, eof]),
    [put(Counter, 0) || Counter <- [failed, accepted, rejected, unsafe, texts]],
    put(known, #{}),
    [batches(Port, {Kind, Seed}, First, First + Count, none) || Kind <- kinds(random_terms:release())],
    true = port_command(Port, <<>>),
    say("~b terms, ~b of them printed; ~b mutants: ~b terms to OTP, ~b not, ~b left out~n",
        [Count, get(texts), Count, get(accepted), get(rejected), get(unsafe)]),
    [say("known difference: ~ts: ~b~n", [Name, Times]) || {Name, Times} <- lists:sort(maps:to_list(get(known)))],
    finish(get(failed)).

%% Before OTP 27 some malformed bytes are a crash of the VM, and others terms.
kinds(Release) when Release >= 27 -> [terms, bytes];
kinds(_) -> [terms].

finish(0) -> halt(0);
finish(Failed) ->
    say("~b differences~n", [Failed]),
    halt(1).

say(Format, Arguments) -> io:format(standard_error, "    " ++ Format, Arguments).

%% The next batch is made while ours works on the one before.
batches(Port, _, From, To, Waiting) when From >= To -> judge(Port, Waiting);
batches(Port, {Kind, Seed}, From, To, Waiting) ->
    Last = min(From + ?BATCH, To) - 1,
    Questions = lists:append([questions(Kind, Seed, Case) || Case <- lists:seq(From, Last)]),
    Requests = << <<Operation, (byte_size(Data)):32, Data/binary>> || {_, Operation, Data, _} <- Questions >>,
    judge(Port, Waiting),
    true = port_command(Port, <<From:64, Last:64, Requests/binary>>),
    batches(Port, {Kind, Seed}, Last + 1, To, Questions).

judge(_, none) -> ok;
judge(Port, Questions) ->
    receive
        {Port, {data, Answers}} -> judge_each(Questions, Answers);
        {Port, eof} ->
            [{{Kind, Seed, First}, _, _, _} | _] = Questions,
            say("DIFFERENCE: our codec crashes on ~s of seed ~b, --first=~b --count=~b~n", [Kind, Seed, First, 2 * ?BATCH]),
            halt(1)
    end.

judge_each([], <<>>) -> ok;
judge_each([{Case, Operation, Data, Judge} | Questions], <<Size:32, Answer:Size/binary, Answers/binary>>) ->
    case Judge(Answer) of
        ok -> ok;
        {known, Name} -> put(known, maps:update_with(Name, fun(Times) -> Times + 1 end, 1, get(known)));
        {otp, Otp} -> failed(Case, Operation, Data, Otp, Answer)
    end,
    judge_each(Questions, Answers).

failed({Kind, Seed, Number}, Operation, Data, Otp, Answer) ->
    say("DIFFERENCE: ~s of seed ~b, --first=~b --count=1, operation ~c~n", [Kind, Seed, Number, Operation]),
    say("  ~b bytes ~ts~n", [byte_size(Data), hex(Data, 500)]),
    Common = binary:longest_common_prefix([Otp, Answer]),
    From = max(0, Common - 8),
    [say("  ~s from byte ~b ~ts~n", [Who, From, hex(binary:part(Said, From, byte_size(Said) - From), 60)])
     || {Who, Said} <- [{"OTP ", Otp}, {"ours", Answer}]],
    put(failed, get(failed) + 1),
    get(failed) < ?MOST_FAILURES orelse finish(get(failed)).

hex(Bytes, Most) when byte_size(Bytes) > Most -> [hex(binary:part(Bytes, 0, Most), Most), "..."];
hex(Bytes, _) -> [io_lib:format("~2.16.0b", [Byte]) || <<Byte>> <= Bytes].

questions(Kind, Seed, Number) ->
    rand:seed(exsss, {Seed, erlang:phash2(Kind), Number}),
    Case = {Kind, Seed, Number},
    [{Case, Operation, Data, Judge} || {Operation, Data, Judge} <- questions(Kind)].

questions(terms) ->
    Term = random_terms:term(),
    Other = case rand:uniform(3) of 1 -> random_terms:small(); _ -> random_terms:tweak(Term) end,
    Bytes = external(Term),
    Size = byte_size(Bytes),
    [{$d, Bytes, fun(Answer) -> same(<<1, Size:32, Bytes/binary>>, Answer) end},
     {$c, <<Size:32, Bytes/binary, (external(Other))/binary>>, fun(Answer) -> order(Term, Other, Answer) end}
     | texts(Term, Bytes)];
questions(bytes) ->
    Bytes = random_bytes:external(),
    case random_bytes:safe(Bytes) of
        true -> [{$d, Bytes, fun(Answer) -> verdict(Bytes, Answer) end}];
        false -> count(unsafe), []
    end.

count(Counter) -> put(Counter, get(Counter) + 1).

external(Term) -> term_to_binary(Term, [{minor_version, 2}, deterministic]).

same(Otp, Otp) -> ok;
same(Otp, _) -> {otp, Otp}.

%% Equal terms must have equal hashes; others may.
order(Left, Right, <<Order, Equal, Exact, Hash>>) ->
    Sign = if Left < Right -> $<; Left > Right -> $>; true -> $= end,
    Otp = <<Sign, (mark(Left == Right)), (mark(Left =:= Right))>>,
    case <<Order, Equal, Exact>> of
        Otp when Exact =:= $t, Hash =:= $f -> {otp, <<Otp/binary, $t>>};
        Otp -> ok;
        _ -> {otp, Otp}
    end.

mark(true) -> $t;
mark(false) -> $f.

%% Texts as OTP 27 and later have them.
texts(Term, Bytes) ->
    case rand:uniform(4) =:= 1 andalso random_terms:release() >= 27 andalso random_terms:printable(Term) of
        true ->
            count(texts),
            [{Operation, Bytes, fun(Answer) -> same(text(Format, Term), Answer) end}
             || {Operation, Format} <- [{$p, "~0ktp"}, {$w, "~ktw"}, {$l, "~kw"}]];
        false -> []
    end.

text(Format, Term) -> unicode:characters_to_binary(io_lib:format(Format, [Term])).

verdict(Bytes, Answer) ->
    %% A copy, since OTP writes points over the commas of floats in text form.
    try binary_to_term(binary:copy(Bytes), [used]) of
        {Term, Used} -> count(accepted), accepted(Bytes, external(Term), Used, Answer)
    catch
        error:_ -> count(rejected), rejected(Bytes, Answer)
    end.

rejected(_, <<0, _/binary>>) -> ok;
rejected(Bytes, _) ->
    Rules =
        [{"the text of a float without a zero at its end", endless_float(uncompressed(Bytes))},
         {"a native record", random_terms:release() < 29 andalso binary:match(Bytes, <<67>>) =/= nomatch}],
    known(Rules, <<0, "badarg">>).

known(Rules, Otp) ->
    case [Name || {Name, true} <- Rules] of
        [Name | _] -> {known, Name};
        [] -> {otp, Otp}
    end.

accepted(_, Otp, Used, <<1, Used:32, Otp/binary>>) -> ok;
accepted(_, Otp, Used, <<1, Used:32, Ours/binary>>) ->
    %% OTP forgets who made a closure, and takes the old numbers of the first with the same new ones for all.
    case external(binary_to_term(Ours)) of
        Otp -> {known, "a closure's creator and old numbers are kept"};
        _ -> {otp, <<1, Used:32, Otp/binary>>}
    end;
accepted(Bytes, Otp, Used, <<0, Offset:32, Message/binary>>) ->
    known(stricter(uncompressed(Bytes), Offset, Message), <<1, Used:32, Otp/binary>>);
accepted(_, Otp, Used, _) -> {otp, <<1, Used:32, Otp/binary>>}.

uncompressed(<<131, 80, _:32, Data/binary>>) -> <<0, (zlib:uncompress(Data))/binary>>;
uncompressed(Bytes) -> Bytes.

%% The differences in docs/malformed-differences.md, and whether they are why we refuse at this offset.
stricter(Bytes, Offset, Message) ->
    At = fun(Place) -> try binary:at(Bytes, Place) catch error:_ -> none end end,
    Before = At(Offset - 1),
    Fun = string:prefix(Message, "bad fun") =/= nomatch,
    [{"an index into OTP's atom table", lists:member(Before, [73, 75]) orelse lists:member(At(Offset), [73, 75])},
     {"a reference without words", lists:member(At(Offset - 3), [90, 114]) andalso {At(Offset - 2), Before} =:= {0, 0}},
     {"an old number of a closure written as a bignum, or as the tail of an empty list",
      Fun andalso lists:member(Before, [108, 110, 111])},
     {"a float with a comma", Before =:= 99 andalso float_has($,, Bytes, Offset)},
     {"a closure of a pid of more than 28 bits on nonode@nohost",
      string:prefix(Message, "bad pid") =/= nomatch andalso binary:match(Bytes, <<"nonode@nohost">>) =/= nomatch}].

float_has(Byte, Bytes, Offset) ->
    binary:match(binary:part(Bytes, Offset, min(31, byte_size(Bytes) - Offset)), <<Byte>>) =/= nomatch.

endless_float(Bytes) ->
    lists:any(fun({At, 1}) -> At + 32 =< byte_size(Bytes) andalso not float_has(0, Bytes, At + 1) end,
              binary:matches(Bytes, <<99>>)).
