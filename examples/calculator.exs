# Uses the C++ calculator of examples/calculator.cpp as if it were an Elixir process, and says what it does.
#
#   elixir --name demo@127.0.0.1 examples/calculator.exs calculator@127.0.0.1

defmodule Demo do
  @moduledoc "What the steps below share."

  # Each step's outcome is compared with what must come; a difference ends the demo.
  def expect(what, expected, got) do
    if got != expected do
      fail("#{what}: expected #{inspect(expected)}, got #{inspect(got)}")
    end

    IO.puts("#{what} -> #{inspect(got)}")
    got
  end

  def fail(why) do
    IO.puts("demo: failed: #{why}")
    System.halt(1)
  end

  # Waits for the message that `tag` and `key` begin; returns its last element, the reason.
  def reason_of(tag, key) do
    receive do
      message when elem(message, 0) == tag and elem(message, 1) == key ->
        elem(message, tuple_size(message) - 1)
    after
      5_000 -> fail("no #{tag} message came within 5 s")
    end
  end

  # A call that must end with the exit of the one who is called.
  def exit_of(call) do
    call.()
    fail("a call was answered that should have ended the calculator")
  catch
    :exit, {reason, _what_was_called} -> reason
  end

  # After a crash there is no `calc` for an instant, until the supervisor has started it again.
  def restarted(calc, attempts \\ 100)
  def restarted(_calc, 0), do: fail("the calculator was not restarted within 5 s")

  def restarted(calc, attempts) do
    GenServer.call(calc, :pid)
  catch
    :exit, {:noproc, _what_was_called} ->
      Process.sleep(50)
      restarted(calc, attempts - 1)
  end
end

node =
  case System.argv() do
    [name] -> String.to_atom(name)
    _ -> Demo.fail("the name of the C++ node is missing, for example calculator@127.0.0.1")
  end

calc = {:calc, node}
division_by_zero = {:"std::domain_error", "division by zero"}

IO.puts("I am Elixir #{System.version()} on Erlang/OTP #{System.otp_release()}, node #{node()}.")
if not Node.connect(node), do: Demo.fail("no connection to #{node}; does it run, with this cookie?")
Demo.expect("ping to #{node}", :pong, :net_adm.ping(node))
pid = GenServer.call(calc, :pid)
IO.puts("I am connected to #{node}; its process `calc` is #{inspect(pid)} to me.")

IO.puts("-- Calls and casts")
Demo.expect("call {:add, 40}", 40.0, GenServer.call(calc, {:add, 40}))
Demo.expect("call {:add, 2} by pid", 42.0, GenServer.call(pid, {:add, 2}))
Demo.expect("cast :reset", :ok, GenServer.cast(calc, :reset))
# No longer 0, so that the restart below shows.
Demo.expect("call {:add, 7}", 7.0, GenServer.call(calc, {:add, 7}))
unknown = {:error, {:unknown_call, {:times, 7}}}
Demo.expect("call {:times, 7}, which it does not know", unknown, GenServer.call(calc, {:times, 7}))

IO.puts("-- I monitor calc and crash it: a C++ exception becomes the reason of its exit")
monitor = Process.monitor(calc)
reason = Demo.exit_of(fn -> GenServer.call(calc, {:divide, 0}) end)
Demo.expect("the call exits with", division_by_zero, reason)
Demo.expect("the monitor says", division_by_zero, Demo.reason_of(:DOWN, monitor))

IO.puts("-- Its supervisor has started it again")
second = Demo.restarted(calc)
if second == pid, do: Demo.fail("the process is still the old one")
IO.puts("calc is a new process: #{inspect(second)} in place of #{inspect(pid)}.")
Demo.expect("call :get", 0.0, GenServer.call(calc, :get))
monitor = Process.monitor(pid)
Demo.expect("a monitor of the old process says", :noproc, Demo.reason_of(:DOWN, monitor))

IO.puts("-- I link to it, trap exits, and crash it once more")
Process.flag(:trap_exit, true)
Process.link(second)
Demo.exit_of(fn -> GenServer.call(second, {:divide, 0}) end)
Demo.expect("the link says", division_by_zero, Demo.reason_of(:EXIT, second))
third = Demo.restarted(calc)
IO.puts("calc is a new process again: #{inspect(third)}.")

IO.puts("-- The other way round: a process of mine links to calc and ends; calc traps exits and stays")
{mine, monitor} = spawn_monitor(fn -> Process.link(third) && exit(:bye) end)
Demo.expect("my process #{inspect(mine)} ends", :bye, Demo.reason_of(:DOWN, monitor))
Demo.expect("call :pid, it is the same process", third, GenServer.call(calc, :pid))

IO.puts("demo: success")
