#include "epmd/text.hpp"
#include <erl/epmd/error.hpp>

namespace erl::epmd {
namespace {

std::string place(const error& e) {
  const bool v6 = e.host.find(':') != std::string::npos;
  return (v6 ? "[" + printable(e.host) + "]" : printable(e.host)) + ":" + std::to_string(e.port);
}

std::string because(const error& e) { return e.cause.empty() ? "" : " (" + e.cause + ")"; }

std::string node(const error& e) { return "'" + printable(e.name) + "'"; }

} // namespace

std::string_view to_string(errc code) noexcept {
  switch (code) {
  case errc::not_listening:
    return "not_listening";
  case errc::unreachable:
    return "unreachable";
  case errc::unknown_host:
    return "unknown_host";
  case errc::not_registered:
    return "not_registered";
  case errc::name_taken:
    return "name_taken";
  case errc::bad_reply:
    return "bad_reply";
  case errc::closed:
    return "closed";
  case errc::timed_out:
    return "timed_out";
  case errc::bad_name:
    return "bad_name";
  case errc::bad_port:
    return "bad_port";
  case errc::port_in_use:
    return "port_in_use";
  case errc::cannot_listen:
    return "cannot_listen";
  case errc::no_resources:
    return "no_resources";
  case errc::cancelled:
    return "cancelled";
  }
  return "unknown";
}

std::string error::message() const {
  switch (code) {
  case errc::not_listening:
    return "no EPMD at " + place(*this) + because(*this) +
           ": nothing listens there; start one on that host with `epmd -daemon`, or set "
           "ERL_EPMD_PORT "
           "if it uses another port";
  case errc::unreachable:
    return "can not reach EPMD at " + place(*this) + because(*this) +
           ": check the address, the network and its firewalls";
  case errc::unknown_host:
    return "the host '" + printable(host) + "' has no address" + because(*this) +
           ": check the part of the node name after the @, /etc/hosts and DNS";
  case errc::not_registered:
    return "no node " + node(*this) + " is registered at the EPMD at " + place(*this) +
           ": check that it runs, that this is its name before the @, and that it uses this EPMD";
  case errc::name_taken:
    return "the EPMD at " + place(*this) + " refuses the name " + node(*this) +
           ": another live node of this host holds it; stop that one or choose another name";
  case errc::bad_reply:
    return "no EPMD's answer from " + place(*this) + because(*this) +
           ": another program may use that port; check ERL_EPMD_PORT";
  case errc::closed:
    return "EPMD at " + place(*this) + " closed the connection without a whole answer" +
           because(*this) + ": it is going down, is overloaded, or does not serve this host";
  case errc::timed_out:
    return "EPMD at " + place(*this) + " did not answer in time" + because(*this) +
           ": a firewall drops the packets, or the name service or the daemon hangs";
  case errc::bad_name:
    return node(*this) + " can not be registered or looked up" + because(*this) +
           ": a name is the part before the @, in UTF-8, of 1 to 255 characters";
  case errc::bad_port:
    return "no usable port" + because(*this) + ": a port is a number from 1 to 65535";
  case errc::port_in_use:
    return "can not serve EPMD at " + place(*this) + because(*this) +
           ": the port is taken, probably by another EPMD, which serves as well";
  case errc::cannot_listen:
    return "can not listen at " + place(*this) + because(*this) +
           ": check that the address belongs to this host and that the port may be used";
  case errc::no_resources:
    return "the system refused what talking to EPMD at " + place(*this) + " needs" +
           because(*this) + ": check the limits of open files, threads and memory";
  case errc::cancelled:
    return "asking EPMD at " + place(*this) + " was given up before the answer";
  }
  return "unknown failure with EPMD at " + place(*this);
}

} // namespace erl::epmd
