%% Bytes that are, or nearly are, external terms, from the state of rand.
-module(random_bytes).

-export([external/0, safe/1]).

-define(TAGS, [67, 70, 77, 80, 82, 88, 89, 90, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
               112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 131]).

%% 131 and a term in any legal form, with up to four mutations.
external() ->
    Bytes = mutate(one_of([0, 1, 1, 1, 2, 2, 3, 4]), odd(random_terms:small())),
    case rand:uniform(20) of
        1 -> mutate(rand:uniform(2) - 1, <<131, 80, (byte_size(Bytes)):32, (zlib:compress(Bytes))/binary>>);
        2 -> mutate(1, <<131, Bytes/binary>>);
        _ -> <<131, Bytes/binary>>
    end.

%% Some bytes end a whole VM: external funs with an arity above 255 do. Others make it allocate what a compressed term
%% claims to be.
safe(<<131, 80, Size:32, _/binary>>) when Size > 16#1000000 -> false;
safe(<<131, 80, _:32, Data/binary>>) ->
    try safe_inside(zlib:uncompress(Data)) catch error:_ -> true end;
safe(Bytes) -> safe_inside(Bytes).

safe_inside(Bytes) ->
    lists:all(fun({At, 1}) ->
        <<_:At/binary, 113, Fun/binary>> = Bytes,
        safe_arity(after_atom(after_atom(Fun)))
    end, binary:matches(Bytes, <<113>>)).

after_atom(<<Tag, Size:16, _:Size/binary, Rest/binary>>) when Tag =:= 100; Tag =:= 118 -> Rest;
after_atom(<<Tag, Size, _:Size/binary, Rest/binary>>) when Tag =:= 115; Tag =:= 119 -> Rest;
after_atom(<<73, _:16, Rest/binary>>) -> Rest;
after_atom(<<75, _:24, Rest/binary>>) -> Rest;
after_atom(_) -> <<>>.

safe_arity(<<98, Arity:32/signed, _/binary>>) -> Arity =< 255;
safe_arity(<<Tag, _/binary>>) -> Tag =:= 97;
safe_arity(<<>>) -> true.

one_of(List) -> random_terms:one_of(List).

%% The term in a form that OTP may not write, but reads.
odd(Term) ->
    case rand:uniform(30) of
        1 -> edge(rand:uniform(9));
        N when N =< 10 -> plain(Term);
        _ -> odd_form(Term)
    end.

%% On either side of what is legal.
edge(1) -> <<77, (one_of([0, 1, 2])):32, (one_of([0, 1, 7, 8, 9, 255])), 16#5A, 16#FF>>;
edge(2) -> <<70, (one_of([0, 1])):1, (one_of([0, 1, 2046, 2047])):11, (one_of([0, 1, 1 bsl 51])):52>>;
edge(3) ->
    Name = binary:copy(one_of([<<"a">>, <<"å"/utf8>>, <<"中"/utf8>>, <<16#1F600/utf8>>]), one_of([254, 255, 256])),
    <<118, (byte_size(Name)):16, Name/binary>>;
edge(4) ->
    Character = one_of([<<16#C080:16>>, <<16#C1BF:16>>, <<16#C280:16>>, <<16#E09FBF:24>>, <<16#E0A080:24>>, <<16#ED9FBF:24>>,
                        <<16#EDA080:24>>, <<16#EE8080:24>>, <<16#EFBFBF:24>>, <<16#F08FBFBF:32>>, <<16#F0908080:32>>,
                        <<16#F48FBFBF:32>>, <<16#F4908080:32>>, <<16#F5808080:32>>, <<16#E282:16>>, <<16#80>>, <<16#FF>>]),
    <<119, (byte_size(Character) + 2), $a, Character/binary, $b>>;
edge(5) ->
    Size = rand:uniform(6),
    <<(one_of([90, 90, 114])), Size:16, 119, 3, "a@b", (rand:bytes(4 + 4 * Size))/binary>>;
edge(6) ->
    %% With a key twice, now and then in different forms.
    Keys = [random_terms:leaf() || _ <- lists:seq(1, one_of([1, 2, 31, 32, 33, 40]))],
    Pairs = << <<(odd(Key))/binary, 97, 1>> || Key <- [hd(Keys) | lists:reverse(Keys)] >>,
    <<116, (length(Keys) + 1):32, Pairs/binary>>;
edge(7) ->
    Field = fun() -> one_of([<<119, 1, "a">>, <<115, 1, "b">>, <<118, 1:16, "c">>, <<100, 1:16, "d">>, <<97, 1>>]) end,
    Flags = one_of([0, 1, 1, 2, 3, 128]),
    <<67, 2:32, Flags, 119, 1, "m", 115, 1, "n", (Field())/binary, (Field())/binary, 106, 106>>;
edge(8) ->
    Text = list_to_binary(one_of([
        "", "-", "1", ".5", "1.e5", "+1.0", "-0.0", "--1.0", "1.0 ", " 1.0", "1.0.0", "1.5\n", "1.0E5", "1.0e+05", "1.5e",
        "1.5e+", "1.0e5.0", "1.0e400", "1.0e-400", "-1.0e-400", "inf", "nan", "0x1.0p3", "00001.5", "4.9e-324", "2.4e-324",
        "1.7976931348623157e308", "1.7976931348623159e308"])),
    <<99, Text/binary, 0:(8 * (31 - byte_size(Text)))>>;
edge(9) -> old_form(one_of([102, 103]), <<(one_of([119, 118])), (one_of([0, 1])), "a", (rand:bytes(4))/binary>>).

plain(Term) ->
    <<131, Bytes/binary>> = term_to_binary(Term, [{minor_version, rand:uniform(3) - 1}]),
    Bytes.

odd_form(Integer) when is_integer(Integer) ->
    Digits = binary:encode_unsigned(abs(Integer), little),
    Padded = <<Digits/binary, 0:(8 * (rand:uniform(4) - 1))>>,
    Sign = case Integer < 0 of true -> one_of([1, 2, 255]); false -> 0 end,
    case rand:uniform(3) of
        1 when byte_size(Padded) < 256 -> <<110, (byte_size(Padded)), Sign, Padded/binary>>;
        2 -> <<111, (byte_size(Padded)):32, Sign, Padded/binary>>;
        _ when Integer >= -16#80000000, Integer < 16#80000000 -> <<98, Integer:32>>;
        _ -> plain(Integer)
    end;
odd_form(Float) when is_float(Float) ->
    Text = iolist_to_binary(case rand:uniform(4) of
        1 -> io_lib:format("~.*e", [rand:uniform(20) + 1, Float]);
        2 when abs(Float) < 1.0e9 -> io_lib:format("~.*f", [rand:uniform(10), Float]);
        3 -> io_lib:format("~p", [Float]);
        _ -> io_lib:format("~.20e", [Float])
    end),
    Size = min(31, byte_size(Text)),
    <<99, (binary:part(Text, 0, Size))/binary, 0:(8 * (31 - Size))>>;
odd_form(Atom) when is_atom(Atom) ->
    Utf8 = atom_to_binary(Atom, utf8),
    case rand:uniform(3) of
        1 -> <<118, (byte_size(Utf8)):16, Utf8/binary>>;
        2 ->
            try
                Latin1 = atom_to_binary(Atom, latin1),
                Size = byte_size(Latin1),
                one_of([<<115, Size, Latin1/binary>>, <<100, Size:16, Latin1/binary>>])
            catch
                error:_ -> plain(Atom)
            end;
        3 -> plain(Atom)
    end;
odd_form([]) -> one_of([<<106>>, <<107, 0:16>>, <<108, 0:32, 106>>]);
odd_form([_ | _] = List) -> odd_list(List, rand:uniform(length_of(List) + 1) - 1);
odd_form(Map) when is_map(Map) ->
    Pairs = [{rand:uniform(), odd(Key), odd(Value)} || {Key, Value} <- maps:to_list(Map)],
    <<116, (length(Pairs)):32, << <<Key/binary, Value/binary>> || {_, Key, Value} <- lists:sort(Pairs) >>/binary>>;
odd_form(Binary) when is_binary(Binary), Binary =/= <<>> -> <<77, (byte_size(Binary)):32, 8, Binary/binary>>;
odd_form(Bits) when is_bitstring(Bits), not is_binary(Bits) ->
    Junk = 8 - bit_size(Bits) rem 8,
    <<77, (byte_size(Bits)):32, (8 - Junk), Bits/bitstring, (rand:uniform(1 bsl Junk) - 1):Junk>>;
odd_form(Pid) when is_pid(Pid) ->
    Bytes = plain(Pid),
    old_form(103, binary:part(Bytes, 1, byte_size(Bytes) - 5));
odd_form(Port) when is_port(Port) ->
    Bytes = plain(Port),
    Node = binary:part(Bytes, 1, byte_size(Bytes) - 13),
    case rand:uniform(2) of
        1 -> old_form(102, <<Node/binary, (rand:uniform(1 bsl 28)):32>>);
        2 -> <<89, Node/binary, 7:32, (one_of([0, 1, 77])):32>>
    end;
odd_form(Ref) when is_reference(Ref) ->
    <<90, Size:16, Rest/binary>> = plain(Ref),
    Node = binary:part(Rest, 0, byte_size(Rest) - 4 * Size - 4),
    Words = binary:part(Rest, byte_size(Rest), -4 * Size),
    case rand:uniform(2) of
        1 -> old_form(101, <<Node/binary, (binary:part(Words, 0, 4))/binary>>);
        2 -> <<114, Size:16, Node/binary, (one_of([0, 3, 3, 4])), Words/binary>>
    end;
odd_form(Tuple) when is_tuple(Tuple), not is_function(Tuple) ->
    Elements = << <<(odd(Element))/binary>> || Element <- tuple_to_list(Tuple) >>,
    <<105, (tuple_size(Tuple)):32, Elements/binary>>;
odd_form(Term) -> plain(Term).

old_form(Tag, Bytes) -> <<Tag, Bytes/binary, (one_of([0, 1, 2, 3, 4]))>>.

%% The first Count elements, and the rest as the tail.
odd_list(List, Count) ->
    {Elements, Tail} = split(Count, List, <<>>),
    <<108, Count:32, Elements/binary, (odd(Tail))/binary>>.

split(0, Tail, Bytes) -> {Bytes, Tail};
split(Count, [Head | Tail], Bytes) -> split(Count - 1, Tail, <<Bytes/binary, (odd(Head))/binary>>).

length_of([_ | Tail]) -> 1 + length_of(Tail);
length_of(_) -> 0.

mutate(0, Bytes) -> Bytes;
mutate(_, <<>>) -> <<>>;
mutate(Times, Bytes) -> mutate(Times - 1, mutate(Bytes)).

mutate(Bytes) ->
    At = place(Bytes),
    <<Before:At/binary, Byte, After/binary>> = Bytes,
    case rand:uniform(10) of
        1 -> <<Before/binary, (Byte bxor (1 bsl (rand:uniform(8) - 1))), After/binary>>;
        2 -> <<Before/binary, (rand:uniform(256) - 1), After/binary>>;
        3 -> <<Before/binary, (one_of(?TAGS)), After/binary>>;
        4 -> Before;
        5 -> <<Before/binary, (drop(After))/binary>>;
        6 -> <<Before/binary, (rand:bytes(rand:uniform(6)))/binary, Byte, After/binary>>;
        7 -> <<Before/binary, Byte, (number(After))/binary>>;
        8 -> <<Before/binary, Byte, (number(After))/binary>>;
        9 ->
            Rest = one_of([<<Byte, After/binary>>, drop(After)]),
            <<Before/binary, (odd(random_terms:small()))/binary, Rest/binary>>;
        10 -> <<Bytes/binary, (binary:part(Bytes, At, rand:uniform(byte_size(Bytes) - At)))/binary>>
    end.

%% Any byte, or one that looks like a tag.
place(Bytes) ->
    Tags = [At || {At, 1} <- binary:matches(Bytes, [<<Tag>> || Tag <- ?TAGS])],
    case rand:uniform(2) of
        1 when Tags =/= [] -> one_of(Tags);
        _ -> rand:uniform(byte_size(Bytes)) - 1
    end.

drop(Bytes) ->
    Count = min(byte_size(Bytes), rand:uniform(8)),
    <<_:Count/binary, Rest/binary>> = Bytes,
    Rest.

%% Another number in place of that at the start.
number(Bytes) ->
    Size = one_of([8, 8, 16, 32, 32]),
    case Bytes of
        <<Number:Size, Rest/binary>> ->
            Other = one_of([Number - 1, Number + 1, 0, 1, 2, 3, 5, 6, 255, 256, 65535, 1 bsl 24, 1 bsl 31, -1]),
            <<Other:Size, Rest/binary>>;
        _ -> Bytes
    end.
