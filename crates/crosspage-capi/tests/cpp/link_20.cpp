// The other half: C++20 writes, C++17 reads, and both are what their standard says.
#include "check.hpp"
#include "shared_data.hpp"

int read_with_17();
int receive_with_17(std::string_view text);

int main() {
  crosspage::testing::Namespace ns;
  auto writer = crosspage::latest::Writer<SharedData>::create("linked");
  SharedData data{};
  data.counter = 17 + 20;
  writer.write(data);
  CHECK_EQ(read_with_17(), 37);
  auto publisher = crosspage::topic::Publisher<crosspage::bytes>::options().history(1).attach("linked-topic");
  const std::array<std::byte, 2> text = {std::byte('h'), std::byte('i')};
  publisher.publish(text);
  CHECK_EQ(receive_with_17("hi"), 2);
}
