#include "base/intrusive_list.hpp"

#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <vector>

namespace {

struct other;
struct item : erl::list_hook<>, erl::list_hook<other> {
  explicit item(int v) : value(v) {}
  int value;
};

template <class List> std::vector<int> values(List& list) {
  std::vector<int> out;
  for (item& i : list) {
    out.push_back(i.value);
  }
  return out;
}

} // namespace

TEST_CASE("a list keeps the order of what is pushed at both ends") {
  erl::intrusive_list<item> list;
  CHECK(list.empty());
  CHECK(list.front() == nullptr);
  CHECK(list.pop_front() == nullptr);
  item a{1};
  item b{2};
  item c{3};
  list.push_back(b);
  list.push_back(c);
  list.push_front(a);
  CHECK(values(list) == std::vector{1, 2, 3});
  CHECK(list.front() == &a);
  CHECK(list.back() == &c);
  CHECK(list.pop_front() == &a);
  CHECK(values(list) == std::vector{2, 3});
}

TEST_CASE("an element leaves from the middle, and when it is destroyed") {
  erl::intrusive_list<item> list;
  item a{1};
  auto b = std::make_unique<item>(2);
  item c{3};
  for (item* i : {&a, b.get(), &c}) {
    list.push_back(*i);
  }
  b.reset();
  CHECK(values(list) == std::vector{1, 3});
  static_cast<erl::list_hook<>&>(a).unlink();
  static_cast<erl::list_hook<>&>(a).unlink();
  CHECK(values(list) == std::vector{3});
  list.push_back(a);
  CHECK(values(list) == std::vector{3, 1});
}

TEST_CASE("an object is in two lists of different tags at once") {
  erl::intrusive_list<item> one;
  erl::intrusive_list<item, other> two;
  item a{1};
  item b{2};
  one.push_back(a);
  one.push_back(b);
  two.push_back(b);
  two.push_back(a);
  CHECK(one.pop_front() == &a);
  CHECK(values(two) == std::vector{2, 1});
}

TEST_CASE("splicing moves everything in order and leaves the source empty and usable") {
  erl::intrusive_list<item> to;
  erl::intrusive_list<item> from;
  item a{1};
  item b{2};
  item c{3};
  to.splice_back(from);
  CHECK(to.empty());
  from.push_back(a);
  from.push_back(b);
  to.splice_back(from);
  from.push_back(c);
  to.splice_back(from);
  CHECK(from.empty());
  CHECK(values(to) == std::vector{1, 2, 3});
  to.splice_back(to);
  CHECK(values(to) == std::vector{1, 2, 3});
}

TEST_CASE("a list that is destroyed leaves its elements unlinked") {
  item a{1};
  {
    erl::intrusive_list<item> list;
    list.push_back(a);
  }
  CHECK_FALSE(static_cast<erl::list_hook<>&>(a).linked());
}
