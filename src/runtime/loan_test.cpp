#include "runtime/loan.hpp"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <thread>

using erl::runtime::loan;

TEST_CASE("what is lent belongs to one thread at a time, and is borrowed only while it is lent") {
  REQUIRE(loan::prepare());
  loan what;
  CHECK_FALSE(what.borrow());
  // Plain memory of both threads: a sanitizer sees every access that the loan does not order.
  struct {
    long count = 0;
    bool owned = true;
  } data;
  std::atomic<long> borrowed{0};
  std::thread borrower{[&] {
    while (borrowed.load() < 2000)
      if (what.borrow()) {
        if (!data.owned)
          ++borrowed;
        ++data.count;
        what.give_back();
      }
  }};
  long own = 0;
  while (borrowed.load() < 2000) {
    data.owned = false;
    {
      const loan::lent slice(what);
      if (++own % 3 == 0) {
        const loan::kept now(what);
        data.owned = true;
        ++data.count;
        {
          const loan::kept nested(what);
        }
        data.owned = false;
      }
      std::this_thread::yield();
    }
    data.owned = true;
  }
  borrower.join();
  CHECK(data.count == borrowed.load() + own / 3);
}
