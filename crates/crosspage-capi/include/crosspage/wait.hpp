// Waiting for several handles at once, for C++17 and later. Part of crosspage.hpp, which says how errors and handles
// work.
//
//     for (const std::size_t ready : crosspage::wait_any({commands, pose}, 1s)) {
//       if (ready == 0) while (auto message = commands.try_recv()) obey(message->value);
//       else move_to(pose.read()->value);
//     }
#ifndef CROSSPAGE_WAIT_HPP
#define CROSSPAGE_WAIT_HPP

#include "../crosspage.hpp"

#include <initializer_list>
#include <vector>

namespace crosspage {
inline namespace CROSSPAGE_CXX {

// A topic's subscriber or a reader of latest, which has to stay where it is meanwhile.
class Waitable {
 public:
  template <class T>
  Waitable(const latest::Reader<T> &reader) noexcept : item_{reader.handle_.get(), nullptr, 0, 0} {}
  template <class T>
  Waitable(topic::Subscriber<T> &subscriber) noexcept : item_{nullptr, subscriber.handle_.get(), 0, 0} {}

  // Not for use by programs.
  const crosspage_wait_item &item() const noexcept { return item_; }

 private:
  crosspage_wait_item item_;
};

namespace detail {
template <class Report>
std::vector<std::size_t> wait_any(const Waitable *handles, std::size_t count, timeout t, const Report &report) {
  std::vector<crosspage_wait_item> items;
  items.reserve(count);
  for (std::size_t i = 0; i < count; ++i) items.push_back(handles[i].item());
  std::vector<std::size_t> ready;
  failure failed;
  if (const int code = crosspage_wait_any(items.data(), count, t.ns(), &failed.head)) {
    report.fail(failed, code);
    return ready;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (items[i].ready) ready.push_back(i);
  }
  report.succeed();
  return ready;
}
}  // namespace detail

// Waits until any of them has news, and returns which, at least one: their places in the list. A subscriber has news
// when there is a message, a reader when there is a value of another version than it read last, and either when its
// next call is an error. What is ready is not taken: call try_recv or read, which may find nothing where all there is
// are pieces of a message. Starts no thread. Each handle may be there once.
inline std::vector<std::size_t> wait_any(std::initializer_list<Waitable> handles, timeout t, error &e) {
  return detail::wait_any(handles.begin(), handles.size(), t, detail::reporting{e});
}
inline std::vector<std::size_t> wait_any(const std::vector<Waitable> &handles, timeout t, error &e) {
  return detail::wait_any(handles.data(), handles.size(), t, detail::reporting{e});
}
#if CROSSPAGE_THROWS
inline std::vector<std::size_t> wait_any(std::initializer_list<Waitable> handles, timeout t = std::nullopt) {
  return detail::wait_any(handles.begin(), handles.size(), t, detail::throwing());
}
inline std::vector<std::size_t> wait_any(const std::vector<Waitable> &handles, timeout t = std::nullopt) {
  return detail::wait_any(handles.data(), handles.size(), t, detail::throwing());
}
#endif

}  // namespace CROSSPAGE_CXX
}  // namespace crosspage

#endif
