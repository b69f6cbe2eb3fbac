# What an Elixir program does with processes of another node, done with those of a C++ node.

support = Path.join([__DIR__, "..", "support", "interop"])
{:ok, :interop, beam} = :compile.file(String.to_charlist(support), [:binary, :report])
{:module, :interop} = :code.load_binary(:interop, ~c"interop", beam)

defmodule Store do
  use GenServer

  def init(state), do: {:ok, state}

  def handle_call({:echo, what}, _from, state), do: {:reply, what, state}
  def handle_call(:state, _from, state), do: {:reply, state, state}
  def handle_call({:stop, reason}, _from, state), do: {:stop, reason, state}
  def handle_call(:never, _from, state), do: {:noreply, state}

  def handle_call({:later, ms, what}, from, state) do
    Process.send_after(self(), {:reply, from, what}, ms)
    {:noreply, state}
  end

  def handle_cast({:put, what}, state), do: {:noreply, [what | state]}

  def handle_info({:reply, from, what}, state) do
    GenServer.reply(from, what)
    {:noreply, state}
  end

  def handle_info(message, state), do: {:noreply, [message | state]}
end

defmodule Item do
  defstruct [:name, price: 1.5]
end

defmodule Checks do
  import :interop, only: [eventually: 1, puppet: 1, puppet: 2, mailbox: 1]

  def all do
    [
      {"GenServer.call by name and by pid", &call/1},
      {"GenServer.call that times out leaves nothing behind", &timeout/1},
      {"GenServer.call to a server that ends exits with its reason", &call_exits/1},
      {"GenServer.cast by name and by pid", &cast/1},
      {"GenServer.multi_call and abcast", &multi_call/1},
      {"10 000 calls by 64 tasks", &tasks/1},
      {"100 000 casts arrive in order", &order/1},
      {"a C++ process calls, casts to and messages a GenServer", &from_cpp/1},
      {"a C++ call to a GenServer that is slow leaves nothing behind", &timeout_from_cpp/1},
      {"a C++ call to a GenServer that ends tells its reason", &exit_from_cpp/1},
      {"structs, strings, charlists and nil come back as they are", &terms/1},
      {"Process.monitor tells true reasons", &monitor/1},
      {"Process.monitor of nobody tells noproc at once", &monitor_nobody/1},
      {"Process.demonitor with flush", &demonitor/1},
      {"Process.link, both ways", &link/1},
      {"Process.unlink", &unlink/1},
      {"Process.exit", &exit_signals/1},
      {"Supervisor.which_children and count_children", &supervisor/1},
      {"Node.list and Node.ping", &nodes/1},
      {"Node.spawn of what is not served ends, and does not hang", &spawn_there/1},
      {"Node.monitor and Node.disconnect", &disconnect/1}
    ]
  end

  defp tell(puppet, command), do: apply(:interop, :do, [puppet, command])
  defp there(%{node: node}, name), do: {name, node}

  def call(%{node: n} = node) do
    {pid, ^n} = GenServer.call(there(node, :echo), :whoami)
    "hello" = GenServer.call(pid, {:echo, "hello"})
    %{a: 1} = GenServer.call(there(node, :echo), {:echo, %{a: 1}})
    :ok = GenServer.cast(there(node, :counter), :reset)
    42 = GenServer.call(there(node, :counter), {:add, 42})
    {:error, {:unknown_call, :what}} = GenServer.call(there(node, :echo), :what)
  end

  defp failure(fun) do
    {:returned, fun.()}
  catch
    :exit, {reason, {GenServer, :call, _}} -> reason
  end

  def timeout(node) do
    :timeout = failure(fn -> GenServer.call(there(node, :echo), {:delay, 200, :late}, 20) end)
    :timeout = failure(fn -> GenServer.call(there(node, :echo), {:delay, 200, :late}, 0) end)
    :now = GenServer.call(there(node, :echo), {:delay, 230, :now})
    Process.sleep(20)
  end

  def call_exits(node) do
    {:shutdown, :x} = failure(fn -> GenServer.call(there(node, :crasher), {:exit, {:shutdown, :x}}) end)
    back(node)
    :normal = failure(fn -> GenServer.call(there(node, :crasher), {:exit, :normal}) end)
    back(node)
    :noproc = failure(fn -> GenServer.call(there(node, :nobody), :x) end)
  end

  defp back(node), do: eventually(fn -> match?({:returned, _}, failure(fn -> GenServer.call(there(node, :crasher), :pid) end)) end)

  def cast(node) do
    {pid, _} = GenServer.call(there(node, :echo), :whoami)
    :ok = GenServer.cast(pid, {:echo_to, self(), 1})
    receive do: ({:echo_cast, 1} -> :ok)
    :ok = GenServer.cast(there(node, :echo), {:echo_to, self(), 2})
    receive do: ({:echo_cast, 2} -> :ok)
    ref = make_ref()
    send(there(node, :echo), {self(), ref, 3})
    receive do: ({^ref, 3} -> :ok)
  end

  def multi_call(%{node: n}) do
    {[{^n, 7}], []} = GenServer.multi_call([n], :echo, {:echo, 7}, 5000)
    {[], [^n]} = GenServer.multi_call([n], :nobody, {:echo, 7}, 5000)
    :abcast = GenServer.abcast([n], :echo, {:echo_to, self(), 8})
    receive do: ({:echo_cast, 8} -> :ok)
  end

  def tasks(node) do
    1..64
    |> Enum.map(fn k ->
      Task.async(fn -> Enum.each(1..157, fn i -> {^k, ^i} = GenServer.call(there(node, :echo), {:echo, {k, i}}, 60_000) end) end)
    end)
    |> Task.await_many(60_000)
  end

  def order(node) do
    Enum.each(1..100_000, &GenServer.cast(there(node, :sink), {:put, :elixir, &1}))
    true = Enum.to_list(1..100_000) == GenServer.call(there(node, :sink), {:take, :elixir}, 60_000)
  end

  def from_cpp(node) do
    p = puppet(node)
    {:ok, server} = GenServer.start_link(Store, [], name: :store)
    here = {:store, Node.self()}
    {:ok, "text"} = tell(p, {:call, server, {:echo, "text"}, 5000})
    {:ok, "text"} = tell(p, {:call, here, {:echo, "text"}, 5000})
    :ok = tell(p, {:cast, server, {:put, 1}})
    :ok = tell(p, {:cast, here, {:put, 2}})
    :ok = tell(p, {:send, server, {:plain, 3}})
    {:ok, [{:plain, 3}, 2, 1]} = tell(p, {:call, here, :state, 5000})
    10_048 = tell(p, {:call_many, here, 64, 157})
    [] = mailbox(p)
    GenServer.stop(server)
  end

  def timeout_from_cpp(node) do
    p = puppet(node)
    {:ok, server} = GenServer.start_link(Store, [])
    {:exit, {:timeout, _}} = tell(p, {:call, server, {:later, 200, :late}, 20})
    {:exit, {:timeout, _}} = tell(p, {:call, server, :never, 20})
    {:ok, :now} = tell(p, {:call, server, {:later, 230, :now}, 5000})
    [] = mailbox(p)
    GenServer.stop(server)
  end

  def exit_from_cpp(node) do
    p = puppet(node)
    {:ok, server} = GenServer.start(Store, [])
    {:exit, {{:shutdown, :bye}, _}} = tell(p, {:call, server, {:stop, {:shutdown, :bye}}, 5000})
    {:exit, {:noproc, _}} = tell(p, {:call, server, :state, 5000})
    {:exit, {:noproc, _}} = tell(p, {:call, {:nobody, Node.self()}, :state, 5000})
  end

  def terms(node) do
    p = puppet(node)

    for term <- [%Item{name: "é"}, "", "日本", ~c"charlist", nil, [nil, true], %{"k" => %{k: nil}}, 1..3, Date.new!(2024, 2, 29), {:ok, self()}] do
      ^term = GenServer.call(there(node, :echo), {:echo, term})
      :ok = tell(p, {:send, self(), {:back, term}})
      receive do: ({:back, ^term} -> :ok)
    end
  end

  @reasons [:normal, :shutdown, {:shutdown, 1}, {:abnormal, "why"}]

  def monitor(node) do
    for reason <- @reasons do
      p = puppet(node)
      ref = Process.monitor(p)
      :ok = tell(p, {:exit, reason})
      receive do: ({:DOWN, ^ref, :process, ^p, ^reason} -> :ok)
    end

    p = puppet(node)
    ref = Process.monitor(p)
    Process.exit(p, :kill)
    receive do: ({:DOWN, ^ref, :process, ^p, :killed} -> :ok)
  end

  def monitor_nobody(%{node: n} = node) do
    p = puppet(node)
    :ok = tell(p, {:exit, :normal})
    ref = Process.monitor(p)
    receive do: ({:DOWN, ^ref, :process, ^p, :noproc} -> :ok), after: (1000 -> raise("late"))
    name = {:nobody, n}
    ref = Process.monitor(name)
    receive do: ({:DOWN, ^ref, :process, ^name, :noproc} -> :ok), after: (1000 -> raise("late"))
  end

  def demonitor(node) do
    p = puppet(node)
    ref = Process.monitor(p)
    true = Process.demonitor(ref, [:flush])
    :ok = tell(p, {:exit, :bye})
  end

  def link(node) do
    Process.flag(:trap_exit, true)
    p = puppet(node)
    true = Process.link(p)
    :ok = tell(p, {:exit, :bye})
    receive do: ({:EXIT, ^p, :bye} -> :ok)

    p = puppet(node)
    {child, ref} = spawn_monitor(fn -> Process.link(p) && Process.sleep(:infinity) end)
    eventually(fn -> {:links, [p]} == Process.info(child, :links) end)
    :ok = tell(p, {:exit, {:cpp, :ended}})
    receive do: ({:DOWN, ^ref, :process, ^child, {:cpp, :ended}} -> :ok)

    p = puppet(node)
    ref = Process.monitor(p)
    {:ok, server} = GenServer.start(Store, [])
    :ok = tell(p, {:link, server})
    Process.exit(server, :elixir_ended)
    receive do: ({:DOWN, ^ref, :process, ^p, :elixir_ended} -> :ok)

    p = puppet(node, :trap)
    {:ok, server} = GenServer.start(Store, [])
    :ok = tell(p, {:link, server})
    GenServer.stop(server)
    eventually(fn -> mailbox(p) == [{:EXIT, server, :normal}] end)
  end

  def unlink(node) do
    Process.flag(:trap_exit, true)
    p = puppet(node)
    true = Process.link(p)
    true = Process.unlink(p)
    :ok = tell(p, {:exit, :bye})
    ref = Process.monitor(p)
    receive do: ({:DOWN, ^ref, :process, ^p, :noproc} -> :ok)
  end

  def exit_signals(node) do
    me = self()
    p = puppet(node, :trap)
    Process.exit(p, :why)
    [{:EXIT, ^me, :why}] = mailbox(p)
    {child, ref} = spawn_monitor(fn -> Process.sleep(:infinity) end)
    :ok = tell(p, {:exit2, child, :kill})
    receive do: ({:DOWN, ^ref, :process, ^child, :killed} -> :ok)
  end

  def supervisor(node) do
    [{:steady, steady, :worker, _}, {:crasher, _, :worker, _}] = Supervisor.which_children(there(node, :demo_sup))
    ^steady = GenServer.call(there(node, :steady), :pid)
    %{active: 2, specs: 2, supervisors: 0, workers: 2} = Supervisor.count_children(there(node, :demo_sup))
  end

  def nodes(%{node: n}) do
    :pong = Node.ping(n)
    true = Node.connect(n)
    true = n in Node.list(:connected)
    true = n in Node.list() == n in Node.list(:visible)
  end

  def spawn_there(%{node: n}) do
    pid = Node.spawn(n, fn -> :ok end)
    ref = Process.monitor(pid)
    receive do: ({:DOWN, ^ref, :process, ^pid, _} -> :ok)
    pid = Node.spawn(n, Kernel, :node, [])
    ref = Process.monitor(pid)
    receive do: ({:DOWN, ^ref, :process, ^pid, _} -> :ok)
  end

  def disconnect(%{node: n} = node) do
    true = Node.monitor(n, true)
    true = Node.disconnect(n)
    receive do: ({:nodedown, ^n} -> :ok)
    1 = GenServer.call(there(node, :echo), {:echo, 1})
  end
end

:interop.start_checks()
:interop.check_kinds(Checks.all())
:interop.finish()
