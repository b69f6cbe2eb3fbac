#include "base/log.hpp"
#include "node/asio_driver.hpp"
#include "node/cookie.hpp"
#include "node/node_name.hpp"
#include "node/peers.hpp"
#include "node/stop_signals.hpp"
#include "otp/net_kernel.hpp"
#include "runtime/system.hpp"
#include <erl/epmd/client.hpp>
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>
#include <erl/node.hpp>

#include <algorithm>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <thread>

namespace erl {

namespace {

const atom stop_command("$stop");

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

std::unexpected<node_error> failed(node_errc code, std::string message) {
  return std::unexpected(node_error{code, std::move(message)});
}

node_errc code_of(const epmd::error& error) {
  return error.code == epmd::errc::name_taken ? node_errc::name_taken : node_errc::epmd_failed;
}

/// What a top supervisor's keeper tells the threads outside.
struct top_state {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<std::expected<pid, node_error>> started;
  bool ended = false;
};

/// The parent of a top supervisor: starts it, stops it when told to, and says when it has ended.
task<> keep_top(process& self, supervisor what, std::shared_ptr<top_state> state) {
  const reference tag = self.make_reference();
  self.trap_exit(true);
  auto started = co_await detail::start_linked(
      self, detail::make_supervisor(std::move(what), {}, {self.self(), tag}), tag);
  {
    const std::lock_guard lock(state->mutex);
    if (started)
      state->started = *started;
    else
      state->started = failed(node_errc::start_failed,
                              "the supervisor could not start: " + brief(started.error()));
    state->ended = !started;
    state->changed.notify_all();
  }
  if (!started)
    co_return;
  const auto relevant = [&](term_ref m) {
    return m.is(stop_command) ||
           (m.is_tuple(atoms::exit_signal, 3) && m.element(1).to_pid() == *started);
  };
  auto m = co_await self.receive(relevant);
  if (m.body().is(stop_command)) {
    self.exit(*started, atoms::shutdown);
    const auto ends = [&](term_ref body) {
      return body.is_tuple(atoms::exit_signal, 3) && body.element(1).to_pid() == *started;
    };
    auto end = co_await self.receive(ends);
  } else {
    log::put(log::level::error, "node",
             "the top supervisor has ended: ", brief(m.body().element(2)));
  }
  const std::lock_guard lock(state->mutex);
  state->ended = true;
  state->changed.notify_all();
}

} // namespace

struct node::impl {
  struct top {
    pid keeper;
    std::shared_ptr<top_state> state;
  };

  node_options options;
  std::string full_name = "nonode@nohost";
  std::uint16_t port = 0;
  bool running = false;
  bool start_failed = false;
  std::unique_ptr<runtime::system> system;
  std::unique_ptr<peers> others;
  std::unique_ptr<listener> listening;
  std::optional<epmd::registration> registration;
  std::vector<top> tops;

  std::expected<void, node_error> start();
  std::expected<void, node_error> join_cluster(runtime::identity& self, driver& world);
  std::expected<void, node_error> register_name(const node_name& name);
  void stop_top(const top& t);
  void stop();
};

std::expected<void, node_error> node::impl::join_cluster(runtime::identity& self, driver& world) {
  const auto name = complete_node_name(options.name);
  if (!name)
    return failed(node_errc::bad_name, name.error());
  full_name = name->full();
  self.node = atom(std::string_view(full_name));
  set_own_node(self.node);
  if (!is_loopback(options.listen_address) && !options.insecure_tcp)
    return failed(node_errc::unsafe_listen, "listening on " + options.listen_address +
                                                " is open to the network, and plain TCP protects "
                                                "neither the cookie's proof nor the traffic; "
                                                "set insecure_tcp to do it all the same");
  auto cookie = find_cookie(options);
  if (!cookie)
    return std::unexpected(std::move(cookie.error()));

  dist::link_options link;
  link.name = full_name;
  link.flags = dist::advertised(options.visible);
  link.cookie = std::move(*cookie);
  link.ticks.time = options.tick_time;
  if (options.visible)
    log::put(log::level::warning, "node",
             "visible, but global is not served yet: global:sync on this node's peers would wait "
             "for it");
  others = std::make_unique<peers>(std::move(link), options.known_peers, options.epmd);
  std::error_code error;
  listening = world.listen({options.listen_address, options.listen_port}, *others, error);
  if (listening == nullptr)
    return failed(node_errc::cannot_listen, "cannot listen on " + options.listen_address +
                                                ", port " + std::to_string(options.listen_port) +
                                                ": " + error.message());
  port = listening->local().port;
  if (options.epmd) {
    if (auto registered = register_name(*name); !registered)
      return registered;
    self.creation = registration->creation();
  } else {
    world.random(std::as_writable_bytes(std::span(&self.creation, 1)));
    self.creation = std::max<std::uint32_t>(self.creation, 4); // lower ones are old nodes'
  }
  return {};
}

std::expected<void, node_error> node::impl::register_name(const node_name& name) {
  epmd::registration_options to;
  to.name = name.name;
  to.port = port;
  to.serve_if_absent = true; // this node needs no Erlang on its machine
  auto opened = epmd::registration::open(std::move(to));
  if (!opened)
    return failed(code_of(opened.error()), opened.error().message());
  registration.emplace(std::move(*opened));
  return {};
}

std::expected<void, node_error> node::impl::start() {
  if (running)
    return {};
  unsigned count = options.schedulers != 0 ? options.schedulers
                                           : std::max(1U, std::thread::hardware_concurrency());
  count = options.schedulers != 0 ? count : std::min(count, 32U);
  if (count > 32)
    return failed(node_errc::bad_options, "schedulers: at most 32");
  std::vector<std::unique_ptr<driver>> drivers;
  for (unsigned i = 0; i < count; ++i)
    drivers.push_back(make_asio_driver());

  runtime::identity self;
  if (!options.name.empty())
    if (auto joined = join_cluster(self, *drivers[0]); !joined) {
      registration.reset();
      listening.reset();
      others.reset();
      return joined;
    }
  unsigned next = 0;
  system =
      std::make_unique<runtime::system>(self, count, [&] { return std::move(drivers[next++]); });
  if (others != nullptr)
    others->bind(*system);
  running = true;
  system->at(0).spawn(make_net_kernel(), pid{});
  system->start();
  return {};
}

void node::impl::stop_top(const top& t) {
  system->at(0).post(
      [this, keeper = t.keeper] { system->at(0).send({}, keeper, term(stop_command)); });
  std::unique_lock lock(t.state->mutex);
  t.state->changed.wait(lock, [&] { return t.state->ended; });
}

void node::impl::stop() {
  if (!std::exchange(running, false))
    return;
  for (auto t = tops.rbegin(); t != tops.rend(); ++t)
    stop_top(*t);
  tops.clear();
  system->stop();
  listening.reset();
  if (others != nullptr)
    others->shut_down();
  registration.reset();
  others.reset();
  system.reset();
}

node::node(node_options options) : impl_(new impl) { impl_->options = std::move(options); }

node::~node() {
  stop();
  delete impl_;
}

std::expected<void, node_error> node::start() {
  auto started = impl_->start();
  if (!started) {
    log::put(log::level::error, "node", started.error().message);
    impl_->start_failed = true;
  }
  return started;
}

std::expected<pid, node_error> node::start(supervisor top) {
  if (auto started = start(); !started)
    return std::unexpected(started.error());
  auto state = std::make_shared<top_state>();
  const pid keeper = spawn(keep_top, std::move(top), state);
  std::unique_lock lock(state->mutex);
  state->changed.wait(lock, [&] { return state->started.has_value(); });
  if (*state->started) {
    impl_->tops.push_back({keeper, state});
  } else {
    log::put(log::level::error, "node", state->started->error().message);
    impl_->start_failed = true;
  }
  return *state->started;
}

int node::run() {
  if (!start() || impl_->start_failed) {
    stop();
    return 1;
  }
  stop_signals signals;
  const auto gave_up = [&] {
    return std::any_of(impl_->tops.begin(), impl_->tops.end(), [](const impl::top& t) {
      const std::lock_guard lock(t.state->mutex);
      return t.state->ended;
    });
  };
  // A supervisor that ends wakes this thread through the same door as a signal.
  std::vector<std::jthread> watchers;
  for (const impl::top& t : impl_->tops)
    watchers.emplace_back([state = t.state, &signals] {
      std::unique_lock lock(state->mutex);
      state->changed.wait(lock, [&] { return state->ended; });
      signals.wake();
    });
  signals.wait();
  const bool failed = gave_up();
  stop();
  return failed ? 1 : 0;
}

void node::stop() { impl_->stop(); }

pid node::spawn_body(owned_body what, unsigned scheduler) {
  runtime::scheduler& owner = impl_->system->at(scheduler);
  const pid self = owner.reserve();
  // A std::function has to be copyable.
  auto body = std::make_shared<owned_body>(std::move(what));
  owner.post([&owner, self, body] {
    owner.handle({.kind = runtime::signal_kind::spawn, .to = self, .what = std::move(*body)});
  });
  return self;
}

int node::run_body(owned_body what) {
  if (!start())
    return 1;
  auto done = std::make_shared<std::promise<bool>>();
  auto result = done->get_future();
  auto body = std::make_shared<owned_body>(std::move(what));
  spawn([done, body](process& self) -> task<> {
    static_cast<void>(self.spawn_body(std::move(*body), {.monitor = true}));
    auto end = co_await self.receive(any_of<down>);
    const auto how = end.as<down>();
    const bool well = how && (how->reason.is(atoms::normal) || how->reason.is(atoms::shutdown));
    if (!well)
      log::put(log::level::error, "node",
               "the main process has ended: ", how ? brief(how->reason) : std::string());
    done->set_value(well);
  });
  const bool well = result.get();
  stop();
  return well ? 0 : 1;
}

void node::send(const destination& to, term message) {
  runtime::scheduler& home = impl_->system->at(0);
  home.post([&home, to, message = std::move(message)] { home.send({}, to, message); });
}

std::expected<void, node_error> node::connect(std::string_view peer) {
  if (auto started = start(); !started)
    return started;
  if (impl_->others == nullptr)
    return failed(node_errc::not_connected, "this node has no name, and so no distribution");
  if (const auto name = parse_node_name(peer); !name)
    return failed(node_errc::bad_name, name.error());
  auto done = std::make_shared<std::promise<std::expected<void, std::string>>>();
  auto result = done->get_future();
  impl_->system->at(0).post([others = impl_->others.get(), name = std::string(peer), done] {
    others->connect(name, [done](const std::expected<void, std::string>& outcome) {
      done->set_value(outcome);
    });
  });
  const auto outcome = result.get();
  if (!outcome)
    return failed(node_errc::not_connected, outcome.error());
  return {};
}

std::vector<std::string> node::connected() const {
  if (!impl_->running || impl_->others == nullptr)
    return {};
  auto done = std::make_shared<std::promise<std::vector<std::string>>>();
  auto result = done->get_future();
  impl_->system->at(0).post(
      [others = impl_->others.get(), done] { done->set_value(others->connected()); });
  return result.get();
}

std::string_view node::name() const { return impl_->full_name; }
std::uint16_t node::port() const { return impl_->port; }
unsigned node::schedulers() const {
  return impl_->running ? static_cast<unsigned>(impl_->system->size()) : 0;
}

} // namespace erl
