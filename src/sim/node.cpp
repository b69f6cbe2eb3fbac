#include "otp/node_processes.hpp"
#include "runtime/blocking.hpp"
#include "runtime/census.hpp"
#include "runtime/process_block.hpp"
#include "sim/world.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>

#include <utility>

namespace erl::sim {

node::impl::impl(world::impl& owner, std::string full_name, const node_options& chosen)
    : in(owner), name(std::move(full_name)),
      host("10.0.0." + std::to_string(owner.nodes.size() + 1)), node(std::string_view(name)),
      options(chosen), handle(new sim::node(this)) {
  if (options.schedulers == 0)
    options.schedulers = static_cast<unsigned>(1 + in.network.random() % 3);
}

node::impl::~impl() { delete handle; }

void node::impl::start() {
  system = std::make_unique<runtime::system>(
      runtime::identity{.node = node, .creation = ++creation}, options.schedulers, [this] {
        auto made = std::make_unique<memory_driver>(in.network, host);
        drivers.push_back(made.get());
        return made;
      });
  for (std::size_t i = 0; i < system->size(); ++i)
    system->at(i).shuffle(&in.network.random);
  system->set_blocking(std::make_unique<runtime::run_in_place>());

  dist::link_options link;
  link.name = name;
  link.flags = dist::advertised(options.visible);
  link.cookie = "simulation";
  link.ticks.time = options.tick_time;
  link.limits = options.limits;
  std::vector<known_peer> known;
  known.reserve(in.nodes.size());
  for (const auto& each : in.nodes)
    known.push_back(in.address_of(*each));
  others = std::make_unique<peers>(std::move(link), std::move(known), false, served,
                                   options.auto_connect);
  std::error_code error;
  listening = drivers[0]->listen({host, world::impl::port}, *others, error);
  if (listening == nullptr)
    throw failure("cannot listen: " + error.message());
  others->bind(*system);
  start_node_processes(
      *system,
      {.visible = options.visible, .global = options.global, .connects = options.auto_connect});
}

void node::impl::crash() {
  if (system == nullptr)
    return;
  listening.reset();
  others->shut_down();
  system->set_distribution(nullptr);
  others.reset();
  system.reset();
  drivers.clear();
}

runtime::system& node::impl::running() const {
  if (system == nullptr)
    throw failure(name + " does not run");
  return *system;
}

runtime::scheduler& node::impl::any_scheduler() {
  return running().at(in.network.random() % system->size());
}

runtime::system& system_of(const node& n) { return n.impl_->running(); }
served_functions& served_by(const node& n) { return n.impl_->served; }

atom node::name() const { return impl_->node; }
bool node::running() const { return impl_->system != nullptr; }

pid node::spawn_body(owned_body what) {
  return impl_->any_scheduler().spawn(std::move(what), pid{}).id();
}

namespace {
/// The parent of a supervisor.
task<> keep(process& self, supervisor what,
            std::shared_ptr<std::optional<std::expected<pid, term>>> result) {
  const start_notice notice = detail::make_notice(self);
  self.trap_exit(true);
  auto started = co_await detail::start_linked(
      self, detail::make_supervisor(std::move(what), {}, notice), notice.tag);
  *result = started;
  if (!started)
    co_return;
  auto end = co_await self.receive(any_of<exit_signal>);
}
} // namespace

pid node::start(supervisor top) {
  // Shared: the process may outlive this function, if that fails.
  const auto result = std::make_shared<std::optional<std::expected<pid, term>>>();
  spawn(keep, std::move(top), result);
  if (!impl_->in.run_until([&] { return result->has_value(); }, std::chrono::minutes(10)))
    throw failure("the supervisor did not start within 10 minutes");
  if (!**result)
    throw failure("the supervisor could not start: " + to_string((*result)->error()));
  return ***result;
}

void node::add_served(atom module, atom name, unsigned arity,
                      owned<detail::served_function> function) {
  impl_->served.add(module, name, arity, std::move(function));
}

void node::inject(const destination& to, term message) {
  auto& here = impl_->any_scheduler();
  here.post([&here, to, message = std::move(message)] { here.send({}, to, message); });
}

void node::exit(const pid& who, const term& reason) {
  auto& here = impl_->any_scheduler();
  here.post([&here, who, reason] {
    here.route({.kind = runtime::signal_kind::exit, .from = who, .to = who, .body = reason});
  });
}

bool node::is_alive(const pid& who) const {
  auto* system = impl_->system.get();
  return system != nullptr && system->is_local(who) && system->owner_of(who).find(who) != nullptr;
}

std::optional<pid> node::whereis(atom name) const { return impl_->running().whereis(name); }
std::optional<pid> node::global_whereis(term_ref name) const {
  return impl_->running().names_everywhere().find(name);
}
std::uint64_t node::processes() const { return impl_->running().process_count; }
std::vector<std::string> node::connected() const {
  impl_->running();
  return impl_->others->connected();
}

holdings node::held() const {
  auto& system = impl_->running();
  holdings total = runtime::shared_holdings(system);
  for (std::size_t i = 0; i < system.size(); ++i)
    total += runtime::held_by(system.at(i));
  total.for_peers = impl_->others->held();
  return total;
}

void node::crash() {
  for (const auto& each : impl_->in.nodes)
    impl_->in.network.cut(impl_->host, each->host);
  impl_->crash();
}

void node::power_off() {
  impl_->in.network.black_hole({impl_->host, world::impl::port}, true);
  impl_->in.network.vanish(impl_->host);
  impl_->crash();
}

void node::restart() {
  crash();
  impl_->in.network.black_hole({impl_->host, world::impl::port}, false);
  impl_->start();
}

} // namespace erl::sim
