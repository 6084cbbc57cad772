// A camera: publishes 1080p frames, which are filled in where their readers look at them. Nobody copies the 6 MB, and
// a frame that a reader holds does not change.
//
//     g++ -std=c++20 -O2 camera.cpp -lcrosspage -o camera
//     ./camera &          # a frame every 33 ms, until it is ended; ./camera 100: so many
//     ./camera watch 10   # in C++; in Python: for frame in crosspage.topic.subscriber("camera"): numpy.asarray(frame)

#include <crosspage.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <string>
#include <thread>

using crosspage::ndarray;
using crosspage::topic::Publisher;
using crosspage::topic::Subscriber;

constexpr std::size_t height = 1080, width = 1920;

// What a sensor would put there: a picture that moves, with the frame's number in its first pixel.
static void expose(crosspage::span<std::uint8_t> pixels, std::uint64_t number) {
  for (std::size_t y = 0; y < height; ++y) {
    std::uint8_t *const row = pixels.data() + y * width * 3;
    for (std::size_t i = 0; i < width * 3; ++i) row[i] = static_cast<std::uint8_t>(i + y + number);
  }
  for (std::size_t i = 0; i < 3; ++i) pixels[i] = static_cast<std::uint8_t>(number >> 8 * i);
}

static void film(std::uint64_t frames) {
  // A reader that is slow misses frames rather than holding up the camera.
  auto publisher = Publisher<ndarray>::options().capacity(64 << 20).send_time(true).attach("camera");
  auto next = std::chrono::steady_clock::now();
  for (std::uint64_t number = 1; number <= frames; ++number) {
    auto frame = publisher.loan<std::uint8_t>({height, width, 3});
    expose(frame.as<std::uint8_t>(), number);
    frame.commit();
    std::this_thread::sleep_until(next += std::chrono::milliseconds(33));
  }
}

static void watch(std::uint64_t frames) {
  auto subscriber = Subscriber<ndarray>::options().send_time(true).attach("camera");
  std::cout << "Waiting for frames..." << std::endl;
  for (std::uint64_t seen = 0; seen < frames; ++seen) {
    const auto frame = subscriber.recv();
    const auto pixels = frame.value.as<std::uint8_t>();  // in place, as long as `frame` lives
    const auto age = std::chrono::system_clock::now() - *frame.sent_at;
    const std::size_t number = pixels[0] + pixels[1] * 256u + pixels[2] * 65536u;
    std::cout << "frame " << number << ": " << frame.value.shape()[1] << " x " << frame.value.shape()[0] << ", "
              << std::chrono::duration_cast<std::chrono::microseconds>(age).count() << " µs old, " << subscriber.lost()
              << " missed" << std::endl;
  }
}

int main(int argc, char **argv) try {
  const bool watches = argc > 1 && std::string(argv[1]) == "watch";
  const char *given = argc > (watches ? 2 : 1) ? argv[argc - 1] : nullptr;
  const std::uint64_t frames = given ? std::strtoull(given, nullptr, 10) : std::numeric_limits<std::uint64_t>::max();
  watches ? watch(frames) : film(frames);
  return 0;
} catch (const crosspage::error &e) {
  std::cerr << "error: " << e.what() << "\n";
  return 1;
}
