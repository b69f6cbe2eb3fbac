# A shop that examples/client.cpp calls: an ordinary GenServer.
#
#   elixir --name shop@127.0.0.1 examples/client_server.exs

defmodule Shop do
  use GenServer

  @impl true
  def init(prices), do: {:ok, prices}

  @impl true
  def handle_call({:price, item}, _from, prices) do
    case prices do
      %{^item => price} -> {:reply, {:ok, price}, prices}
      _ -> {:reply, {:error, :unknown_item}, prices}
    end
  end

  def handle_call({:nap, milliseconds}, _from, prices) do
    Process.sleep(milliseconds)
    {:reply, :rested, prices}
  end
end

{:ok, _} = GenServer.start_link(Shop, %{"apple" => 0.5, "pear" => 0.75}, name: :shop)
IO.puts("READY #{node()}")
Process.sleep(:infinity)
