# elixir --name me@127.0.0.1 hello.exs
greeter = {:greeter, :"hello@127.0.0.1"}
IO.puts(GenServer.call(greeter, {:greet, "Ada"}))
monitor = Process.monitor(greeter)
receive do: ({:DOWN, ^monitor, :process, _, reason} -> IO.puts("it has ended: #{reason}"))
