%% Terms of every kind, from the state of rand.
-module(random_terms).

-export([term/0, small/0, leaf/0, tweak/1, one_of/1, release/0, printable/1]).

release() -> list_to_integer(erlang:system_info(otp_release)).

one_of(List) -> lists:nth(rand:uniform(length(List)), List).

term() ->
    case rand:uniform(200) of
        N when N =< 3 -> special();
        4 -> term(1000);
        _ -> term(one_of([1, 3, 3, 10, 10, 30, 100]))
    end.

small() -> term(one_of([1, 2, 3, 6, 12])).

%% About Size parts.
term(Size) when Size =< 1 -> leaf();
term(Size) ->
    case rand:uniform(20) of
        N when N =< 2 -> leaf();
        N when N =< 7 -> list_to_tuple(terms(Size));
        N when N =< 11 -> terms(Size);
        N when N =< 13 -> improper(Size);
        N when N =< 17 -> map(Size, rand:uniform(min(Size, 8)));
        18 when Size >= 30 -> map(Size, 30 + rand:uniform(20));
        N when N =< 19 -> closure(terms(Size));
        20 -> record(Size)
    end.

terms(Size) ->
    Count = rand:uniform(min(Size, 8)),
    [term((Size - 1) div Count) || _ <- lists:seq(1, Count)].

improper(Size) -> lists:foldr(fun(Head, Tail) -> [Head | Tail] end, leaf(), terms(Size)).

map(Size, Count) -> maps:from_list([{key(), term(Size div Count)} || _ <- lists:seq(1, Count)]).

key() ->
    case rand:uniform(6) of
        1 -> {leaf(), leaf()};
        2 -> [leaf() | leaf()];
        3 -> #{leaf() => leaf()};
        _ -> leaf()
    end.

%% The edges of the format.
special() ->
    case rand:uniform(5) of
        1 -> [rand:uniform(256) - 1 || _ <- lists:seq(1, one_of([65534, 65535, 65536]))];
        2 -> list_to_tuple([leaf() || _ <- lists:seq(1, one_of([255, 256, 300]))]);
        3 -> maps:from_list([{leaf(), leaf()} || _ <- lists:seq(1, 500)]);
        4 -> deep(one_of([100, 5000, 50000]), leaf());
        5 -> integer(rand:uniform(20000))
    end.

deep(0, Term) -> Term;
deep(Levels, Term) ->
    deep(Levels - 1, case rand:uniform(4) of
        1 -> [Term];
        2 -> {a, Term};
        3 -> #{k => Term};
        4 -> [Term | b]
    end).

leaf() ->
    case rand:uniform(16) of
        1 -> rand:uniform(256) - 1;
        2 -> integer(33);
        3 -> integer(80);
        4 -> integer(one_of([70, 300, 2100]));
        5 -> float_();
        6 -> atom();
        7 -> atom();
        8 -> rand:bytes(rand:uniform(20) - 1);
        9 -> rand:bytes(one_of([0, 63, 64, 65, 255, 256, 257, 300]));
        10 ->
            Size = rand:uniform(40),
            <<Bits:Size/bitstring, _/bitstring>> = rand:bytes(5),
            Bits;
        11 -> text();
        12 -> unicode:characters_to_binary(characters());
        13 -> identifier();
        14 -> fun_();
        15 -> one_of([[], {}, #{}, <<>>, [[]], '', "a"]);
        16 -> [rand:uniform(256) - 1 || _ <- lists:seq(1, rand:uniform(20))]
    end.

%% Near a power of two up to 2^Bits, or anywhere below it.
integer(Bits) ->
    Power = 1 bsl rand:uniform(Bits),
    Sign = one_of([1, -1]),
    case rand:uniform(2) of
        1 -> Sign * (Power + rand:uniform(5) - 3);
        2 -> Sign * (rand:uniform(Power) - 1)
    end.

float_() ->
    case rand:uniform(6) of
        1 -> float_of(rand:uniform(1 bsl 64) - 1);
        2 -> float_of(rand:uniform(1 bsl 52) - 1);
        3 -> float(rand:uniform(2000) - 1000);
        4 -> (rand:uniform(2000000) - 1000000) / one_of([10, 100, 1000, 1.0e5, 1.0e10]);
        5 -> float(one_of([1, -1]) * ((1 bsl rand:uniform(80)) + rand:uniform(3) - 2));
        6 -> one_of([0.0, 5.0e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1.0e22, 1.0e23, 0.1, -1.0,
                     minus_zero()])
    end.

%% Until OTP 27 the two zeros were the same.
minus_zero() ->
    case release() >= 27 of
        true -> float_of(1 bsl 63);
        false -> 0.0
    end.

float_of(Bits) ->
    case <<Bits:64>> of
        <<Float:64/float>> -> Float;
        _ -> 1.5
    end.

atom() ->
    case rand:uniform(10) of
        1 -> list_to_atom(lists:sublist(lists:append([characters() || _ <- lists:seq(1, 40)]), 255));
        2 -> list_to_atom(lists:duplicate(255, one_of([$a, $å, 16#4E2D, 16#1F600])));
        3 -> list_to_atom(lists:duplicate(one_of([85, 127, 128, 254]), one_of([$b, $ö, 16#4E2D])));
        4 -> list_to_atom(characters());
        _ -> known_atom()
    end.

known_atom() ->
    one_of([ok, error, undefined, nil, true, false, a, b, c, 'A', 'hello world', 'end', 'maybe', 'else', 'query',
            '', '\n', '\\', '\'', 'a@b', aB_1, 'åäö', 'Ünder', 'é', '中', 'ß', '÷', '×', '_', '_a', '@',
            'a-b', 'é中', '1', 'a.b', 'ÿ', '\x{1F600}', '\d', '\e', '\x{80}', '\x{A0}', '[]', '{}', 'fun',
            'when', 'spec']).

%% A list of characters, of all lengths in UTF-8.
characters() ->
    [case rand:uniform(8) of
         1 -> rand:uniform(32) - 1;
         2 -> 126 + rand:uniform(130);
         3 -> 16#FF + rand:uniform(16#500);
         4 -> one_of([16#D7FF, 16#E000, 16#FFFD, 16#10000, 16#10FFFF, 16#4E2D, 16#2028, 16#FEFF, 16#378, 16#1F600]);
         _ -> 31 + rand:uniform(95)
     end || _ <- lists:seq(1, rand:uniform(12))].

text() -> [one_of("abc xyz\n\t\e\"\\'" ++ [127, 128, 159, 160, 255]) || _ <- lists:seq(1, rand:uniform(10))].

%% Made of bytes, as if by other nodes.
identifier() ->
    Node = node_bytes(),
    Creation = one_of([0, 1, 3, 4, 1700000000, 16#FFFFFFFF]),
    Word = fun() -> one_of([0, 1, 2, 16#3FFFF, rand:uniform(1 bsl 18) - 1]) end,
    Wide = fun() -> one_of([0, 1, 16#FFFFFFFF, rand:uniform(1 bsl 32) - 1]) end,
    case rand:uniform(3) of
        1 -> binary_to_term(<<131, 88, Node/binary, (Word()):32, (one_of([0, 1, 16#FFFFFFFF])):32, Creation:32>>);
        2 ->
            %% OTP 25 writes small numbers of ports in the old form.
            Number = (1 bsl 28) + one_of([0, 1, (1 bsl 64) - 1 - (1 bsl 28), rand:uniform(1 bsl 40)]),
            binary_to_term(<<131, 120, Node/binary, Number:64, Creation:32>>);
        3 ->
            %% The last word is not 0, since OTP's maps are confused by references that differ in such words only.
            Words = << <<(Wide()):32>> || _ <- lists:seq(2, rand:uniform(4)) >>,
            Last = rand:uniform(1 bsl 18),
            Size = byte_size(Words) div 4 + 2,
            binary_to_term(<<131, 90, Size:16, Node/binary, Creation:32, (Word()):32, Words/binary, Last:32>>)
    end.

node_bytes() ->
    Name = unicode:characters_to_binary(one_of(["a@b", "b@a", "x@127.0.0.1", "ä@host", "no_at", "中@host"])),
    <<119, (byte_size(Name)), Name/binary>>.

%% Of few modules, names and numbers: a VM never forgets one.
fun_() ->
    case rand:uniform(3) of
        1 -> fun lists:map/2;
        2 -> erlang:make_fun(one_of([lists, nowhere]), known_atom(), one_of([0, 1, 2, 254, 255]));
        3 -> closure([])
    end.

%% One of this module's, or one of a module that is not here, whose numbers depend on each other as those of compiled
%% modules do: to a VM the same unique number and index are the same function, whatever the rest.
closure(Variables) ->
    case rand:uniform(3) of
        1 -> fun() -> Variables end;
        _ ->
            Module = one_of([nowhere, elsewhere]),
            Unique = rand:uniform(3),
            Index = rand:uniform(10),
            Free = << <<(inner(Variable))/binary>> || Variable <- Variables >>,
            Body = <<(Index rem 3), Unique:128, Index:32, (length(Variables)):32, (inner(Module))/binary,
                     (inner(Index))/binary, (inner(erlang:phash2({Module, Unique})))/binary, 88, (node_bytes())/binary,
                     1:32, 0:32, 4:32, Free/binary>>,
            binary_to_term(<<131, 112, (byte_size(Body) + 4):32, Body/binary>>)
    end.

%% A native record, where there are any.
record(Size) ->
    case release() >= 29 of
        true ->
            Fields = lists:usort([atom() || _ <- lists:seq(1, rand:uniform(6))]),
            Names = << <<(inner(Name))/binary>> || Name <- [known_atom(), known_atom() | shuffle(Fields)] >>,
            Values = << <<(inner(term(Size div 6)))/binary>> || _ <- Fields >>,
            binary_to_term(<<131, 67, (length(Fields)):32, (one_of([0, 1])), Names/binary, Values/binary>>);
        false ->
            {record, term(Size - 1)}
    end.

shuffle(List) -> [Element || {_, Element} <- lists:sort([{rand:uniform(), Element} || Element <- List])].

inner(Term) ->
    <<131, Bytes/binary>> = term_to_binary(Term, [{minor_version, 2}, deterministic]),
    Bytes.

%% A term that is the same but for a small part, to look deep into comparisons.
tweak(Integer) when is_integer(Integer) ->
    case rand:uniform(4) of
        1 -> Integer + 1;
        2 -> -Integer;
        3 -> Integer;
        4 -> try float(Integer) catch error:_ -> Integer - 1 end
    end;
tweak(Float) when is_float(Float) ->
    case rand:uniform(3) of
        1 -> trunc(Float);
        2 -> try -Float * 1.0000000000000002 catch error:_ -> 0.0 end;
        3 -> Float
    end;
tweak({}) -> {a};
tweak(Tuple) when is_tuple(Tuple), not is_function(Tuple) ->
    Index = rand:uniform(tuple_size(Tuple)),
    setelement(Index, Tuple, tweak(element(Index, Tuple)));
tweak([Head | Tail]) ->
    case rand:uniform(5) of
        1 -> [tweak(Head) | Tail];
        2 -> Tail;
        _ -> [Head | tweak(Tail)]
    end;
tweak(Map) when is_map(Map), map_size(Map) > 0 ->
    Key = one_of(maps:keys(Map)),
    case rand:uniform(3) of
        1 -> maps:put(Key, tweak(maps:get(Key, Map)), Map);
        2 -> maps:put(tweak(Key), maps:get(Key, Map), maps:remove(Key, Map));
        3 -> maps:map(fun(_, Value) -> tweak(Value) end, Map)
    end;
tweak(Bits) when is_bitstring(Bits), bit_size(Bits) > 0 ->
    Keep = rand:uniform(bit_size(Bits)) - 1,
    <<Kept:Keep/bitstring, Bit:1, Rest/bitstring>> = Bits,
    one_of([Kept, <<Kept/bitstring, (1 - Bit):1, Rest/bitstring>>, <<Bits/bitstring, 0:1>>]);
tweak(_) -> leaf().

%% Can its text be foretold? Pids, ports and references have a number in theirs that the VM makes up for their node. In
%% those of functions OTP quotes other names than elsewhere, and escapes nothing, so that not all can be read back.
printable(Term) when is_pid(Term); is_port(Term); is_reference(Term) -> false;
printable(Fun) when is_function(Fun) ->
    {name, Name} = erlang:fun_info(Fun, name),
    {type, Type} = erlang:fun_info(Fun, type),
    Type =:= local orelse lists:member(Name, [ok, a, map, aB_1, 'A', '1', 'hello world']);
%% OTP 29 gives up reading bytes as text at the first character that it would not print; OTP 27 first looks whether all
%% are UTF-8.
printable(Binary) when is_binary(Binary) ->
    case unicode:characters_to_list(Binary) of
        {_, Start, _} -> io_lib:printable_latin1_list(Start);
        _ -> true
    end;
printable([Head | Tail]) -> printable(Head) andalso printable(Tail);
printable(Map) when is_map(Map) -> printable(maps:to_list(Map));
printable(Tuple) when is_tuple(Tuple) -> printable(tuple_to_list(Tuple));
printable(Term) -> is_number(Term) orelse is_atom(Term) orelse is_bitstring(Term) orelse Term =:= [].
