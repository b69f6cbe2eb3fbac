%% What this release of OTP makes of the cases of parse_cases.txt and json_cases.txt. Prints one field of a JSON object a
%% line, to be pasted together with those of other releases by `text`.
-module(text_verdicts).
-export([main/1]).

main([Kind, Field, File]) ->
    io:setopts([{encoding, latin1}]),
    {ok, Text} = file:read_file(File),
    [print(Field, verdict(Kind, Case)) || Case <- binary:split(Text, <<"\n--\n">>, [global])].

print(Field, Value) -> file:write(standard_io, [$", Field, "\": ", Value, $\n]).

verdict("text", Case) -> quote(Case);
verdict("parse", Case) -> hex(fun() -> parse(unicode:characters_to_list(Case)) end);
verdict("decode", Case) -> hex(fun() -> json:decode(Case) end);
verdict("term", Case) -> hex(fun() -> evaluate(unicode:characters_to_list(Case)) end);
verdict("encode", Case) ->
    Term = evaluate(unicode:characters_to_list(Case)),
    try quote(iolist_to_binary(json:encode(Term))) catch _:_ -> "null" end.

parse(Text) ->
    {ok, Tokens, _} = erl_scan:string(Text ++ "\n.\n"),
    {ok, Term} = erl_parse:parse_term(Tokens),
    Term.

evaluate(Text) ->
    {ok, Tokens, _} = erl_scan:string(Text ++ "\n.\n"),
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    {value, Term, _} = erl_eval:exprs(Expressions, []),
    Term.

hex(Make) ->
    try [$", binary:encode_hex(term_to_binary(Make(), [{minor_version, 2}, deterministic])), $"] catch _:_ -> "null" end.

quote(Text) -> [$", [escape(Byte) || <<Byte>> <= Text], $"].

escape($") -> "\\\"";
escape($\\) -> "\\\\";
escape(Byte) when Byte < 32; Byte =:= 127 -> io_lib:format("\\u~4.16.0B", [Byte]);
escape(Byte) -> Byte.
