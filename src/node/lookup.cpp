#include "node/lookup.hpp"

#include "epmd/client.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <csignal>
#include <thread>

namespace erl {

struct lookup_service::impl {
  boost::asio::io_context io{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  std::thread thread;
};

lookup_service::lookup_service() : impl_(std::make_unique<impl>()) {
  impl_->thread = std::thread([this] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    impl_->io.run();
  });
}

lookup_service::~lookup_service() {
  impl_->io.stop();
  impl_->thread.join();
}

void lookup_service::find(std::string name, std::string host, found done) {
  boost::asio::post(impl_->io, [this, name = std::move(name), host = std::move(host),
                                done = std::move(done)] {
    const auto target = epmd::make_target(host, {});
    if (!target)
      return done(std::unexpected(target.error().message()));
    epmd::async_lookup(
        impl_->io, *target, name, [done](std::expected<epmd::node_info, epmd::error> answer) {
          if (!answer)
            return done(std::unexpected(answer.error().message()));
          if (!answer->speaks_version_6())
            return done(std::unexpected("node " + answer->name +
                                        " speaks only versions of the protocol before OTP 23's"));
          done(endpoint{answer->address, answer->port});
        });
  });
}

} // namespace erl
