// Publishes messages of 64 bytes as fast as they are taken: what crates/crosspage-py/bench_topic.py receives.
//
//     stream topic NAME COUNT
//     stream pipe COUNT         to stdout, a write(2) for each message

#include <crosspage.hpp>

#include <cstdlib>
#include <iostream>
#include <string>

#include <unistd.h>

struct Sample {
  std::uint64_t sequence;
  double time;
  double values[6];
};

static void publish(const char *name, std::uint64_t count) {
  auto publisher =
      crosspage::topic::Publisher<Sample>::options().policy(crosspage::topic::Policy::block).attach(name);
  publisher.wait_subscribers(1);
  Sample sample{0, 0.25, {1, 2, 3, 4, 5, 6}};
  for (sample.sequence = 1; sample.sequence <= count; ++sample.sequence) publisher.publish(sample);
}

static void write(std::uint64_t count) {
  Sample sample{0, 0.25, {1, 2, 3, 4, 5, 6}};
  for (sample.sequence = 1; sample.sequence <= count; ++sample.sequence)
    if (::write(STDOUT_FILENO, &sample, sizeof sample) != sizeof sample) std::exit(1);  // atomic: below PIPE_BUF
}

int main(int argc, char **argv) try {
  const std::string how = argc > 1 ? argv[1] : "";
  if (how == "topic" && argc == 4) {
    publish(argv[2], std::strtoull(argv[3], nullptr, 10));
  } else if (how == "pipe" && argc == 3) {
    write(std::strtoull(argv[2], nullptr, 10));
  } else {
    std::cerr << "usage: stream topic NAME COUNT | stream pipe COUNT\n";
    return 2;
  }
  return 0;
} catch (const crosspage::error &e) {
  std::cerr << "error: " << e.what() << "\n";
  return 1;
}
