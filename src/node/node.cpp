#include "base/log.hpp"
#include "node/asio_driver.hpp"
#include "node/cookie.hpp"
#include "node/node_name.hpp"
#include "node/peers.hpp"
#include "node/stop_signals.hpp"
#include "otp/gen.hpp"
#include "otp/node_processes.hpp"
#include "runtime/system.hpp"
#include "runtime/thread_pool.hpp"
#include <erl/epmd/client.hpp>
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>
#include <erl/node.hpp>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <future>
#include <mutex>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <thread>
#include <type_traits>

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
class top_state {
public:
  void set_started(std::expected<pid, node_error> result) {
    const std::lock_guard lock(mutex_);
    if (!started_)
      started_ = std::move(result);
    changed_.notify_all();
  }
  void set_ended() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  std::expected<pid, node_error> wait_until_started() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return started_.has_value(); });
    return *started_;
  }
  void wait_until_ended() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_; });
  }
  bool ended() {
    const std::lock_guard lock(mutex_);
    return ended_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::expected<pid, node_error>> started_;
  bool ended_ = false;
};

/// Tells the end of a keeper, also of one that is killed.
struct end_of_keeper {
  ~end_of_keeper() {
    state->set_started(
        failed(node_errc::start_failed, "the supervisor was killed while it started"));
    state->set_ended();
  }
  std::shared_ptr<top_state> state;
};

/// The parent of a top supervisor: starts it, stops it when told to, and says when it has ended.
task<> keep_top(process& self, supervisor what, std::shared_ptr<top_state> state) {
  const end_of_keeper end{state};
  const start_notice notice = detail::make_notice(self);
  self.trap_exit(true);
  auto started = co_await detail::start_linked(
      self, detail::make_supervisor(std::move(what), {}, notice), notice.tag);
  if (!started) {
    state->set_started(failed(node_errc::start_failed,
                              "the supervisor could not start: " + brief(started.error())));
    co_return;
  }
  state->set_started(*started);
  const auto relevant = [&](term_ref m) {
    return m.is(stop_command) || gen::is_exit_of(m, *started);
  };
  auto m = co_await self.receive(relevant);
  if (!m.body().is(stop_command)) {
    log::put(log::level::error, "node",
             "the top supervisor has ended: ", brief(m.body().element(2)));
    co_return;
  }
  self.exit(*started, atoms::shutdown);
  const auto ends = [&](term_ref body) { return gen::is_exit_of(body, *started); };
  auto ended = co_await self.receive(ends);
}

/// Tells how run(main)'s process ended; false unless it is told otherwise.
struct end_of_main {
  ~end_of_main() { done->set_value(well); }
  std::shared_ptr<std::promise<bool>> done;
  bool well = false;
};

task<> watch_main(process& self, std::shared_ptr<owned_body> what,
                  std::shared_ptr<std::promise<bool>> done) {
  end_of_main end{done};
  static_cast<void>(self.spawn_body(std::move(*what), {.monitor = true}));
  auto m = co_await self.receive(any_of<down>);
  const term reason = m.body().share(m.body().element(4));
  end.well = reason.is(atoms::normal) || reason.is(atoms::shutdown);
  if (!end.well)
    log::put(log::level::error, "node", "the main process has ended: ", brief(reason));
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
  enum class phase { fresh, running, stopped };
  std::mutex mutex; // of what follows, but for what only start and stop touch
  phase now = phase::fresh;
  bool start_failed = false;
  std::shared_ptr<runtime::system>
      system; // shared with calls that are under way when the node stops
  served_functions served;
  std::unique_ptr<peers> others;
  std::unique_ptr<listener> listening;
  std::optional<epmd::registration> registration;
  std::vector<top> tops;

  std::expected<void, node_error> start();
  /// Null unless the node runs.
  std::shared_ptr<runtime::system> running() {
    const std::lock_guard lock(mutex);
    return now == phase::running ? system : nullptr;
  }
  bool is_dynamic() const {
    return options.name == "undefined" || options.name.starts_with("undefined@");
  }
  std::expected<void, node_error> get_name();
  void start_processes();
  std::expected<void, node_error> join_cluster(runtime::identity& self, driver& world);
  std::expected<void, node_error> register_name(const node_name& name);
  template <class Question> auto ask(Question question);
  void stop_top(const top& t);
  void stop();
};

std::expected<void, node_error> node::impl::join_cluster(runtime::identity& self, driver& world) {
  const auto name = complete_node_name(options.name);
  if (!name)
    return failed(node_errc::bad_name, name.error());
  if (is_dynamic() && (options.visible || options.listen_port != 0))
    return failed(node_errc::bad_options,
                  "a node that is named by another one is hidden and does not listen");
  if (is_dynamic() != !options.named_by.empty())
    return failed(node_errc::bad_options,
                  "named_by is for a node whose name is undefined@host, and needed there");
  if (!is_dynamic()) {
    full_name = name->full();
    self.node = atom(std::string_view(full_name));
    set_own_node(self.node);
  }
  if (!is_loopback(options.listen_address) && !options.insecure_tcp)
    return failed(node_errc::unsafe_listen, "listening on " + options.listen_address +
                                                " is open to the network, and plain TCP protects "
                                                "neither the cookie's proof nor the traffic; "
                                                "set insecure_tcp to do it all the same");
  auto cookie = find_cookie(options);
  if (!cookie)
    return std::unexpected(std::move(cookie.error()));

  dist::link_options link;
  link.name = is_dynamic() ? name->host : full_name;
  link.flags = dist::advertised(options.visible);
  if (!options.monitored)
    link.flags &= ~(dist::flags::dist_monitor | dist::flags::dist_monitor_name);
  link.cookie = std::move(*cookie);
  link.ticks.time = options.tick_time;
  link.limits = options.limits;
  others = std::make_unique<peers>(std::move(link), options.known_peers, options.epmd, served,
                                   options.auto_connect);
  if (is_dynamic())
    return {};
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
  to.type = options.visible ? 77 : 72;
  to.serve_if_absent = true; // this node needs no Erlang on its machine
  auto opened = epmd::registration::open(std::move(to));
  if (!opened)
    return failed(code_of(opened.error()), opened.error().message());
  registration.emplace(std::move(*opened));
  return {};
}

std::expected<void, node_error> node::impl::start() {
  const std::lock_guard lock(mutex);
  if (now == phase::running)
    return {};
  if (now == phase::stopped)
    return failed(node_errc::not_running, "the node has been stopped; make a new one");
  if (options.tick_time < std::chrono::seconds(1))
    return failed(node_errc::bad_options, "tick_time: at least 1 s");
  if (const int wanted = options.watchdog.stack_signal;
      wanted > 0 && (wanted < SIGRTMIN || wanted > SIGRTMAX))
    return failed(node_errc::bad_options, "watchdog.stack_signal: a real-time signal, 0 or -1");
  if (options.pools.io == 0)
    return failed(node_errc::bad_options, "pools.io: at least 1");
  unsigned count = options.schedulers != 0 ? options.schedulers
                                           : std::max(1U, std::thread::hardware_concurrency());
  count = options.schedulers != 0 ? count : std::min(count, 32U);
  if (count > 32)
    return failed(node_errc::bad_options, "schedulers: at most 32");
  std::vector<std::unique_ptr<driver>> drivers;
  drivers.reserve(count);
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
  system->set_blocking(runtime::make_thread_pools(options.pools));
  system->set_watchdog(options.watchdog);
  if (others != nullptr)
    others->bind(*system);
  if (is_dynamic()) {
    if (auto got = get_name(); !got) {
      others->shut_down();
      system->stop();
      others.reset();
      system.reset();
      return got;
    }
  } else {
    start_processes();
  }
  now = phase::running;
  system->start();
  return {};
}

void node::impl::start_processes() {
  start_node_processes(*system, {.visible = options.visible && !options.name.empty(),
                                 .global = options.global,
                                 .connects = options.auto_connect});
}

/// Connects to the node that names this one, before any scheduler has a thread: until then there
/// is nobody whose pids could be made.
std::expected<void, node_error> node::impl::get_name() {
  if (const auto peer = parse_node_name(options.named_by); !peer)
    return failed(node_errc::bad_name, peer.error());
  bool over = false;
  std::expected<void, std::string> outcome;
  const auto take = [this](const std::string& name, std::uint32_t creation) {
    full_name = name;
    const atom self(std::string_view{full_name});
    set_own_node(self);
    system->set_self({.node = self, .creation = creation});
    start_processes();
  };
  others->connect_for_name(options.named_by, take, [&](const auto& result) {
    outcome = result;
    over = true;
  });
  system->at(0).run_until(over);
  if (!outcome)
    return failed(node_errc::not_connected, outcome.error());
  return {};
}

void node::impl::stop_top(const top& t) {
  system->at(0).post(
      [this, keeper = t.keeper] { system->at(0).send({}, keeper, term(stop_command)); });
  t.state->wait_until_ended();
}

void node::impl::stop() {
  std::vector<top> all;
  {
    const std::lock_guard lock(mutex);
    if (std::exchange(now, phase::stopped) != phase::running)
      return;
    all.swap(tops);
  }
  for (const top& t : std::views::reverse(all))
    stop_top(t);
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
  auto started = state->wait_until_started();
  const std::lock_guard lock(impl_->mutex);
  if (started) {
    impl_->tops.push_back({keeper, state});
  } else {
    log::put(log::level::error, "node", started.error().message);
    impl_->start_failed = true;
  }
  return started;
}

int node::run() {
  if (!start() || impl_->start_failed) {
    stop();
    return 1;
  }
  stop_signals signals;
  std::vector<std::shared_ptr<top_state>> states;
  {
    const std::lock_guard lock(impl_->mutex);
    states.reserve(impl_->tops.size());
    for (const impl::top& t : impl_->tops)
      states.push_back(t.state);
  }
  // A supervisor that ends wakes this thread through the same door as a signal.
  std::vector<std::jthread> watchers;
  watchers.reserve(states.size());
  for (const auto& state : states)
    watchers.emplace_back([state, &signals] {
      state->wait_until_ended();
      signals.wake();
    });
  signals.wait();
  const bool gave_up =
      std::any_of(states.begin(), states.end(), [](const auto& state) { return state->ended(); });
  stop();
  return gave_up ? 1 : 0;
}

void node::stop() { impl_->stop(); }

pid node::spawn_body(owned_body what, unsigned scheduler) {
  const auto system = impl_->running();
  if (system == nullptr)
    throw std::logic_error("erl::node::spawn: the node does not run");
  if (scheduler >= system->size())
    throw std::out_of_range("erl::node::spawn: there is no scheduler " + std::to_string(scheduler));
  runtime::scheduler& owner = system->at(scheduler);
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
  spawn(watch_main, std::make_shared<owned_body>(std::move(what)), std::move(done));
  const bool well = result.get();
  stop();
  return well ? 0 : 1;
}

void node::add_served(atom module, atom name, unsigned arity,
                      owned<detail::served_function> function) {
  impl_->served.add(module, name, arity, std::move(function));
}

void node::send(const destination& to, term message) {
  const auto system = impl_->running();
  if (system == nullptr)
    return;
  runtime::scheduler& home = system->at(0);
  home.post([&home, to, message = std::move(message)] { home.send({}, to, message); });
}

namespace {

/// Waits for what scheduler 0 promised; nothing if the node stopped first and dropped the promise.
template <class T> std::optional<T> result_of(std::future<T> promised) {
  try {
    return promised.get();
  } catch (const std::future_error&) {
    return std::nullopt;
  }
}

} // namespace

std::expected<void, node_error> node::connect(std::string_view peer) {
  if (auto started = start(); !started)
    return started;
  if (impl_->options.name.empty())
    return failed(node_errc::not_connected, "this node has no name, and so no distribution");
  if (const auto name = parse_node_name(peer); !name)
    return failed(node_errc::bad_name, name.error());
  auto done = std::make_shared<std::promise<std::expected<void, std::string>>>();
  auto result = done->get_future();
  if (const auto system = impl_->running())
    system->at(0).post(
        [others = impl_->others.get(), name = std::string(peer), done = std::move(done)] {
          others->connect(name, [done](const std::expected<void, std::string>& outcome) {
            done->set_value(outcome);
          });
        });
  done.reset();
  const auto outcome = result_of(std::move(result));
  if (!outcome)
    return failed(node_errc::not_running, "the node has been stopped");
  if (!*outcome)
    return failed(node_errc::not_connected, outcome->error());
  return {};
}

/// What `question` answers about the peers on scheduler 0; an empty answer unless the node runs.
template <class Question> auto node::impl::ask(Question question) {
  using answer = std::invoke_result_t<Question, const peers&>;
  auto done = std::make_shared<std::promise<answer>>();
  auto result = done->get_future();
  if (const auto runs = running(); runs != nullptr && !options.name.empty())
    runs->at(0).post([peers = others.get(), question, done = std::move(done)] {
      done->set_value(question(*peers));
    });
  done.reset();
  return result_of(std::move(result)).value_or(answer());
}

std::vector<std::string> node::connected(node_kind which) const {
  return impl_->ask([which](const peers& others) { return others.connected(which); });
}

std::vector<connection_info> node::connections() const {
  return impl_->ask([](const peers& others) { return others.connections(); });
}

connection_history node::past_connections() const {
  return impl_->ask([](const peers& others) { return others.history(); });
}

std::optional<pid> node::global_whereis(term_ref name) const {
  const auto system = impl_->running();
  return system == nullptr ? std::nullopt : system->names_everywhere().find(name);
}

std::string_view node::name() const { return impl_->full_name; }
std::uint16_t node::port() const { return impl_->port; }
unsigned node::schedulers() const {
  const auto system = impl_->running();
  return system == nullptr ? 0 : static_cast<unsigned>(system->size());
}
std::uint64_t node::long_slices() const {
  const auto system = impl_->running();
  const runtime::watchdog* guard = system == nullptr ? nullptr : system->guard();
  std::uint64_t all = 0;
  for (std::size_t i = 0; guard != nullptr && i < system->size(); ++i)
    all += guard->long_slices(i);
  return all;
}

} // namespace erl
