# What this release of Elixir's `inspect` says of the terms of etf.jsonl, and of those below. Prints the external form as a
# field of a JSON object, a tab, and the text as a value (null for a term that this release cannot read).
[here] = System.argv()

defmodule User do
  defstruct [:age, :name]
end

defmodule Failure do
  defexception [:code, :message]
end

defmodule Output do
  def line(bytes) do
    text =
      try do
        # Compressed terms and those of later releases are not all readable everywhere.
        term = :erlang.binary_to_term(bytes)
        quote_text(inspect(term, limit: :infinity, printable_limit: :infinity, width: :infinity, custom_options: [sort_maps: true]))
      rescue
        _ -> "null"
      end

    # The index of another node differs from VM to VM.
    text = Regex.replace(~r/#(PID|Port|Reference)<[1-9]\d*\./, IO.iodata_to_binary(text), "#\\1<NODE.")
    IO.binwrite(["\"hex\": \"", Base.encode16(bytes), "\"\t", text, ?\n])
  end

  def term(value), do: line(:erlang.term_to_binary(value, minor_version: 2))

  defp quote_text(text), do: [?", for(<<c <- text>>, do: escape(c)), ?"]
  defp escape(c) when c in [?", ?\\], do: [?\\, c]
  defp escape(c) when c < 32 or c == 127, do: ["\\u", String.pad_leading(Integer.to_string(c, 16), 4, "0")]
  defp escape(c), do: c
end

:io.setopts(encoding: :latin1)

File.stream!(Path.join(here, "../etf.jsonl"))
|> Enum.map(fn line -> hd(Regex.run(~r/"hex": "([0-9a-f]*)"/, line, capture: :all_but_first)) end)
|> Enum.filter(&(byte_size(&1) < 1000))
|> Enum.uniq()
|> Enum.each(&Output.line(Base.decode16!(&1, case: :lower)))

operators =
  "+ - * / ! ^ & && &&& | || ||| < > = == != =~ === !== <= >= . .. ... ..// -> <- => :: // \\\\ ; : , @ % %{} {} <<>> [] () " <>
    "++ -- +++ --- ** <> |> <<< >>> <<~ ~>> <~ ~> <~> ~~~ ^^^ <|> <<>>= ? ~ ` $ $gen_call # >< ^^ !! |||| &&&& ~= not in and " <>
    "or when fn do end else after rescue catch super __MODULE__ def __aliases__ not-in"

names =
  ~w(nil true false foo? foo! foo?a a@b a@ @a A Foo Elixir Elixir. Elixir.Foo Elixir.foo Elixir.Foo.bar Elixir.Foo.Bar) ++
    ~w(Elixir.Foo.Bar? Elixir.Elixir Elixir.Elixir.Foo Elixir.ElixirFoo ElixirFoo Elixir.Foo_1 Elixir.Fé Elixir.Foo..Bar) ++
    ~w(Elixir.Foo. _ _a _1 1a é É a.b a-b Foo.Bar foo!? fooA_1 aé· × a? ? ! nonode@nohost Elixir.Foo!) ++
    ["", "a b", "a\"b", "a\#{b", "a#", "\n\t\r\v\b\f\e\d\a\0\x01\u0085", "\u00A0\u200B\u202E\uFEFF", "'", "\\"]

for name <- String.split(operators, " ") ++ names do
  atom = String.to_atom(name)
  Output.term(atom)
  Output.term([{atom, 1}])
  Output.term(%{atom => 1})
  Output.term(Function.capture(atom, atom, 1))
end

# Without the letters that only 1.18 takes in names.
for code <- 0xA1..0x180, code not in ~c"ĔĕĬĭĲĳĸŎŏŖŗŢţ" do
  atom = String.to_atom(<<code::utf8, "_é", code::utf8, "1">>)
  Output.term(atom)
  Output.term(Function.capture(:m, atom, 1))
end

for float <- [0.0, -0.0, 1.0, 100.0, 1.0e10, 1.0e15, 9007199254740992.0, 9999999999999998.0, 1.0e16, 1.5e16, 1.0e22, 0.1, 0.0001] ++
      [1.2345e-4, 1.0e-5, 123.456, 1.0e300, 5.0e-324, 123456780000000.0, -1.0e10, 2.5, -2.5, 1.7976931348623157e308],
    do: Output.term(float)

for text <- ["", "a\"b'c\#{\\#", "#", <<0>>, "a\d\a\e", "é中😀\u200B\u202A\uFEFF\uFFFD", <<255>>, "\uFFFE", <<"a", 0>>, "\x7F", "a\nb"] do
  Output.term(text)
  Output.term([text, {text}])
end

for {from, to} <- [{0x80, 0xFF}, {0x340, 0x360}, {0x600, 0x620}, {0x1FF0, 0x2080}, {0xFDF0, 0xFE00}, {0xFEF0, 0xFF00}, {0xFFF0, 0x10010}],
    code <- from..to,
    do: Output.term(<<code::utf8>>)

Enum.each(
  [
    <<5::3>>,
    <<170, 5::3>>,
    <<97, 1::1>>,
    <<1, 2>>,
    [a: 1, b: [c: 2]],
    [{:a, 1}, 2],
    [{:a, 1} | :b],
    [{:a, 1, 2}],
    [1 | 2],
    [1, 2 | {3, [a: 1]}],
    [[1] | "x"],
    ~c"abc",
    ~c"a\"b'c\#{\\#",
    ~c"\#{",
    [7, 8, 9, 10, 11, 12, 13, 27],
    [127],
    [0],
    [6],
    [14],
    [233],
    [97 | 98],
    [97, {:a}],
    [[], [[]]],
    {},
    {1, {2, {3}}},
    %{},
    %{:a => 1, :b => %{c: 2}},
    %{1 => 2, :a => 1},
    %{Foo => 1},
    %{nil => 1, true => 2},
    %{"a" => 1, {1, 2} => [3]},
    %{:a => 1, Foo => 1},
    %{[a: 1] => [b: 2]},
    struct(User, age: 1, name: "Ada"),
    [struct(User, age: struct(User, [])), %{u: struct(User, name: %{1 => 2})}],
    struct(Failure, code: 1, message: "x"),
    %{:__struct__ => User, 1 => 1},
    %{__struct__: 1},
    %{__struct__: nil},
    %{__struct__: :lists, name: 1},
    &Enum.map/2,
    &:lists.map/2,
    &:erlang.+/2,
    Map.new(1..40, &{&1, &1}),
    [nil, true, false, nil: nil],
    {:ok, [%{id: 1, tags: [:a, "b"]}, 2.0]}
  ],
  &Output.term/1
)
